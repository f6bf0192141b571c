"""The part of stream editing that all event-stream formats share."""

import re
from typing import Final

from gatewayz.dialects.passthrough.contract import DeliveredText, EventBlocks
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.usage import Usage

__all__ = ["SseEditor", "event_data"]

_MODEL: Final = re.compile(rb'"model"\s*:\s*"(?:[^"\\]|\\.)*"')


class SseEditor:
    """Relays whole blocks of events; looks into an event only at the start, at the end and at markers.

    A subclass names in `_markers` what makes an event need a look, and edits single events in `_event`.
    Inside a JSON string every quote is escaped, so a marker with plain quotes is never caller text.
    """

    _markers: tuple[bytes, ...]

    def __init__(self, *, model: str, include_usage: bool, max_event_bytes: int) -> None:
        self.started = False
        self.terminated = False
        self.usage: Usage | None = None
        self.delivered = DeliveredText()
        self._include_usage = include_usage
        self._blocks = EventBlocks(max_event_bytes)
        self._name = b'"model":"' + model.encode() + b'"'
        self._upstream_name: bytes | None = None
        self._held: list[bytes] = []
        self._complete = False

    def feed(self, data: bytes) -> bytes:
        """Return the events to relay now. See `StreamEditor.feed`."""
        block = self._blocks.feed(data)
        return self._take(block) if block else b""

    def end(self) -> bytes:
        """Return what the end completes. See `StreamEditor.end`."""
        rest = self._blocks.rest()
        out = self._take(rest) if rest else b""
        if not self._complete:
            raise UpstreamBroken("the provider's stream ended early")
        return out

    def _take(self, block: bytes) -> bytes:
        out: list[bytes] = []
        at = 0
        while at < len(block):
            end = self._plain_end(block, at) if self.started and not self._complete else at
            if end > at:
                plain = block[at:end]
                self.delivered.add(plain)
                out.append(self._rename(plain))
            else:
                end = block.find(b"\n\n", at) + 2
                event = block[at:end]
                if event.strip(b"\n"):
                    out.append(self._event(event))
            at = end
        if not self.started:
            self._held += out
            return b""
        if self._held:
            out, self._held = [*self._held, *out], []
        return b"".join(out)

    def _plain_end(self, block: bytes, at: int) -> int:
        """Return where the first event from `at` on begins that needs a look; the block's end when none does."""
        marked = [place for marker in self._markers if (place := block.find(marker, at)) >= 0]
        before = block.rfind(b"\n\n", at, min(marked)) if marked else len(block) - 2
        end = before + 2 if before >= 0 else at
        # Every event ends like an object, or it is looked at: one cut short is found without decoding each.
        return end if block.count(b"}\n\n", at, end) == block.count(b"\n\n", at, end) else at

    def _event(self, event: bytes) -> bytes:
        raise TypeError(f"{type(self).__name__} does not edit events")

    def _rename(self, block: bytes) -> bytes:
        """Put the canonical model name where the provider wrote its own."""
        if self._upstream_name is None:
            found = _MODEL.search(block)
            if found is None:
                return block
            self._upstream_name = found.group()
        if self._upstream_name == self._name:
            return block
        return block.replace(self._upstream_name, self._name)


def event_data(event: bytes) -> bytes:
    """Return the joined `data:` lines of one event (LF line ends); empty for comments."""
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
    return lines[0] if len(lines) == 1 else b"\n".join(lines)
