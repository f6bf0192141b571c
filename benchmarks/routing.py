"""How long a router's decision takes, the prompt's score included: `python -m benchmarks.routing`.

The deciding thread's processor time is told beside the wall clock: on a busy machine only that can be compared.
Prompts are made up of plain words, so nothing has to be fetched.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import yaml

from gatewayz.sdk.clock import SystemClock
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import PoolRouter, RoutingCall
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.testing import FakeHttpClient
from gatewayz.sdk.testing.fakes import Answer
from gatewayz_plugins.routers.code.router import CodeRouter
from gatewayz_plugins.routers.code.settings import CodeSettings
from gatewayz_plugins.routers.general.router import GeneralRouter
from gatewayz_plugins.routers.general.settings import GeneralSettings

_DATA: Final = Path(__file__).parents[1] / "config/routers.yaml"
_ROUNDS: Final = 1000
_TOKENS: Final = (50, 500, 5000, 50_000)
_PROVIDERS_EACH: Final = 3
_WORDS: Final = (
    *("write", "explain", "prove", "refactor", "function", "class", "number", "integral", "list", "parser", "error"),
    *("story", "the", "of", "and", "in", "a", "to", "is", "when", "why", "how", "server", "matrix", "index", "query"),
    *("sum", "graph", "city", "river", "law", "history", "letter", "poem", "budget", "table", "plan", "words", "for"),
)


class _Quiet:
    """Routes that are well and not measured."""

    def is_open(self, offer: Offer) -> bool:
        return False

    def is_cooling(self, offer: Offer) -> bool:
        return False

    def latency_p50_ms(self, offer: Offer) -> float | None:
        return None


def routers() -> dict[str, tuple[PoolRouter, tuple[Offer, ...], str]]:
    """Return each router with shipped data, offers of its whole pool at three providers each, and its first mode."""
    data: dict[str, Any] = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    for settings in data.values():
        settings.pop("use")
    general = msgspec.convert(data["general"], GeneralSettings)
    code = msgspec.convert(data["code"], CodeSettings)
    context = PluginContext(
        instance="bench",
        http=FakeHttpClient(Answer()),
        clock=SystemClock(),
        logger=logging.getLogger("bench"),
        data_dir=Path(),
    )
    return {
        "general": (GeneralRouter(general, context), _offers(general.models), next(iter(general.modes))),
        "code": (CodeRouter(code, context), _offers([model for _, model in code.all_models()]), next(iter(code.modes))),
    }


def measure(decide: Callable[[str], object], prompts: list[str]) -> tuple[list[float], list[float]]:
    """Return the sorted wall and processor times of one decision for each prompt, in milliseconds."""
    wall, processor = [], []
    for prompt in prompts:
        started, began = time.perf_counter(), time.thread_time()
        decide(prompt)
        processor.append((time.thread_time() - began) * 1000.0)
        wall.append((time.perf_counter() - started) * 1000.0)
    return sorted(wall), sorted(processor)


def main() -> None:
    """Print a table."""
    print("| router | tokens | wall p50 ms | wall p95 ms | processor p50 ms | processor p95 ms |")
    print("|---|---|---|---|---|---|")
    words = Random(7)
    for name, (router, offers, mode) in routers().items():
        for tokens in _TOKENS:
            rounds = max(50, min(_ROUNDS, 500_000 // tokens))
            prompts = [" ".join(words.choices(_WORDS, k=tokens)) for _ in range(rounds)]
            wall, processor = measure(_decision(router, offers, mode, tokens), prompts)
            row = [wall[len(wall) // 2], wall[len(wall) * 95 // 100]]
            row += [processor[len(wall) // 2], processor[len(wall) * 95 // 100]]
            print(f"| {name} | {tokens} | " + " | ".join(f"{figure:.2f}" for figure in row) + " |")


def _decision(router: PoolRouter, offers: tuple[Offer, ...], mode: str, tokens: int) -> Callable[[str], object]:
    signals = _Quiet()

    def decide(prompt: str) -> object:
        call = RoutingCall(
            requested_model="bench", model="bench", mode=mode, prompt=prompt, opening=prompt, prompt_tokens=tokens
        )
        return router.rank(call, offers, signals)

    return decide


def _offers(models: Any) -> tuple[Offer, ...]:
    return tuple(
        msgspec.structs.replace(model.stand_in(), provider=f"provider-{number}", context_length=1_000_000)
        for model in models
        for number in range(_PROVIDERS_EACH)
    )


if __name__ == "__main__":
    main()
