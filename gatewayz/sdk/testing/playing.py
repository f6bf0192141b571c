"""How the contract plays a script: place-holders, splits of a stream, comparisons."""

from collections.abc import Sequence
from typing import Any, Final

from gatewayz.sdk.chat import Completion, Text
from gatewayz.sdk.usage import Usage

__all__ = ["NOWHERE", "SECRET", "SPLITS", "check_usage", "fill", "split_pieces", "url_path", "visible_text"]

NOWHERE: Final = "http://127.0.0.1:9"
SECRET: Final = "canary-7f3a91d2c4e5"  # noqa: S105 - what must never be seen again
SPLITS: Final = ("events", "whole", "bytes", "sevens", "crlf", "comments", "no_final_newline")


def fill(sample: Any, base_url: str) -> Any:
    """Return the sample with its two place-holders replaced, at any depth."""
    if isinstance(sample, dict):
        return {key: fill(value, base_url) for key, value in sample.items()}
    if isinstance(sample, list):
        return [fill(value, base_url) for value in sample]
    if isinstance(sample, str):
        return sample.replace("{base_url}", base_url).replace("{secret}", SECRET)
    return sample


def url_path(url: str) -> str:
    """Return the path of a base URL, empty for none."""
    return "/" + url.split("://", 1)[1].partition("/")[2] if url.count("/") > 2 else ""


def split_pieces(pieces: Sequence[bytes], how: str) -> Sequence[bytes]:
    """Return the same bytes as an unkind network (or another writer) delivers them."""
    whole = b"".join(pieces)
    match how:
        case "whole":
            return (whole,)
        case "bytes":
            return tuple(whole[i : i + 1] for i in range(len(whole)))
        case "sevens":
            return tuple(whole[i : i + 7] for i in range(0, len(whole), 7))
        case "crlf":
            changed = whole.replace(b"\n", b"\r\n")
            return tuple(changed[i : i + 5] for i in range(0, len(changed), 5))
        case "comments":
            return tuple(b": keep-alive\n\n" + piece for piece in pieces)
        case "no_final_newline":
            return (*pieces[:-1], pieces[-1].rstrip(b"\n"))
        case _:
            return pieces


def visible_text(completion: Completion) -> str:
    """Return the text of the first choice."""
    parts = completion.choices[0].parts
    return "".join(part.text for part in parts if isinstance(part, Text))


def check_usage(found: Usage, expected: Usage) -> None:
    """Compare what was counted, and that the parts sum up."""
    assert found.source == "provider"
    assert found.prompt_tokens == expected.prompt_tokens
    assert found.completion_tokens == expected.completion_tokens
    assert found.cache_read_tokens == expected.cache_read_tokens
    assert found.total_tokens == expected.prompt_tokens + expected.completion_tokens
