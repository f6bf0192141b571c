"""Files of users, and the batches that are run from them."""

from typing import Annotated

from msgspec import Meta

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["Batches", "Files"]

Factor = Annotated[float, Meta(ge=0, le=1)]


class Files(Section, frozen=True, kw_only=True):
    """What users may keep here."""

    max_file_bytes: PositiveInt = 100 * 1024 * 1024
    """Of one upload, which must come within `server.body_timeout_s`."""
    max_user_bytes: PositiveInt = 1024 * 1024 * 1024
    """Of all files of a user; what batches write is not refused, yet counts."""
    max_uploads: PositiveInt = 8
    """Uploads a process takes at the same time: what has come of one and is not written yet is in memory."""
    max_user_uploads: PositiveInt = 4
    """Of those, a user's."""
    keep_days: PositiveInt = 30
    """How long a file is kept whose owner said nothing."""


class Batches(Section, frozen=True, kw_only=True):
    """Lines of a file, run as calls when there is time for them."""

    enabled: bool = True
    """False runs none here; other processes may. Batches are taken and wait."""
    price_factor: Factor = 0.5
    """What a line costs, as a share of the same call made by itself."""
    max_requests: PositiveInt = 50_000
    """Lines of one batch."""
    max_line_bytes: PositiveInt = 8 * 1024 * 1024
    max_open: PositiveInt = 20
    """Batches of one user that may be under way."""
    window_s: Positive = 24 * 3600.0
    """After so long what has not been run is not run any more; callers know it as `24h`."""
    running: PositiveInt = 4
    """Batches run at the same time, at most one of each user."""
    concurrency: PositiveInt = 4
    """Lines of one batch run at the same time."""
    attempts: PositiveInt = 3
    """Tries of a line that a provider had no time for."""
    retry_s: Positive = 2.0
    """Pause before the second try; it doubles, and a provider's Retry-After counts."""
    yield_above: Annotated[int, Meta(ge=0)] = 32
    """While this process works on more requests than that, no line begins."""
    poll_s: Positive = 2.0
    """How often it is looked whether there is something to run."""
    lease_s: Positive = 30.0
    """A process that runs batches and is silent for so long is taken to be dead."""
