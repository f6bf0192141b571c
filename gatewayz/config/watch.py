"""Takes over a changed configuration: on save, or when asked to (SIGHUP).

The configuration is read and checked whole; a wrong one is reported and changes nothing.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

from gatewayz.config.load import Loaded, load
from gatewayz.config.problems import ConfigurationInvalid, Problem
from gatewayz.sdk.errors import ConfigurationError

__all__ = ["Watch"]

DEBOUNCE_S: Final = 0.2
"""Editors write in several steps; changes this close together are one."""

_LOGGER = logging.getLogger("gatewayz.config")


class Watch:
    """Watches the files of a configuration and hands over each new one that is right."""

    def __init__(
        self,
        current: Loaded,
        *,
        overlay: str | None,
        environ: Callable[[], Mapping[str, str]],
        on_loaded: Callable[[Loaded], Awaitable[None]],
        on_refused: Callable[[tuple[Problem, ...]], None] | None = None,
        debounce_s: float = DEBOUNCE_S,
    ) -> None:
        """Watch from `current` on.

        :param on_loaded: takes a configuration over, or raises ConfigurationInvalid, which keeps the old one.
        :param on_refused: hears what is wrong with one that was refused; it is logged in any case.
        """
        self.current = current
        self._overlay = overlay
        self._environ = environ
        self._on_loaded = on_loaded
        self._on_refused = on_refused
        self._debounce_s = debounce_s
        self._asked = asyncio.Event()

    def reload(self) -> None:
        """Read again at the next opportunity, whether or not a file changed: what SIGHUP calls."""
        self._asked.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        watching = asyncio.create_task(self._watch_files(), name="watch configuration")
        try:
            while True:
                await self._asked.wait()
                await asyncio.sleep(self._debounce_s)
                self._asked.clear()
                await self.reload_now()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def reload_now(self) -> bool:
        """Read, check and hand over. Returns whether the configuration was taken over."""
        try:
            loaded = await asyncio.to_thread(load, self.current.path, overlay=self._overlay, environ=self._environ())
            await self._on_loaded(loaded)
        except ConfigurationError as err:
            problems = err.problems if isinstance(err, ConfigurationInvalid) else (Problem(message=err.message),)
            _LOGGER.error("configuration refused for %d errors, the old one keeps serving", len(problems))
            for problem in problems:
                _LOGGER.error("%s", problem)
            if self._on_refused is not None:
                self._on_refused(problems)
            return False
        except Exception:  # whatever a take-over runs into, the old configuration serves on and the watch goes on
            _LOGGER.exception("configuration not taken over, the old one keeps serving")
            return False
        self.current = loaded
        _LOGGER.info("configuration taken over from %s", loaded.path)
        return True

    async def _watch_files(self) -> None:
        try:
            async with aclosing(_changes(self)) as changes:
                async for _ in changes:
                    self._asked.set()
        except OSError as err:
            _LOGGER.error("files are not watched, only SIGHUP reloads: %s", err)

    def folders(self) -> set[Path]:
        """Folders to watch: a file that is replaced by an editor or a mount is a new file in the same folder."""
        found = {file.resolve().parent for file in self.current.files}
        found.add(self.current.config_dir.resolve())
        return {folder for folder in found if folder.is_dir()}

    def concerns(self, name: str) -> bool:
        """Return whether a changed file is one that was read, or a new one in the folder of data files."""
        changed = Path(name)
        if changed.parent == self.current.config_dir.resolve():
            return changed.suffix == ".yaml" and not changed.name.startswith(".")
        return any(changed == file.resolve().parent / file.name for file in self.current.files)


async def _changes(watch: Watch) -> AsyncGenerator[None, None]:
    from watchfiles import awatch  # noqa: PLC0415  a native module, loaded when a server watches and not before

    async for found in awatch(
        *watch.folders(), recursive=False, step=50, rust_timeout=1000, watch_filter=lambda _, name: watch.concerns(name)
    ):
        if found:
            yield
