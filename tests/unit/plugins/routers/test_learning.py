"""What the general router learns from the outcomes of its choices."""

from typing import Any

from gatewayz.sdk.interfaces import RoutingCall
from gatewayz_plugins.routers.general.router import GeneralRouter
from tests.fakes.routing import FixedScores, QuietSignals, general_router, routing_call
from tests.unit.plugins.routers.test_general import POOL


def asked(prompt: str, *, opening: str | None = None, affinity: str | None = "c1", turns: int = 1) -> RoutingCall:
    return routing_call(
        prompt,
        "quality",
        opening=opening or prompt,
        affinity=affinity,
        user_messages=turns,
        messages=2 * turns - 1,
    )


def choose(router: GeneralRouter, call: RoutingCall) -> str:
    model: str = router.rank(call, POOL, QuietSignals()).offers[0].model
    return model


def learnt(router: GeneralRouter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = router.stats()["learning"]["abilities"]
    return found


def learning(strength: float = 50.0) -> GeneralRouter:
    return general_router(FixedScores(need=0.6, domain="code"), learning={"enabled": True, "strength": strength})


def test_it_is_off_unless_asked_for() -> None:
    router = general_router(FixedScores(need=0.6))
    for _ in range(3):
        choose(router, asked("why?"))
    assert router.stats()["learning"] == {"enabled": False, "strength": 50.0, "abilities": []}


def test_the_same_prompt_once_more_speaks_against_the_model() -> None:
    router = learning()
    first = choose(router, asked("why?"))
    choose(router, asked("why?"))
    (shown,) = learnt(router)
    assert (shown["model"], shown["domain"], shown["content"], shown["not_content"]) == (first, "code", 0, 1)
    assert shown["ability"] == round(shown["prior"] * 50 / 51, 4)


def test_a_conversation_that_goes_on_speaks_for_it() -> None:
    router = learning()
    first = choose(router, asked("why?"))
    choose(router, asked("and how?", opening="why?", turns=2))
    (shown,) = learnt(router)
    assert (shown["model"], shown["content"], shown["not_content"]) == (first, 1, 0)
    assert shown["ability"] > shown["prior"]


def test_calls_that_name_no_conversation_teach_nothing() -> None:
    router = learning()
    for _ in range(3):
        choose(router, asked("ping", affinity=None))
    assert learnt(router) == []


def test_conversations_are_told_apart() -> None:
    router = learning()
    choose(router, asked("why?", affinity="one"))
    choose(router, asked("why?", affinity="two"))
    assert learnt(router) == []


def test_a_model_that_nobody_is_content_with_is_not_chosen_any_more() -> None:
    router = learning(strength=1.0)
    first = choose(router, asked("why?", affinity="0"))
    for number in range(20):
        choose(router, asked("why?", affinity=f"{number}"))
        choose(router, asked("why?", affinity=f"{number}"))
    assert choose(router, asked("something else", affinity="new")) != first
