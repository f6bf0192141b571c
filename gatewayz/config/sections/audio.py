"""Sound that callers upload."""

from typing import Annotated

from msgspec import Meta

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["Audio"]


class Audio(Section, frozen=True, kw_only=True):
    """What `/v1/audio/transcriptions` takes, and how it is counted. Source: spec 08 §2."""

    max_file_bytes: PositiveInt = 25 * 1024 * 1024
    max_duration_s: Positive = 14_400.0
    """Longest recording taken, by its own head: a small file can hold days of silence."""
    spool_dir: str = ""
    """Where uploads wait while they are sent on; the system's place for temporary files when empty."""
    default_model: str = "whisper-1"
    """Of a transcription that names none."""
    min_billed_s: Annotated[float, Meta(ge=0)] = 6.0
    """What shorter recordings are counted as."""
