"""`data:` URLs, the form in which OpenAI's formats carry files inline. Source: RFC 2397."""

from typing import NamedTuple

__all__ = ["InlineFile", "join_data_url", "split_data_url"]


class InlineFile(NamedTuple):
    """What a data URL holds; `data` is base64 text."""

    media_type: str
    data: str


def split_data_url(url: str) -> InlineFile | None:
    """Return the content of a base64 data URL; None for any other URL."""
    if url[:5].lower() != "data:":
        return None
    head, comma, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not comma or "base64" not in (parameter.strip().lower() for parameter in parameters):
        return None
    return InlineFile(media_type.strip() or "application/octet-stream", data)


def join_data_url(media_type: str | None, data: str) -> str:
    """Return a base64 data URL."""
    return f"data:{media_type or 'application/octet-stream'};base64,{data}"
