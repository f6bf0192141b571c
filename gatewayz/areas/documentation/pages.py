"""The two pages. Their policies are their own: both programs set styles from code, Redoc also starts a worker."""

from typing import Final

import msgspec

from gatewayz.web.assets import asset_url

__all__ = ["REDOC_PAGE", "SWAGGER_PAGE", "Page"]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page, and what it may load."""

    html: str
    policy: str


def _html(title: str, styles: tuple[str, ...], scripts: tuple[str, ...]) -> str:
    links = "".join(f'<link rel="stylesheet" href="{asset_url(name)}">' for name in styles)
    sources = "".join(f'<script src="{asset_url(name)}" defer></script>' for name in scripts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="{asset_url("icon.svg")}">{links}</head>'
        f'<body><main id="docs"></main>{sources}</body></html>'
    )


_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

SWAGGER_PAGE: Final = Page(
    html=_html("Gatewayz API", ("swagger-ui.css",), ("swagger-ui.js", "swagger.js")), policy=_POLICY
)
REDOC_PAGE: Final = Page(
    html=_html("Gatewayz API", (), ("redoc.js", "redoc-init.js")), policy=f"{_POLICY}; worker-src blob:"
)
