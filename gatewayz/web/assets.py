"""Files that pages load: our own and pinned ones of others, all from this origin.

A file is found by its name in a table made once, so no path can lead out of the folder. Names carry a digest
(`/static/htmx.js?v=1a2b3c4d`), so browsers may keep them for good. `vendor/` is written by
`scripts/vendor_assets.py` and holds gzipped files only.
"""

import gzip
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["Asset", "asset_url", "find_asset"]

FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is served."""

    content_type: str
    compressed: bytes
    """By gzip."""
    digest: str

    @property
    def plain(self) -> bytes:
        """The content for who does not take gzip."""
        return gzip.decompress(self.compressed)


def find_asset(name: str) -> Asset | None:
    """Return a file by its name, None for any other name."""
    return _assets().get(name)


def asset_url(name: str) -> str:
    """Return where a page finds a file. Raises KeyError for a file that does not come with the gateway."""
    return f"/static/{name}?v={_assets()[name].digest}"


@cache
def _assets() -> Mapping[str, Asset]:
    own = {file.name: file.read_bytes() for file in FOLDER.iterdir() if file.suffix in _TYPES}
    vendored = {file.name.removesuffix(".gz"): file.read_bytes() for file in (FOLDER / "vendor").glob("*.gz")}
    packed = {name: gzip.compress(content, 9, mtime=0) for name, content in own.items()} | vendored
    return {
        name: Asset(content_type=_TYPES[Path(name).suffix], compressed=content, digest=sha256(content).hexdigest()[:8])
        for name, content in packed.items()
    }
