"""Reads a configuration whole, from its layers, or refuses it whole with every error.

Layers, each laid over the one before: `config/NAME.yaml` as the value of the key NAME ·
`gatewayz.yaml` · `config/environments/ENVIRONMENT.yaml` · `GATEWAYZ_SECTION__KEY` variables.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatewayz.config.decode import decode_settings
from gatewayz.config.interpolate import Interpolator
from gatewayz.config.merge import merge
from gatewayz.config.problems import ConfigurationInvalid, KeyPath, Place, Problem, did_you_mean
from gatewayz.config.resources import resource
from gatewayz.config.settings import Settings
from gatewayz.config.tree import Tree, locate, parse, scalar_from_text

__all__ = ["ENVIRONMENT_VARIABLE", "Loaded", "default_path", "load"]

ENVIRONMENT_VARIABLE = "GATEWAYZ_ENVIRONMENT"
_PREFIX = "GATEWAYZ_"
_ENTRY_NAMES = ".yaml"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that was read without an error."""

    settings: Settings
    path: Path
    """The main file."""
    config_dir: Path
    """The folder of data files that was used."""
    files: tuple[Path, ...]
    """Every file that was read or would be read if it existed: what a watcher looks at."""
    tree: Tree
    plain: Mapping[str, Any]
    """The merged values before they were typed; secrets in plain text."""
    warnings: tuple[Problem, ...] = ()

    def __repr__(self) -> str:
        return f"Loaded({str(self.path)!r})"  # the values hold secrets

    def place(self, path: KeyPath) -> Place:
        """Return where a key path, or its closest parent, is written."""
        return locate(self.tree, path)

    def problem(self, path: KeyPath, message: str, *, is_warning: bool = False) -> Problem:
        """Return a finding about a key path, with its place."""
        return Problem(
            message=message, path=path, place=self.place(path), severity="warning" if is_warning else "error"
        )


def default_path() -> Path:
    """Return `gatewayz.yaml` of the current folder, or the one that comes with the gateway."""
    own = Path("gatewayz.yaml")
    return own if own.exists() else resource("gatewayz.yaml")


def load(path: Path, *, overlay: str | None = None, environ: Mapping[str, str]) -> Loaded:
    """Read and check a configuration.

    :param overlay: name of the environment; by default GATEWAYZ_ENVIRONMENT or the key `environment` says.
    Raises ConfigurationInvalid with every error that was found, each with its place.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    config_dir = _config_dir(path)
    main = _read(path, problems)
    if main is None:
        raise ConfigurationInvalid([Problem(message="no such file", place=Place(str(path)))])
    files = [path]
    tree = Tree(str(path), 1, {})
    for data in sorted(config_dir.glob(f"*{_ENTRY_NAMES}")):
        files.append(data)
        tree = merge(tree, _data(data, problems))
    tree = merge(tree, main)
    name = overlay or environ.get(ENVIRONMENT_VARIABLE) or _environment_of(tree, environ)
    if name is not None:
        file = config_dir / "environments" / f"{name}.yaml"
        files.append(file)
        tree = merge(tree, _overlay(name, file, is_asked=overlay is not None, problems=problems))
    tree = _lay_variables(tree, environ, problems, warnings)
    if overlay is not None:
        tree = merge(tree, _single(("environment",), Tree("--env", 0, overlay)))
    settings, plain = _typed(tree, environ, problems)
    return Loaded(
        settings=settings,
        path=path,
        config_dir=config_dir,
        files=tuple(files),
        tree=tree,
        plain=plain,
        warnings=tuple(warnings),
    )


def _typed(tree: Tree, environ: Mapping[str, str], problems: list[Problem]) -> tuple[Settings, dict[str, Any]]:
    """Return the typed and the plain values. Raises ConfigurationInvalid with these problems and its own."""
    interpolator = Interpolator(environ)
    plain = interpolator.plain(tree)
    problems += interpolator.problems
    if not isinstance(plain, dict):
        problems.append(Problem(message="the file must be a mapping of keys to values", place=tree.place))
        raise ConfigurationInvalid(problems)
    try:
        settings = decode_settings(plain, tree)
    except ConfigurationInvalid as err:
        unresolved = {problem.path for problem in interpolator.problems}
        found = [problem for problem in err.problems if problem.path not in unresolved]
        raise ConfigurationInvalid([*problems, *found]) from err
    if problems:
        raise ConfigurationInvalid(problems)
    return settings, plain


def _config_dir(path: Path) -> Path:
    beside = path.parent / "config"
    return beside if beside.is_dir() else resource("config")


def _read(path: Path, problems: list[Problem]) -> Tree | None:
    """Return the tree of a file; None when there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as err:
        problems.append(Problem(message=f"cannot be read: {err}", place=Place(str(path))))
        return Tree(str(path), 1, {})
    return parse(text, str(path), problems)


def _data(file: Path, problems: list[Problem]) -> Tree:
    """Return `config/NAME.yaml` as a tree with the one key NAME."""
    read = _read(file, problems) or Tree(str(file), 1, {})
    if file.stem not in Settings.__struct_fields__:
        message = f"no such top-level key: {file.stem!r}{did_you_mean(file.stem, Settings.__struct_fields__)}"
        problems.append(Problem(message=message, place=Place(str(file))))
        return Tree(str(file), 1, {})
    return Tree(str(file), 1, {file.stem: read})


def _environment_of(tree: Tree, environ: Mapping[str, str]) -> str | None:
    """Return the value of the key `environment`, when it is one; mistakes are reported later, with the rest."""
    if not isinstance(tree.value, dict) or (held := tree.value.get("environment")) is None:
        return None
    name = Interpolator(environ).plain(held)
    return name if isinstance(name, str) and name.isidentifier() else None


def _overlay(name: str, file: Path, *, is_asked: bool, problems: list[Problem]) -> Tree:
    empty = Tree(str(file), 1, {})
    if not name.replace("-", "_").isidentifier():
        problems.append(Problem(message=f"not the name of an environment: {name!r}"))
        return empty
    read = _read(file, problems)
    if read is None and is_asked:
        problems.append(Problem(message=f"there is no environment {name!r}", place=Place(str(file))))
    return read or empty


def _lay_variables(tree: Tree, environ: Mapping[str, str], problems: list[Problem], warnings: list[Problem]) -> Tree:
    for variable in sorted(environ):
        if not variable.startswith(_PREFIX):
            continue
        keys = variable[len(_PREFIX) :].lower().split("__")
        place = Place(f"environment variable {variable}")
        if keys[0] not in Settings.__struct_fields__ or not all(keys):
            hint = did_you_mean(keys[0], Settings.__struct_fields__)
            problem = Problem(message=f"no configuration key goes by that name{hint}", place=place, severity="warning")
            warnings.append(problem)
            if len(keys) > 1:
                problems.append(msgspec.structs.replace(problem, severity="error"))
            continue
        value = _variable_value(environ[variable], place, problems)
        if value is not None:
            tree = merge(tree, _single(_written_as(tree, keys), value))
    return tree


def _variable_value(text: str, place: Place, problems: list[Problem]) -> Tree | None:
    """Return a variable's value: YAML when it is a list, a mapping or quoted, else a plain scalar; None if broken."""
    if text[:1] not in ("[", "{", '"', "'"):
        return Tree(place.file, 0, scalar_from_text(text) if text else "")
    found: list[Problem] = []
    tree = parse(text, place.file, found)
    problems += [msgspec.structs.replace(problem, place=place) for problem in found]
    return None if found else _without_lines(tree)


def _without_lines(tree: Tree) -> Tree:
    held = tree.value
    if isinstance(held, dict):
        return Tree(tree.file, 0, {key: _without_lines(child) for key, child in held.items()})
    if isinstance(held, list):
        return Tree(tree.file, 0, [_without_lines(child) for child in held])
    return Tree(tree.file, 0, held)


def _written_as(tree: Tree, keys: list[str]) -> tuple[str, ...]:
    """Return the keys as the tree writes them: a variable's name cannot hold `-`, `.`, `/` or capitals."""
    path: list[str] = []
    held: Tree | None = tree
    for key in keys:
        entries = held.value if held is not None and isinstance(held.value, dict) else {}
        name = key if key in entries else next((known for known in entries if _folded(known) == key), key)
        path.append(name)
        held = entries.get(name)
    return tuple(path)


def _folded(key: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in key.lower())


def _single(path: tuple[str, ...], leaf: Tree) -> Tree:
    for key in reversed(path):
        leaf = Tree(leaf.file, leaf.line, {key: leaf})
    return leaf
