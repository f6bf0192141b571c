"""What the general router learns from the outcomes of its choices."""

from typing import Any

from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.outcomes import AnswerEnd, AnswerFault, Opinion
from gatewayz_plugins.routers.general.router import GeneralRouter
from tests.fakes.routing import FixedScores, QuietSignals, code_router, general_router, offer, routing_call
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
    assert router.stats()["learning"] == {
        "enabled": False,
        "strength": 50.0,
        "outcomes": {"conversation": 0, "finish": 0, "feedback": 0},
        "abilities": [],
    }


def test_the_same_prompt_once_more_speaks_against_the_model() -> None:
    router = learning()
    first = hear(router, asked("why?"))
    choose(router, asked("why?"))
    (shown,) = learnt(router)
    assert (shown["model"], shown["domain"], shown["content"], shown["not_content"]) == (first, "code", 0, 1)
    assert shown["ability"] == round(shown["prior"] * 50 / 51, 4)


def test_a_conversation_that_goes_on_speaks_for_it() -> None:
    router = learning()
    first = hear(router, asked("why?"))
    choose(router, asked("and how?", opening="why?", turns=2))
    (shown,) = learnt(router)
    assert (shown["model"], shown["content"], shown["not_content"]) == (first, 1, 0)
    assert shown["ability"] > shown["prior"]


def test_calls_that_name_no_conversation_teach_nothing() -> None:
    router = learning()
    for _ in range(3):
        hear(router, asked("ping", affinity=None))
    assert learnt(router) == []


def test_conversations_are_told_apart() -> None:
    router = learning()
    hear(router, asked("why?", affinity="one"))
    hear(router, asked("why?", affinity="two"))
    assert learnt(router) == []


def test_what_was_not_answered_teaches_nothing() -> None:
    router = learning()
    for _ in range(3):  # a client that tries again after an error, or a call that is read twice
        choose(router, asked("why?"))
    assert learnt(router) == []


def test_a_model_that_nobody_is_content_with_is_not_chosen_any_more() -> None:
    router = learning(strength=1.0)
    first = choose(router, asked("why?", affinity="0"))
    for number in range(20):
        hear(router, asked("why?", affinity=f"{number}"))
        choose(router, asked("why?", affinity=f"{number}"))
    assert choose(router, asked("something else", affinity="new")) != first


def hear(
    router: GeneralRouter, call: RoutingCall, *, fault: AnswerFault | None = None, by: str | None = None, id: str = "r1"
) -> str:
    """Let the router hear of an answer's end, by the chosen model or another one."""
    ranking = router.rank(call, POOL, QuietSignals())
    model = by or ranking.offers[0].model
    router.hear_end(AnswerEnd(request_id=id, user_id=1, call=call, decision=ranking.decision, model=model, fault=fault))
    return model


def think(router: GeneralRouter, is_content: bool | None, *, user_id: int = 1, id: str = "r1") -> None:
    router.hear_opinion(Opinion(request_id=id, user_id=user_id, is_content=is_content))


def counts(router: GeneralRouter) -> list[tuple[str, int, int]]:
    return [(row["model"], row["content"], row["not_content"]) for row in learnt(router)]


def test_an_answer_with_a_fault_speaks_against_the_model_that_gave_it() -> None:
    router = learning()
    hear(router, asked("why?", affinity=None), fault="length", by="openai/gpt-4o")
    assert counts(router) == [("openai/gpt-4o", 0, 1)]
    assert router.stats()["learning"]["outcomes"] == {"conversation": 0, "finish": 1, "feedback": 0}


def test_a_user_has_one_voice_for_each_answer_and_may_change_it() -> None:
    router = learning()
    model = hear(router, asked("why?", affinity=None))
    think(router, True)
    think(router, True)
    assert counts(router) == [(model, 1, 0)]
    think(router, False)
    assert counts(router) == [(model, 0, 1)]
    think(router, None)
    assert counts(router) == [(model, 0, 0)]
    (shown,) = learnt(router)
    assert shown["ability"] == shown["prior"]


def test_opinions_of_others_and_of_unknown_answers_count_nothing() -> None:
    router = learning()
    hear(router, asked("why?", affinity=None))
    think(router, False, user_id=2)
    think(router, False, id="r2")
    assert learnt(router) == []


def test_the_model_that_answered_learns_from_the_conversation() -> None:
    router = learning()
    hear(router, asked("why?"), by="openai/gpt-4o-mini")
    choose(router, asked("and how?", opening="why?", turns=2))
    assert counts(router) == [("openai/gpt-4o-mini", 1, 0)]


def test_one_that_is_off_does_not_listen() -> None:
    router = general_router(FixedScores(need=0.6))
    assert not router.is_listening
    hear(router, asked("why?"), fault="length")
    think(router, False)
    assert learnt(router) == []


def test_the_code_router_moves_models_inside_a_tier() -> None:
    offers = (offer("anthropic/claude-3.5-haiku"), offer("openai/gpt-4o"))
    router = code_router(learning={"enabled": True, "strength": 5})
    call = routing_call("Fix the bug: IndexError on empty input", "auto")
    first = router.rank(call, offers, QuietSignals())
    before = first.offers[0].model
    for number in range(20):
        end = AnswerEnd(request_id=f"{number}", user_id=1, call=call, decision=first.decision, model=before)
        router.hear_end(end)
        router.hear_opinion(Opinion(request_id=f"{number}", user_id=1, is_content=False))
    (shown,) = router.stats()["learning"]["abilities"]
    assert (shown["model"], shown["domain"], shown["not_content"]) == (before, "debugging", 20)
    assert router.rank(call, offers, QuietSignals()).offers[0].model != before
