"""Who is told what: automatic mail, reports, tests.

Source: spec 08 §5, docs/decisions/0173-notices.md.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.mail import Mailer
from gatewayz.domain.notifications.messages import render
from gatewayz.sdk.clock import Clock
from gatewayz.store.notification_records import DueNotice, NotificationStore
from gatewayz.store.ports import AccountStore
from gatewayz.store.profile_records import public_email
from gatewayz.store.records import User

__all__ = ["Notices", "Summed", "summarise"]

ROUND: Final = 200
"""Messages of one kind in one round."""

_log = logging.getLogger("gatewayz.notifications")


class Summed(Protocol):
    """Usage with one model."""

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def requests(self) -> int:
        """How many."""
        ...

    @property
    def tokens(self) -> int:
        """In and out."""
        ...

    @property
    def charged_nano(self) -> int:
        """Nano-dollars."""
        ...


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one model was used for."""

    name: str
    requests: int
    tokens: int
    charged: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One user's month; `charged` is in nano-dollars."""

    requests: int
    tokens: int
    charged: int
    models: tuple[Share, ...]
    """Dearest first."""


def summarise(sums: Iterable[Summed]) -> Report:
    """Return the sums of a month by model."""
    groups: defaultdict[str, list[Summed]] = defaultdict(list)
    for each in sums:
        groups[each.model].append(each)
    shares = [
        Share(
            name=name,
            requests=sum(each.requests for each in group),
            tokens=sum(each.tokens for each in group),
            charged=sum(each.charged_nano for each in group),
        )
        for name, group in groups.items()
    ]
    return Report(
        requests=sum(each.requests for each in shares),
        tokens=sum(each.tokens for each in shares),
        charged=sum(each.charged for each in shares),
        models=tuple(sorted(shares, key=lambda each: (-each.charged, -each.requests, each.name))),
    )


class Notices:
    """Tells people. `send_due` is the job's round."""

    def __init__(
        self, store: NotificationStore, users: AccountStore, ledger: Ledger, mailer: Mailer, clock: Clock
    ) -> None:
        self._store = store
        self._users = users
        self._ledger = ledger
        self._mailer = mailer
        self._clock = clock

    async def send_due(self) -> int:
        """Tell everybody who is to be told something; return how many were. Raises StoreUnavailable."""
        sent = 0
        for notice in await self._store.list_due(self._clock.now(), ROUND):
            sent += await self._send_once(notice)
        return sent

    async def send(self, user: User, kind: str, *, is_test: bool = False, **values: Any) -> bool:
        """Mail a user about the account as it is now; return whether the message was taken."""
        if (address := public_email(user.email)) is None:
            return False
        facts = await self._facts(user)
        return await self._mailer.send(render(kind, address, is_test=is_test, **{**facts, **values}))

    async def _send_once(self, notice: DueNotice) -> bool:
        """Claim before sending: two processes, or one that dies, must not tell twice."""
        user = await self._users.find_user(notice.user_id)
        if user is None or public_email(user.email) is None or not await self._store.claim(notice):
            return False
        if await self.send(user, notice.kind):
            return True
        _log.warning("user %d was not told %s; another try follows", notice.user_id, notice.kind)
        await self._store.give_back(notice)
        return False

    async def _facts(self, user: User) -> dict[str, Any]:
        now: datetime = self._clock.now()
        preferences = await self._store.preferences(user.id, now)
        balances = await self._ledger.balances(user.id)
        return {
            "balance": balances.spendable,
            "threshold": preferences.low_balance_threshold,
            "trial_ends_at": user.trial_ends_at,
            "plan": user.plan,
            "plan_ends_at": user.plan_ends_at,
        }
