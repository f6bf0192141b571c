"""Signals, scores and calls for routers under test."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.offers import Offer, Price
from gatewayz_plugins.routers.code.router import CodeRouter
from gatewayz_plugins.routers.code.settings import CodeSettings
from gatewayz_plugins.routers.general.router import GeneralRouter
from gatewayz_plugins.routers.general.settings import GeneralSettings
from gatewayz_plugins.routers.prompt_score import PromptScore
from tests.fakes.plugin_modules import context

__all__ = ["FixedScores", "QuietSignals", "code_router", "general_router", "offer", "router_data", "routing_call"]

DATA = Path(__file__).parents[2] / "config/routers.yaml"


class QuietSignals:
    """Circuits and latencies as told; all is well by default. Names are `provider` or `provider/model`."""

    def __init__(
        self,
        *,
        open_: Iterable[str] = (),
        cooling: Iterable[str] = (),
        latencies: dict[str, float] | None = None,
    ) -> None:
        self._open = set(open_)
        self._cooling = set(cooling)
        self._latencies = latencies or {}

    def is_open(self, offer: Offer) -> bool:
        return not self._open.isdisjoint((offer.provider, f"{offer.provider}/{offer.model}"))

    def is_cooling(self, offer: Offer) -> bool:
        return not self._cooling.isdisjoint((offer.provider, f"{offer.provider}/{offer.model}"))

    def latency_p50_ms(self, offer: Offer) -> float | None:
        return self._latencies.get(offer.provider)


class FixedScores:
    """The same score for every text, or the one that a text is given."""

    def __init__(self, need: float = 0.2, domain: str = "chat", output_tokens: int = 200, **needs: float) -> None:
        self._score = PromptScore(need=need, domains={domain: 1.0}, output_tokens=output_tokens)
        self._needs = needs
        self.scored: list[str] = []

    def score(self, text: str) -> PromptScore:
        self.scored.append(text)
        need = self._needs.get(text, self._score.need)
        return PromptScore(need=need, domains=self._score.domains, output_tokens=self._score.output_tokens)


def router_data(name: str) -> dict[str, Any]:
    """Return the shipped settings of a router."""
    data: dict[str, Any] = yaml.safe_load(DATA.read_text())[name]
    data.pop("use")
    return data


def general_router(scores: Any = None, **changes: Any) -> GeneralRouter:
    settings = msgspec.convert({**router_data("general"), **changes}, GeneralSettings)
    return GeneralRouter(settings, context("routers", "general"), scores=scores)


def code_router(scores: Any = None, **changes: Any) -> CodeRouter:
    settings = msgspec.convert({**router_data("code"), **changes}, CodeSettings)
    return CodeRouter(settings, context("routers", "code"), scores=scores)


def offer(model: str, provider: str = "p", *, usd: float = 1.0, **members: Any) -> Offer:
    rate = round(usd * 1_000_000_000)
    full = {
        "upstream_model": model.partition("/")[2],
        "price": Price(input=rate, output=rate),
        "context_length": 100_000,
        **members,
    }
    return Offer(model=model, provider=provider, **full)


def routing_call(prompt: str = "hello", mode: str = "balanced", **members: Any) -> RoutingCall:
    full = {"prompt_tokens": 100, "opening": prompt, **members}
    return RoutingCall(requested_model=f"router:x:{mode}", model=f"router:x:{mode}", mode=mode, prompt=prompt, **full)
