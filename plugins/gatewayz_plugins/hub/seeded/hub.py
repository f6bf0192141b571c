"""The local twin of a model hub: real figures of one day, in `models.json`. Written by `scripts/hub_seed.py`."""

from pathlib import Path
from typing import Final

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ModelNotFound
from gatewayz.sdk.hub import HubAuthor, HubFile, HubListing, HubModel, HubQuery

__all__ = ["SeededHub", "SeededSettings"]

_DATA: Final = Path(__file__).with_name("models.json")


class SeededSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to say: the data comes with the plugin."""


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    names: tuple[str, ...] = ()
    """Canonical ids of the catalog that mean this model."""
    downloads: int | None = None
    likes: int | None = None
    pipeline_tag: str | None = None
    parameters: int | None = None
    created_at: str | None = None
    files: tuple[HubFile, ...] | None = None


class _Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: str
    date: str
    files_source: str
    models: tuple[_Row, ...]


class SeededHub:
    """Everything in memory, read when the instance is provisioned."""

    source = "seeded"

    def __init__(self, settings: SeededSettings, context: PluginContext) -> None:
        self._data = _Data(source="", date="", files_source="", models=())
        self._rows: dict[str, _Row] = {}

    async def provision(self) -> None:
        """Read the data."""
        self._data = msgspec.json.decode(_DATA.read_bytes(), type=_Data)
        self._rows = {row.id.lower(): row for row in self._data.models}
        for row in self._data.models:
            for name in row.names:
                self._rows.setdefault(name.lower(), row)

    @property
    def note(self) -> str | None:
        """How old the figures are."""
        return f"figures recorded on {self._data.date}; set hub.use to huggingface for those of today"

    async def search(self, query: HubQuery) -> HubListing:
        """Return a page of models; those whose figure is not known come last. Trending is not known: by downloads."""
        text, author = query.text.lower(), (query.author or "").lower()
        found = [
            model
            for model in map(_model, self._data.models)
            if text in model.id.lower()
            and (not author or model.author.lower() == author)
            and (query.task is None or model.pipeline_tag == query.task)
        ]
        by_likes = query.sort == "likes"
        found.sort(key=lambda model: (-((model.likes if by_likes else model.downloads) or 0), model.id))
        end = query.offset + query.limit
        return HubListing(models=tuple(found[query.offset : end]), has_more=len(found) > end)

    async def details(self, model_id: str) -> HubModel:
        """Return one model, by its id or its name in the catalog. Raises ModelNotFound."""
        return _model(self._row(model_id))

    async def card(self, model_id: str) -> str:
        """Return a card that says what is recorded, and where the model's own is. Raises ModelNotFound."""
        model = _model(self._row(model_id))
        facts = {
            "Downloads in 30 days": model.downloads,
            "Likes": model.likes,
            "Parameters": model.parameters,
            "Task": model.pipeline_tag,
            "Published": model.created_at,
        }
        lines = [
            f"- {name}: {value:,}" if isinstance(value, int) else f"- {name}: {value}"
            for name, value in facts.items()
            if value is not None
        ]
        return "\n".join(
            [
                f"# {model.id}",
                "",
                f"What was recorded of this model on {self._data.date} ({self._data.source}):",
                "",
                *lines,
                "",
                f"Its own card: https://huggingface.co/{model.id}",
                "",
            ]
        )

    async def files(self, model_id: str) -> tuple[HubFile, ...] | None:
        """Return the model's files where they were recorded. Raises ModelNotFound."""
        return self._row(model_id).files

    async def author(self, name: str) -> HubAuthor | None:
        """Return the bare name: nothing else of authors is recorded."""
        known = {row.id.partition("/")[0].lower(): row.id.partition("/")[0] for row in self._data.models}
        found = known.get(name.lower())
        return None if found is None else HubAuthor(name=found)

    def _row(self, model_id: str) -> _Row:
        row = self._rows.get(model_id.lower())
        if row is None:
            raise ModelNotFound(f"the seeded model hub has no {model_id[:100]!r}", param="model_id")
        return row


def _model(row: _Row) -> HubModel:
    return HubModel(
        id=row.id,
        author=row.id.partition("/")[0],
        downloads=row.downloads,
        likes=row.likes,
        pipeline_tag=row.pipeline_tag,
        parameters=row.parameters,
        private=False,
        created_at=row.created_at,
        author_data=HubAuthor(name=row.id.partition("/")[0]),
    )
