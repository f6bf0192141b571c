"""What pages load is what it is said to be."""

import gzip
import json
from hashlib import sha256

import pytest

from gatewayz.web.assets import FOLDER, asset_url, find_asset

VENDOR = FOLDER / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_a_vendored_file_is_the_one_that_was_pinned(entry: dict[str, str]) -> None:
    content = gzip.decompress((VENDOR / f"{entry['file']}.gz").read_bytes())
    assert sha256(content).hexdigest() == entry["sha256"]
    assert (VENDOR / f"{entry['package']}.LICENSE").read_text().strip()
    assert entry["license"]


def test_no_other_file_is_in_the_folder() -> None:
    pinned = {f"{entry['file']}.gz" for entry in MANIFEST} | {f"{entry['package']}.LICENSE" for entry in MANIFEST}
    assert {file.name for file in VENDOR.iterdir()} == pinned | {"manifest.json"}


def test_a_file_is_served_compressed_or_plain() -> None:
    asset = find_asset("htmx.js")
    assert asset is not None
    assert gzip.decompress(asset.compressed) == asset.plain
    assert asset.content_type.startswith("text/javascript")
    assert asset_url("htmx.js") == f"/static/htmx.js?v={asset.digest}"


@pytest.mark.parametrize("name", ["", "..", "../app.py", "vendor/htmx.js", "manifest.json", "htmx.js.gz", "no.js"])
def test_nothing_else_is_found(name: str) -> None:
    assert find_asset(name) is None
