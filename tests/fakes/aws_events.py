"""Writes AWS event streams, as Bedrock does. Source: Smithy specification "Amazon Event Stream"."""

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["write_event", "write_message"]


def write_message(headers: Mapping[str, str], payload: bytes, odd_headers: bytes = b"") -> bytes:
    """One message; `odd_headers` are appended to the block as they are."""
    block = odd_headers
    for name, value in headers.items():
        block += (
            bytes([len(name.encode())])
            + name.encode()
            + b"\x07"
            + struct.pack(">H", len(value.encode()))
            + value.encode()
        )
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return message + struct.pack(">I", zlib.crc32(message))


def write_event(kind: str, payload: Any, message_type: str = "event") -> bytes:
    """One JSON event or exception."""
    headers = {f":{message_type}-type": kind, ":content-type": "application/json", ":message-type": message_type}
    return write_message(headers, msgspec.json.encode(payload))
