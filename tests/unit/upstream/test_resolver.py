import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import pytest

from gatewayz.upstream.resolver import Address, Resolver, ask_system


class Asked:
    """Stands in for the system's resolver and counts questions."""

    def __init__(self) -> None:
        self.count = 0
        self.addresses = ["192.0.2.1", "192.0.2.1", "2001:db8::1"]

    async def __call__(self, host: str) -> Sequence[str]:
        self.count += 1
        await asyncio.sleep(0.01)
        if not self.addresses:
            raise socket.gaierror("no such host")
        return self.addresses


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "8.8.8.8"])
async def test_literals_are_not_asked_for(asked: Asked, host: str) -> None:
    assert await Resolver(look_up=asked).resolve(host) == (host,)
    assert asked.count == 0


async def test_localhost_is_not_asked_for(asked: Asked) -> None:
    assert await Resolver(look_up=asked).resolve("localhost") == ("127.0.0.1", "::1")
    assert asked.count == 0


async def test_answers_are_kept_and_shared(asked: Asked) -> None:
    resolver = Resolver(kept_s=60, look_up=asked)
    answers = await asyncio.gather(*(resolver.resolve("a.example") for _ in range(10)))
    assert set(answers) == {("192.0.2.1", "2001:db8::1")}
    await resolver.resolve("a.example")
    assert asked.count == 1


async def test_answers_grow_old(asked: Asked) -> None:
    resolver = Resolver(kept_s=0, look_up=asked)
    await resolver.resolve("a.example")
    await resolver.resolve("a.example")
    assert asked.count == 2


async def test_a_caller_that_leaves_does_not_take_the_answer_along(asked: Asked) -> None:
    resolver = Resolver(look_up=asked)
    first = asyncio.create_task(resolver.resolve("a.example"))
    second = asyncio.create_task(resolver.resolve("a.example"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ("192.0.2.1", "2001:db8::1")
    assert asked.count == 1


async def test_failures_are_raised_and_not_kept(asked: Asked) -> None:
    resolver = Resolver(look_up=asked)
    good, asked.addresses = asked.addresses, []
    with pytest.raises(OSError, match="no such host"):
        await resolver.resolve("a.example")
    asked.addresses = good
    assert await resolver.resolve("a.example")


async def test_every_address_is_checked_each_time(asked: Asked) -> None:
    seen: list[Address] = []

    def check(address: Address) -> None:
        seen.append(address)
        if address == ipaddress.ip_address("2001:db8::1"):
            raise PermissionError("refused")

    resolver = Resolver(check=check, look_up=asked)
    for _ in range(2):
        with pytest.raises(PermissionError):
            await resolver.resolve("a.example")
    assert len(seen) == 4
    with pytest.raises(PermissionError):
        await resolver.resolve("2001:db8::1")


async def test_the_system_is_asked() -> None:
    assert set(await ask_system("localhost")) & {"127.0.0.1", "::1"}
