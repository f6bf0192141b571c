"""The process that counts tokens: `python -m gatewayz.domain.usage.token_worker`.

Reads requests from standard input, four bytes of length and a JSON object `{"texts", "encoding"}`
each, answers one number a line, and ends when its input does.
"""

import sys
from typing import BinaryIO

import msgspec

from gatewayz.domain.usage.tokens import count_tokens

__all__ = ["CountRequest", "serve"]

LENGTH_BYTES = 4


class CountRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to be counted together."""

    texts: list[str]
    encoding: str


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the requests end."""
    decoder = msgspec.json.Decoder(CountRequest)
    while len(length := requests.read(LENGTH_BYTES)) == LENGTH_BYTES:
        asked = decoder.decode(requests.read(int.from_bytes(length, "big")))
        answers.write(b"%d\n" % count_tokens(asked.texts, asked.encoding))
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
