"""Pages as people see them: Jinja2 templates with every value escaped, under a policy that allows nothing inline.

Figures that are not known are shown as a dash, never as zero.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from quart import Response

from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.web.assets import asset_url

__all__ = ["html_response", "render"]

UNKNOWN: Final = "\N{EN DASH}"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def render(name: str, **values: Any) -> str:
    """Return a template of `templates/` filled with values. Raises UndefinedError for one that is missing."""
    return _ENVIRONMENT.get_template(name).render(**values)


def html_response(html: bytes) -> Response:
    """Return a page, or a part of one, that may load from this origin only and is never kept."""
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["content-security-policy"] = _POLICY
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["cache-control"] = "no-store"
    return response


def show_count(value: float | None) -> str:
    """Return a count: `950`, `12.4k`, `3.1M`."""
    if value is None:
        return UNKNOWN
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.1f}{unit}"
    return f"{value:,.0f}" if float(value).is_integer() or value >= 100 else f"{value:.1f}"


def show_milliseconds(value: float | None) -> str:
    """Return a time: `840 ms`, `2.4 s`."""
    if value is None:
        return UNKNOWN
    if value < 1_000:
        return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
    return f"{value / 1_000:.1f} s"


def show_percentage(value: float | None) -> str:
    """Return a share of 100: `99.98 %`. What is not quite all is never rounded to it."""
    if value is None:
        return UNKNOWN
    rounded = round(value, 2)
    if rounded in (0, 100) and rounded != value:
        return "< 0.01 %" if rounded == 0 else "> 99.99 %"
    return f"{rounded:g} %"


def show_dollars(nano: int | None) -> str:
    """Return money given in nano-dollars: `$1,204.50`, `$0.0021`."""
    if nano is None:
        return UNKNOWN
    dollars = nano / NANO_PER_USD
    if dollars == 0 or dollars >= 0.1:
        return f"${dollars:,.2f}"
    return f"${dollars:.4f}" if dollars >= 0.0001 else "< $0.0001"


def show_duration(seconds: float | None) -> str:
    """Return a span in its two largest units: `3 d 4 h`, `5 min 10 s`."""
    if seconds is None:
        return UNKNOWN
    whole = int(seconds)
    if whole >= _DAY:
        return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
    if whole >= _HOUR:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    if whole >= _MINUTE:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole} s"


def show_moment(moment: datetime | None) -> str:
    """Return a moment for people: `2026-11-25 04:12 UTC`."""
    return UNKNOWN if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


_FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "count": show_count,
    "milliseconds": show_milliseconds,
    "percentage": show_percentage,
    "dollars": show_dollars,
    "duration": show_duration,
    "moment": show_moment,
}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    environment.globals["asset_url"] = asset_url
    return environment


_ENVIRONMENT: Final = _environment()
