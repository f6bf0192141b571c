from datetime import timedelta

import pytest

from gatewayz.domain.limits.allowlist import Allowlist, canonical_network, is_listed
from gatewayz.store.allowlist_records import AllowlistEntry, AllowlistFilter
from tests.fakes.clock import FakeClock


class Reader:
    def __init__(self, *entries: AllowlistEntry) -> None:
        self.entries = list(entries)

    async def list_entries(self, wanted: AllowlistFilter) -> list[AllowlistEntry]:
        assert wanted.is_enabled is True and wanted.expires_after is not None
        return self.entries


def entry(network: str, *, user_id: int | None = None, lasts_s: float | None = None) -> AllowlistEntry:
    now = FakeClock().now()
    return AllowlistEntry(
        id=network,
        network=network,
        user_id=user_id,
        reason="x",
        created_by="admin",
        is_enabled=True,
        expires_at=None if lasts_s is None else now + timedelta(seconds=lasts_s),
        metadata={},
        created_at=now,
        updated_at=now,
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7/120", "203.0.113.0/24"),
        ("::/0", "::/0"),
    ],
)
def test_networks_have_one_form(text: str, kept: str) -> None:
    assert canonical_network(text) == kept


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4/33", "1.2.3.4/x", "fe80::1%eth0"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        canonical_network(text)


async def test_an_entry_ends_at_its_moment_without_being_read_again() -> None:
    clock = FakeClock()
    allowlist = Allowlist(Reader(entry("10.0.0.0/8", lasts_s=60)), clock)
    assert not allowlist.covers("10.1.1.1")
    await allowlist.refresh()
    assert allowlist.covers("10.1.1.1") and allowlist.covers("::ffff:10.1.1.1")
    assert not allowlist.covers("11.1.1.1") and not allowlist.covers("nonsense")
    clock.advance(60)
    assert not allowlist.covers("10.1.1.1")


async def test_a_user_s_entry_covers_that_user_alone() -> None:
    clock, own = FakeClock(), entry("10.0.0.1", user_id=7)
    allowlist = Allowlist(Reader(own), clock)
    await allowlist.refresh()
    assert not allowlist.covers("10.0.0.1")
    assert is_listed("10.0.0.1", [own], clock, 7) and not is_listed("10.0.0.1", [own], clock, 8)
