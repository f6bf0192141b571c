"""What kind of sound a file holds, and how long it lasts, from its head and its size.

A file's name and declared type are its sender's words; its first bytes decide. Source: spec 08 §2; RFC 3533 (Ogg),
RFC 9639 (FLAC), RFC 9559 (Matroska), ISO/IEC 14496-12 (MP4), ISO/IEC 11172-3 (MP3).
"""

from typing import IO, BinaryIO, Final, cast

import msgspec

__all__ = ["HEAD_BYTES", "KINDS", "SoundKind", "kind_of", "measured_ms"]

HEAD_BYTES: Final = 16
"""What `kind_of` needs."""
_MINUTE_MS: Final = 60_000


class SoundKind(msgspec.Struct, frozen=True, kw_only=True):
    """A container that is taken."""

    ending: str
    media_type: str
    bytes_per_minute: int = 1024 * 1024
    """Supposed where the head does not say how long it lasts (spec 08 §2)."""
    max_bytes_per_s: int = 64_000
    """The densest there is: a file lasts at least its size divided by this, whatever its head says."""
    min_bytes_per_s: int = 1
    """The thinnest there is: a head that tells of more is not believed (WAV that was streamed says "without end")."""


_WAV: Final = SoundKind(
    ending="wav",
    media_type="audio/wav",
    bytes_per_minute=10 * 1024 * 1024,
    max_bytes_per_s=1_536_000,
    min_bytes_per_s=1_000,
)
_FLAC: Final = SoundKind(
    ending="flac", media_type="audio/flac", bytes_per_minute=5 * 1024 * 1024, max_bytes_per_s=1_536_000
)
_MP3: Final = SoundKind(ending="mp3", media_type="audio/mpeg", max_bytes_per_s=56_000, min_bytes_per_s=1_000)
_OGG: Final = SoundKind(ending="ogg", media_type="audio/ogg")
_MP4: Final = SoundKind(ending="m4a", media_type="audio/mp4", max_bytes_per_s=6_250_000)
_WEBM: Final = SoundKind(ending="webm", media_type="audio/webm", max_bytes_per_s=6_250_000)

KINDS: Final = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "ogg", "wav", "webm")
"""Names people use for what is taken."""


def kind_of(head: bytes) -> SoundKind | None:
    """Return what a file is, by its first `HEAD_BYTES` bytes; None for what is no sound that is taken."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _WAV
    if head[:4] == b"fLaC":
        return _FLAC
    if head[:4] == b"OggS":
        return _OGG
    if head[4:8] == b"ftyp":
        return _MP4
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _WEBM
    if head[:3] == b"ID3" or _is_mpeg_frame(head):
        return _MP3
    return None


def measured_ms(file: IO[bytes], kind: SoundKind, size: int) -> int:
    """Return how long a file lasts: as its head says, else as its size lets one suppose. Reads the file; blocks.

    A head cannot make it shorter than the densest file of its size could be.
    """
    told_ms = _told_ms(file, kind)
    if told_ms is None or told_ms > size * 1000 // kind.min_bytes_per_s:
        return max(1, size * _MINUTE_MS // kind.bytes_per_minute)
    return max(1, told_ms, size * 1000 // kind.max_bytes_per_s)


def _told_ms(file: IO[bytes], kind: SoundKind) -> int | None:
    if kind is _WEBM:
        return None
    from tinytag import TinyTag  # noqa: PLC0415  (only for those who transcribe)

    file.seek(0)
    try:
        duration_s = TinyTag.get(filename=f"sound.{kind.ending}", file_obj=cast(BinaryIO, file), tags=False).duration
    except Exception:  # noqa: BLE001  a foreign file makes the library raise anything; its size still tells
        return None
    if duration_s is None or not 0 < duration_s < float("inf"):
        return None
    return round(duration_s * 1000)


def _is_mpeg_frame(head: bytes) -> bool:
    """Frame sync, a known layer, and neither a reserved bit rate nor a reserved sampling rate."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    return (head[1] >> 3) & 3 != 1 and (head[1] >> 1) & 3 != 0 and head[2] >> 4 != 0xF and (head[2] >> 2) & 3 != 3
