"""Feedback as its users see it. Source: spec 01 §7 (cases 3.6.*)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gatewayz.areas.feedback.schema import FeedbackBody
from gatewayz.sdk.errors import SchemaInvalid
from gatewayz.store.feedback_records import Feedback, FeedbackTotals, NewFeedback

__all__ = ["check_metadata", "sent_feedback", "show_list", "show_stats"]

_METADATA_BYTES: Final = 16 * 1024


def check_metadata(metadata: Mapping[str, Any] | None) -> None:
    """Refuse metadata that is too large to be kept. Raises SchemaInvalid."""
    if metadata is None:
        return
    encoded = msgspec.json.encode(metadata)
    if len(encoded) > _METADATA_BYTES:
        raise SchemaInvalid(f"metadata has more than {_METADATA_BYTES} bytes.", param="metadata")


def sent_feedback(body: FeedbackBody) -> NewFeedback:
    """Return the feedback of a request."""
    ids = {name: None if (sent := getattr(body, name)) is None else int(sent) for name in ("session_id", "message_id")}
    return NewFeedback(**{**msgspec.structs.asdict(body), **ids})


def show_list(found: Sequence[Feedback], limit: int) -> dict[str, Any]:
    """Return a page of feedback."""
    return {
        "success": True,
        "data": found,
        "count": len(found),
        "next_cursor": found[-1].id if len(found) == limit else None,
        "message": f"{len(found)} entries",
    }


def show_stats(totals: Sequence[FeedbackTotals], days: int) -> dict[str, Any]:
    """Return figures over all models, and of each; rates are shares of 1, null where there is nothing to divide."""
    by_model = {each.model: _figures([each]) for each in totals if each.model is not None}
    return {**_figures(totals), "by_model": by_model, "period_days": days}


def _figures(totals: Sequence[FeedbackTotals]) -> dict[str, Any]:
    total = sum(each.total for each in totals)
    up, down = (sum(getattr(each, name) for each in totals) for name in ("thumbs_up", "thumbs_down"))
    return {
        "total_feedback": total,
        "thumbs_up": up,
        "thumbs_down": down,
        "regenerate": sum(each.regenerate for each in totals),
        "thumbs_up_rate": _share(up, total),
        "thumbs_down_rate": _share(down, total),
        "average_rating": _share(sum(each.rating_sum for each in totals), sum(each.rated for each in totals)),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
