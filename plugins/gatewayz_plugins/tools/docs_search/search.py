"""The local twin of web search: answers out of the documentation, and says so."""

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.tools import SearchArguments, SearchHit, ToolFailed, ToolOutcome, search_result
from gatewayz_plugins.tools.docs_search.passages import Passage, read_passages
from gatewayz_plugins.tools.docs_search.ranking import Ranking

__all__ = ["DocsSearch", "DocsSearchSettings"]

CONTENT_LIMIT: Final = 800
_SOURCE: Final = "docs"


class DocsSearchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance."""

    folder: str | None = None
    """Markdown files to search; without one the documentation that comes with the gateway."""


class DocsSearch:
    """A tool over a folder of files, read when the first search comes."""

    description = (
        "Search the documentation of this gateway: its settings, endpoints, models, routing and plugins. "
        "Returns titles, paths and extracts. It does not search the web."
    )
    arguments = SearchArguments

    def __init__(self, settings: DocsSearchSettings, context: PluginContext) -> None:
        self._folder = _shipped() if settings.folder is None else Path(settings.folder)
        self._passages: tuple[Passage, ...] = ()
        self._ranking: Ranking | None = None
        self._reading = asyncio.Lock()

    @property
    def is_available(self) -> bool:
        """Whether the folder is there."""
        return self._folder.is_dir()

    async def run(self, arguments: SearchArguments) -> ToolOutcome:
        """Search. The files have one domain, `docs`: filters by domain take or leave them all."""
        if not self.is_available:
            raise ToolFailed("The documentation is not installed here.", "configuration")
        ranking = await self._read()
        hits: tuple[SearchHit, ...] = ()
        if _SOURCE not in arguments.exclude_domains and _SOURCE in (arguments.include_domains or (_SOURCE,)):
            best = await asyncio.to_thread(ranking.best, arguments.query, arguments.max_results)
            hits = tuple(self._hit(number, score) for number, score in best)
        return ToolOutcome(result=search_result(arguments.query, hits), metadata={"source": _SOURCE})

    async def _read(self) -> Ranking:
        async with self._reading:
            if self._ranking is None:
                self._passages = await asyncio.to_thread(read_passages, self._folder)
                texts = [f"{passage.title} {passage.title} {passage.text}" for passage in self._passages]
                self._ranking = await asyncio.to_thread(Ranking, texts)
            return self._ranking

    def _hit(self, number: int, score: float) -> SearchHit:
        found = self._passages[number]
        return SearchHit(title=found.title, url=found.url, content=found.text[:CONTENT_LIMIT], score=round(score, 3))


def _shipped() -> Path:
    """Return where the documentation is: inside the package once installed, beside it in a checkout."""
    package = Path(str(files("gatewayz")))
    packaged = package / "_resources" / "docs"
    return packaged if packaged.is_dir() else package.parent / "docs"
