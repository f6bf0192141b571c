"""Counting beside the serving process: learnt ratios, the child, its end, its failures."""

import asyncio
import os
import signal

import pytest

from gatewayz.domain.usage.token_counter import TokenCounter

MODEL = "vendor/model"


def test_a_model_is_learnt_when_its_calls_agree() -> None:
    counter = TokenCounter()
    assert counter.learnt(MODEL, 400) is None
    for n in range(30):
        counter.learn(MODEL, 400 + n % 3, 100)
    assert counter.learnt(MODEL, 4000) == pytest.approx(1000, rel=0.02)
    assert counter.learnt("vendor/other", 4000) is None


def test_a_model_whose_calls_differ_is_not() -> None:
    counter = TokenCounter()
    for n in range(60):
        counter.learn(MODEL, 400 if n % 2 else 150, 100)
    assert counter.learnt(MODEL, 4000) is None


def test_short_and_empty_answers_teach_nothing() -> None:
    counter = TokenCounter()
    for _ in range(40):
        counter.learn(MODEL, 3, 1)
        counter.learn(MODEL, 0, 100)
    assert counter.learnt(MODEL, 4000) is None


async def test_the_child_counts_one_question_at_a_time() -> None:
    counter = TokenCounter()
    try:
        assert await counter.count(["hello world", "hello"], "openai/gpt-4o") == 3
        assert await counter.count(["a\ud800b"], "openai/gpt-4o") >= 2
        assert sum(await asyncio.gather(*(counter.count(["hello"], MODEL) for _ in range(5)))) == 5
    finally:
        await counter.aclose()


async def test_a_killed_child_costs_one_estimate() -> None:
    counter = TokenCounter()
    try:
        await counter.count(["hello"], MODEL)
        child = counter._child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        assert await counter.count(["x" * 40], MODEL) == 10
        assert await counter.count(["hello world"], MODEL) == 2
    finally:
        await counter.aclose()


async def test_a_question_given_up_does_not_answer_the_next() -> None:
    counter = TokenCounter()
    try:
        asked = asyncio.ensure_future(counter.count(["hello " * 50], MODEL))
        await asyncio.sleep(0.02)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert await counter.count(["hello"], MODEL) == 1
    finally:
        await counter.aclose()


async def test_an_idle_child_ends() -> None:
    counter = TokenCounter(idle_s=0.05)
    await counter.count(["hello"], MODEL)
    child = counter._child
    assert child is not None
    async with asyncio.timeout(5):
        assert await child.wait() == 0
    assert await counter.count(["hello"], MODEL) == 1
    await counter.aclose()
