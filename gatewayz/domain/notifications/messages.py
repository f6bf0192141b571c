"""Messages from templates: one source each, as text and as HTML with every value escaped.

A template's first line is the subject, paragraphs are parted by empty lines.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gatewayz.sdk.mail import Mail
from gatewayz.sdk.money import NANO_PER_USD

__all__ = ["KINDS", "render"]

_FOLDER: Final = Path(__file__).parent / "templates"
KINDS: Final = (
    "low_balance",
    "trial_expiring",
    "trial_expired",
    "plan_expiring",
    "plan_expired",
    "subscription_expiring",
    "credit_added",
    "credits_depleted",
    "usage_alert",
    "welcome",
    "password_reset",
    "usage_report",
    "api_key_created",
    "plan_upgrade",
)
"""Source: spec 08 §5."""


def render(kind: str, to: str, *, is_test: bool = False, **values: Any) -> Mail:
    """Return the message of a kind. Raises UndefinedError for a value that its template needs."""
    source = _TEXT.get_template(f"{kind}.txt").render(**values)
    subject, *paragraphs = (part.strip() for part in source.strip().split("\n\n"))
    subject = " ".join(subject.split())
    if is_test:
        subject = f"[Test] {subject}"
        paragraphs = ["This is a test: you asked for it to see that mail arrives.", *paragraphs]
    html = _HTML.get_template("message.html").render(subject=subject, paragraphs=paragraphs)
    return Mail(to=to, subject=subject, text="\n\n".join(paragraphs) + "\n", html=html)


def show_dollars(nano: int) -> str:
    """Return money given in nano-dollars: `$12.50`, `$0.0021`."""
    dollars = nano / NANO_PER_USD
    if dollars >= 1 or not nano:
        return f"${dollars:,.2f}"
    return f"${dollars:.4f}" if dollars >= 0.0001 else "less than $0.0001"


def show_moment(moment: datetime) -> str:
    """Return a moment for people: `2026-11-25 04:12 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=autoescape,  # noqa: S701  (plain text, which HTML takes in by way of an escaping template only)
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(dollars=show_dollars, moment=show_moment)
    return environment


_TEXT: Final = _environment(autoescape=False)
"""Its output becomes HTML by way of `message.html` only, which escapes it."""
_HTML: Final = _environment(autoescape=True)
