"""Ability corrected by what became of answers: Beta counts for each model and domain. Off unless it is asked for.

A conversation that goes on with something new speaks for the model that answered before; the same
prompt once more, in the same conversation, speaks against it: somebody was not content. Only calls
that name their conversation count, or programs that ask the same thing every minute would. An answer
that was cut off, filtered or called a tool with broken arguments speaks against its model; so does a
thumb down, and a thumb up speaks for it. A user has one voice for each answer that was given to them,
so feedback on what nobody asked or paid for counts nothing. What was known beforehand counts as much
as `strength` outcomes. Source: issue "every model, known and chosen well", 5.
"""

from collections import OrderedDict
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.outcomes import AnswerEnd, Opinion
from gatewayz_plugins.routers.selection.facts import Abilities, Ability

__all__ = ["Learning", "LearningSettings"]

K = TypeVar("K")
V = TypeVar("V")
Source = Literal["conversation", "finish", "feedback"]
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


class _Answer(msgspec.Struct):
    model: str
    domain: str
    is_content: bool | None = None
    """What its user said of it."""


class Learning:
    """The abilities of a pool as outcomes in this process have changed them."""

    def __init__(self, settings: LearningSettings, known: Abilities, guess: Ability) -> None:
        self._settings = settings
        self._known = known
        self._guess = guess
        self._counts: dict[tuple[str, str], list[int]] = {}
        """[content, not content] by model and domain."""
        self._sources: dict[Source, int] = {"conversation": 0, "finish": 0, "feedback": 0}
        self._awaited: OrderedDict[int, _Awaited] = OrderedDict()
        self._answers: OrderedDict[tuple[int, str], _Answer] = OrderedDict()
        """By user and request."""
        self.abilities: Abilities = known

    @property
    def is_enabled(self) -> bool:
        """Whether outcomes count."""
        return self._settings.enabled

    def hear(self, call: RoutingCall) -> None:
        """Take a call as the outcome of the one before it in its conversation."""
        if not self.is_enabled or call.affinity is None:
            return
        before = self._awaited.pop(_conversation(call), None)
        if before is None:
            return
        is_repeat = before.prompt == hash(call.prompt)
        if is_repeat or call.user_messages > 1:
            self._count("conversation", before.model, before.domain, is_content=not is_repeat)

    def hear_end(self, end: AnswerEnd, domain: str | None) -> None:
        """Take the end of an answer, and await what becomes of it; a domain of None: nothing is known of the prompt."""
        if not self.is_enabled or domain is None:
            return
        if end.call.affinity is not None:
            _remember(self._awaited, _conversation(end.call), _Awaited(hash(end.call.prompt), end.model, domain))
        if end.user_id is not None:
            _remember(self._answers, (end.user_id, end.request_id), _Answer(end.model, domain))
        if end.fault is not None:
            self._count("finish", end.model, domain, is_content=False)

    def hear_opinion(self, opinion: Opinion) -> None:
        """Take what a user says of an answer, in place of what they said before."""
        answer = self._answers.get((opinion.user_id, opinion.request_id))
        if answer is None or answer.is_content == opinion.is_content:
            return
        if answer.is_content is not None:
            self._count("feedback", answer.model, answer.domain, is_content=answer.is_content, by=-1)
        answer.is_content = opinion.is_content
        if answer.is_content is not None:
            self._count("feedback", answer.model, answer.domain, is_content=answer.is_content)

    def gain(self, model: str, domain: str) -> float:
        """Return how much better, or worse below 0, a model does in a domain than was known beforehand."""
        return self._posterior(model, domain) - self._prior(model, domain) if (model, domain) in self._counts else 0.0

    def shown(self) -> dict[str, Any]:
        """Return what was learnt, for people."""
        return {
            "enabled": self._settings.enabled,
            "strength": self._settings.strength,
            "outcomes": dict(self._sources),
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

    def _count(self, source: Source, model: str, domain: str, *, is_content: bool, by: int = 1) -> None:
        self._sources[source] += by
        counts = self._counts.setdefault((model, domain), [0, 0])
        counts[not is_content] += by
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


def _remember(kept: "OrderedDict[K, V]", key: K, value: V) -> None:
    kept[key] = value
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
