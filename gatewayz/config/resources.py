"""Files that come with the gateway: inside the package once installed, beside it in a checkout."""

from pathlib import Path

__all__ = ["resource"]


def resource(name: str) -> Path:
    """Return the path of `config`, `schemas` or `gatewayz.yaml` as shipped.

    An editable install has no `_resources` folder, so the checkout's own file is taken.
    """
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_resources" / name
    return packaged if packaged.exists() else package.parent / name
