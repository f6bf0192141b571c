"""Ability corrected by what became of answers: Beta counts for each model and domain. Off unless it is asked for.

A conversation that goes on with something new speaks for the model that answered before; the same
prompt once more, in the same conversation, speaks against it: somebody was not content. Only calls
that name their conversation count, or programs that ask the same thing every minute would. What was
known beforehand counts as much as `strength` outcomes. Source: issue "every model, known and chosen well", 5.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gatewayz.sdk.interfaces import RoutingCall
from gatewayz_plugins.routers.selection.facts import Abilities, Ability

__all__ = ["Learning", "LearningSettings"]

_REMEMBERED: Final = 10_000
"""Answers whose outcome is awaited."""


class LearningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much outcomes count."""

    enabled: bool = False
    strength: Annotated[float, Meta(gt=0)] = 50.0
    """So many outcomes weigh as much as the figures of the data."""


class _Awaited(msgspec.Struct, frozen=True):
    prompt: int
    model: str
    domain: str


class Learning:
    """The abilities of a pool as outcomes in this process have changed them."""

    def __init__(self, settings: LearningSettings, known: Abilities, guess: Ability) -> None:
        self._settings = settings
        self._known = known
        self._guess = guess
        self._counts: dict[tuple[str, str], list[int]] = {}
        """[content, not content] by model and domain."""
        self._awaited: OrderedDict[int, _Awaited] = OrderedDict()
        self.abilities: Abilities = known

    def hear(self, call: RoutingCall) -> None:
        """Take a call as the outcome of the one before it in its conversation."""
        if not self._settings.enabled or call.affinity is None:
            return
        before = self._awaited.pop(_conversation(call), None)
        if before is None:
            return
        is_repeat = before.prompt == hash(call.prompt)
        if is_repeat or call.user_messages > 1:
            self._count(before, is_content=not is_repeat)

    def answered(self, call: RoutingCall, model: str, domains: Mapping[str, float]) -> None:
        """Await what becomes of an answer."""
        if not self._settings.enabled or call.affinity is None or not domains:
            return
        domain = max(domains, key=domains.__getitem__)
        self._awaited[_conversation(call)] = _Awaited(hash(call.prompt), model, domain)
        if len(self._awaited) > _REMEMBERED:
            self._awaited.popitem(last=False)

    def shown(self) -> dict[str, Any]:
        """Return what was learnt, for people."""
        return {
            "enabled": self._settings.enabled,
            "strength": self._settings.strength,
            "abilities": [
                {
                    "model": model,
                    "domain": domain,
                    "content": content,
                    "not_content": not_content,
                    "prior": round(self._prior(model, domain), 4),
                    "ability": round(self._posterior(model, domain), 4),
                }
                for (model, domain), (content, not_content) in sorted(self._counts.items())
            ],
        }

    def _count(self, awaited: _Awaited, *, is_content: bool) -> None:
        model, domain = awaited.model, awaited.domain
        counts = self._counts.setdefault((model, domain), [0, 0])
        counts[not is_content] += 1
        ability = self.abilities.get(model, self._guess)
        learnt = {**ability.domains, domain: self._posterior(model, domain)}
        self.abilities = {**self.abilities, model: msgspec.structs.replace(ability, domains=learnt)}

    def _prior(self, model: str, domain: str) -> float:
        known = self._known.get(model, self._guess)
        return known.domains.get(domain, known.overall)

    def _posterior(self, model: str, domain: str) -> float:
        """Return the mean of the Beta distribution."""
        content, not_content = self._counts[model, domain]
        strength = self._settings.strength
        return (self._prior(model, domain) * strength + content) / (strength + content + not_content)


def _conversation(call: RoutingCall) -> int:
    return hash((call.affinity, call.opening))
