from datetime import UTC, datetime

import msgspec
import pytest

from gatewayz.areas.admin.coupons.schema import CouponBody, CouponEdits
from gatewayz.areas.admin.ip_allowlist.schema import EntryBody, EntryEdits
from gatewayz.areas.api_keys.schema import AuditQuery
from gatewayz.areas.chat_sessions.schema import MessageBody, StoredMessage
from gatewayz.areas.grafana.schema import TimeRange
from gatewayz.areas.sharing.schema import ShareBody
from gatewayz.web.bodies import schema_error
from gatewayz.web.moments import EPOCH, check_moments

UNNAMEABLE = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
GOOD = "2026-01-01T00:00:00Z"


class Stay(msgspec.Struct, frozen=True):
    start: datetime = msgspec.field(name="from")
    end: datetime | None = None

    def __post_init__(self) -> None:
        check_moments(self, since=EPOCH)


def test_moments_that_utc_names_are_taken_and_naive_ones_left_alone() -> None:
    stay = msgspec.convert({"from": "1970-01-01T00:00:00Z", "end": "0001-01-01T00:00:00"}, Stay)
    assert stay.start == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("moment", [*UNNAMEABLE, "1970-01-01T00:59:59+01:00"])
def test_others_are_refused_by_the_name_they_are_sent_by(moment: str) -> None:
    with pytest.raises(msgspec.ValidationError) as told:
        msgspec.convert({"stays": [{"from": moment}]}, dict[str, list[Stay]])
    error = schema_error(told.value, "body")
    assert error.param is not None and error.param.endswith("[0].from")


@pytest.mark.parametrize("moment", UNNAMEABLE)
@pytest.mark.parametrize(
    ("type", "name", "rest"),
    [
        (MessageBody, "created_at", {}),
        (StoredMessage, "created_at", {"role": "user", "content": "x"}),
        (ShareBody, "expires_at", {"session_id": 1}),
        (EntryBody, "expires_at", {"ip_address": "10.0.0.1", "reason": "r"}),
        (EntryEdits, "expires_at", {}),
        (CouponBody, "valid_until", {"code": "SAVE10", "value_usd": "1", "coupon_scope": "global", "max_uses": 1}),
        (CouponEdits, "valid_until", {}),
        (AuditQuery, "start_date", {}),
        (TimeRange, "to", {"from": GOOD}),
    ],
)
def test_every_body_with_moments_checks_them(
    type: type[msgspec.Struct], name: str, rest: dict[str, object], moment: str
) -> None:
    msgspec.convert({**rest, name: GOOD}, type)
    with pytest.raises(msgspec.ValidationError) as told:
        msgspec.convert({**rest, name: moment}, type)
    assert schema_error(told.value, "body").param == name
