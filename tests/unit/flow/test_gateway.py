"""Editions: a request finishes on the one it started with, an old one is closed after its last request."""

from dataclasses import replace

import pytest

from gatewayz.flow.gateway import Gateway
from tests.fakes.flow import Scene, WireFake


class Closing:
    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1


async def test_an_old_edition_is_closed_after_its_last_request() -> None:
    first, second = Scene(a=WireFake(b"")), Scene(a=WireFake(b""))
    closing = Closing()
    gateway = Gateway()
    gateway.install(first.edition, closing)
    lease = gateway.acquire()
    gateway.install(second.edition, Closing())
    assert gateway.edition is second.edition and lease.edition is first.edition
    await first.background.drain(1)
    assert closing.times == 0
    lease.release()
    await first.background.drain(1)
    assert closing.times == 1


async def test_an_amended_edition_keeps_what_the_former_one_has_opened() -> None:
    scene = Scene(a=WireFake(b""))
    other, closing, gateway = replace(scene.edition), Closing(), Gateway()
    gateway.install(scene.edition, closing)
    lease = gateway.acquire()
    gateway.amend(other)
    assert gateway.edition is other and gateway.acquire() is lease
    await scene.background.drain(1)
    assert closing.times == 0
    gateway.install(Scene(a=WireFake(b"")).edition, Closing())
    lease.release()
    await scene.background.drain(1)
    assert closing.times == 0, "the second request is still under way"
    lease.release()
    await scene.background.drain(1)
    assert closing.times == 1


async def test_an_idle_edition_is_closed_at_once() -> None:
    first = Scene(a=WireFake(b""))
    closing = Closing()
    gateway = Gateway()
    gateway.install(first.edition, closing)
    gateway.acquire().release()
    gateway.install(Scene(a=WireFake(b"")).edition, Closing())
    await first.background.drain(1)
    assert closing.times == 1


async def test_shutdown_closes_the_current_one() -> None:
    closing = Closing()
    gateway = Gateway()
    gateway.install(Scene(a=WireFake(b"")).edition, closing)
    await gateway.aclose()
    assert closing.times == 1
    with pytest.raises(RuntimeError):
        gateway.acquire()
