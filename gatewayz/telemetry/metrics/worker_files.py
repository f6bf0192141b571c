"""How the workers of one machine tell each other their figures: one small file each, in a folder of their own."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["WorkerFiles"]


class WorkerFiles:
    """One process's file, and the files of the others. Blocking; meant for a thread.

    :param folder: empty when the first of the processes starts.
    :param process: a name that no other process has.
    """

    def __init__(self, folder: Path, process: str) -> None:
        self._folder = folder
        self._own = f"{process}.figures"

    def write(self, content: bytes) -> None:
        """Replace the own file at once, so that nobody reads half of it. Raises OSError."""
        draft = self._folder / f"{self._own}.draft"
        draft.write_bytes(content)
        draft.replace(self._folder / self._own)

    def others(self) -> Sequence[bytes]:
        """Return what the others wrote last, of processes that are gone too. Raises OSError."""
        return [path.read_bytes() for path in sorted(self._folder.glob("*.figures")) if path.name != self._own]
