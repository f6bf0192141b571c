"""Fetch the files of other projects that our pages use, and pin them: `python scripts/vendor_assets.py`.

Writes `gatewayz/web/static/vendor/`: each file gzipped, and `manifest.json` with package, version, licence, integrity
as the registry states it, and the SHA-256 of what is served. A page never loads anything from elsewhere.
"""

import base64
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "gatewayz" / "web" / "static" / "vendor"
PACKAGES = {
    ("htmx.org", "2.0.11"): {"dist/htmx.min.js": "htmx.js"},
    ("htmx-ext-sse", "2.2.4"): {"dist/sse.min.js": "htmx-sse.js"},
    ("uplot", "1.6.32"): {"dist/uPlot.iife.min.js": "uplot.js", "dist/uPlot.min.css": "uplot.css"},
    ("swagger-ui-dist", "5.35.0"): {"swagger-ui-bundle.js": "swagger-ui.js", "swagger-ui.css": "swagger-ui.css"},
    ("redoc", "2.5.4"): {"bundles/redoc.standalone.js": "redoc.js"},
}
LICENSES = {
    "htmx.org": "0BSD",
    "htmx-ext-sse": "0BSD",
    "uplot": "MIT",
    "swagger-ui-dist": "Apache-2.0",
    "redoc": "MIT",
}
CHANGES = {
    # Redoc's footer asks its maker's server for a logo; a page of ours asks nobody.
    "redoc.js": (b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:image/gif;base64,R0lGODlhAQABAAAAACw="),
}


def main() -> int:
    """Replace the folder's content; returns 1 when a package is not what the registry says."""
    entries = []
    files: dict[str, bytes] = {}
    for (name, version), wanted in PACKAGES.items():
        archive, integrity = packed(name, version)
        algorithm, _, expected = integrity.partition("-")
        if base64.b64encode(hashlib.new(algorithm, archive).digest()).decode() != expected:
            sys.stderr.write(f"{name}@{version} is not what its integrity says\n")
            return 1
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            licence = LICENSES[name]
            for inside, outside in wanted.items():
                files[outside] = changed(outside, member(tar, inside))
                entries.append(
                    {
                        "file": outside,
                        "package": name,
                        "version": version,
                        "license": licence,
                        "integrity": integrity,
                        "sha256": hashlib.sha256(files[outside]).hexdigest(),
                    }
                )
            files[f"{name}.LICENSE"] = member(tar, "LICENSE")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for file, content in files.items():
        if file.endswith(".LICENSE"):
            (FOLDER / file).write_bytes(content)
        else:
            (FOLDER / f"{file}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    (FOLDER / "manifest.json").write_text(json.dumps(entries, indent=1) + "\n")
    sys.stdout.write(f"{len(entries)} files of {len(PACKAGES)} packages\n")
    return 0


def changed(file: str, content: bytes) -> bytes:
    """Return the content with our change. Raises ValueError when what is changed is not in it any more."""
    if file not in CHANGES:
        return content
    before, after = CHANGES[file]
    if before not in content:
        raise ValueError(f"{file} does not contain {before!r}")
    return content.replace(before, after)


def packed(name: str, version: str) -> tuple[bytes, str]:
    """Return a package's archive and its integrity."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{name}@{version}", "--json", "--pack-destination", folder]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[0]  # noqa: S603
        return (Path(folder) / told["filename"]).read_bytes(), told["integrity"]


def member(tar: tarfile.TarFile, name: str) -> bytes:
    """Return a file of a package."""
    found = tar.extractfile(f"package/{name}")
    if found is None:
        raise FileNotFoundError(name)
    return found.read()


if __name__ == "__main__":
    sys.exit(main())
