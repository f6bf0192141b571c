import asyncio
import threading
import time

import pytest

from gatewayz.loader.contain import describe, run_contained
from gatewayz.sdk.errors import ConfigurationError


async def test_it_returns_what_the_function_returns() -> None:
    assert await run_contained(lambda: 5, deadline_s=5, what="x") == 5


@pytest.mark.parametrize("error", [ValueError("a\nb"), SystemExit(2), KeyboardInterrupt()])
async def test_whatever_is_raised_is_a_configuration_error(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(ConfigurationError, match=r"^x failed: ") as caught:
        await run_contained(fail, deadline_s=5, what="x")
    assert caught.value.__cause__ is error
    assert "\n" not in caught.value.message


async def test_our_own_error_passes_as_it_is() -> None:
    own = ConfigurationError("own")

    def fail() -> None:
        raise own

    with pytest.raises(ConfigurationError) as caught:
        await run_contained(fail, deadline_s=5, what="x")
    assert caught.value is own


async def test_one_that_hangs_is_left_behind_and_the_loop_goes_on() -> None:
    release = threading.Event()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.01)

    heart = asyncio.create_task(beat())
    started = time.perf_counter()
    with pytest.raises(ConfigurationError, match=r"x took longer than 0\.2 s"):
        await run_contained(lambda: release.wait(10), deadline_s=0.2, what="x")
    assert time.perf_counter() - started < 2
    assert beats > 3
    release.set()
    heart.cancel()
    await asyncio.sleep(0.05)  # the late answer finds nobody waiting, and says nothing


def test_descriptions_are_one_line() -> None:
    assert describe(ValueError("a\n  b")) == "ValueError: a b"
    assert describe(ValueError()) == "ValueError"
