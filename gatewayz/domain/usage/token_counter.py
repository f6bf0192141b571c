"""Counts tokens without a vocabulary in the serving process.

Two ways. A model whose finished calls agree on their characters per token, by the provider's own
count, is estimated from that. Any other text is counted by a tokenizer in a child process, which
ends when it has been idle. Source: docs/decisions/0005-tokens-are-counted-elsewhere.md.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from gatewayz.domain.usage.token_worker import LENGTH_BYTES, CountRequest
from gatewayz.domain.usage.tokens import encoding_of, estimate_tokens

__all__ = ["TokenCounter"]

_log = logging.getLogger("gatewayz.usage")
_IDLE_S: Final = 30.0
_ANSWER_S: Final = 10.0
_LEARNT_AFTER_CALLS: Final = 20
_LEARNT_WITHIN: Final = 0.05
"""Mean deviation of a model's calls from their own ratio, up to which the ratio stands for a count."""
_WEIGHT: Final = 0.05
_MIN_TOKENS: Final = 8
"""Shorter answers say little about a ratio."""
_MAX_MODELS: Final = 5000


class _Ratio:
    """Characters per token of one model, and how far calls are from it; both as moving means."""

    __slots__ = ("calls", "deviation", "value")

    def __init__(self, value: float) -> None:
        self.value = value
        self.deviation = 0.0
        self.calls = 1

    def add(self, value: float) -> None:
        weight = max(_WEIGHT, 1.0 / (self.calls + 1))
        self.deviation += weight * (abs(value / self.value - 1.0) - self.deviation)
        self.value += weight * (value - self.value)
        self.calls += 1

    @property
    def is_settled(self) -> bool:
        return self.calls >= _LEARNT_AFTER_CALLS and self.deviation <= _LEARNT_WITHIN


class TokenCounter:
    """One per process; not for use from several threads.

    :param idle_s: how long the child process is kept without work.
    """

    def __init__(self, idle_s: float = _IDLE_S) -> None:
        self._idle_s = idle_s
        self._ratios: dict[str, _Ratio] = {}
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    def learn(self, model: str, characters: int, tokens: int) -> None:
        """Note what a provider counted for a delivered text; costs a microsecond."""
        if tokens < _MIN_TOKENS or characters <= 0:
            return
        known = self._ratios.get(model)
        if known is not None:
            known.add(characters / tokens)
        elif len(self._ratios) < _MAX_MODELS:
            self._ratios[model] = _Ratio(characters / tokens)

    def learnt(self, model: str, characters: int) -> int | None:
        """Return the tokens of a text of this length by the model's own ratio; None while calls disagree."""
        known = self._ratios.get(model)
        if known is None or not known.is_settled:
            return None
        return max(1, round(characters / known.value))

    async def count(self, texts: Sequence[str], model: str) -> int:
        """Return the tokens of all texts together; by their length when no tokenizer can be had."""
        async with self._turn:
            try:
                return await self._ask(
                    CountRequest(texts=[_whole(text) for text in texts], encoding=encoding_of(model))
                )
            except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as err:
                _log.warning("tokens are estimated by length: the tokenizer failed (%s)", type(err).__name__)
                await self._end_child()
                return sum(estimate_tokens(len(text)) for text in texts)
            except asyncio.CancelledError:
                self._drop_child()  # its answer would be taken for that of the next question
                raise

    async def aclose(self) -> None:
        """End the child process."""
        async with self._turn:
            await self._end_child()

    async def _ask(self, request: CountRequest) -> int:
        child = self._child or await self._start_child()
        if child.stdin is None or child.stdout is None:
            raise ValueError("the tokenizer has no pipes")
        body = msgspec.json.encode(request)
        async with asyncio.timeout(_ANSWER_S):
            child.stdin.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
            await child.stdin.drain()
            counted = int(await child.stdout.readuntil(b"\n"))
        self._rest_later()
        return counted

    async def _start_child(self) -> asyncio.subprocess.Process:
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gatewayz.domain.usage.token_worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self._child

    def _rest_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._rest)

    def _rest(self) -> None:
        """Let the idle child end: its input is closed, it is waited for when the next one starts."""
        if not self._turn.locked() and self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()
            self._child = None

    async def _end_child(self) -> None:
        child = self._drop_child()
        if child is not None:
            await child.wait()

    def _drop_child(self) -> asyncio.subprocess.Process | None:
        if self._idle is not None:
            self._idle.cancel()
        child, self._child = self._child, None
        if child is not None:
            with suppress(ProcessLookupError):
                child.kill()
        return child


def _whole(text: str) -> str:
    """Return the text as UTF-8 can carry it: models do emit halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode()
