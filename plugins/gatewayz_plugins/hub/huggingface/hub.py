"""The Hugging Face Hub. After its public clients (huggingface_hub); not checked against the hub itself."""

import re
from typing import Final
from urllib.parse import quote, urlencode, urljoin

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ModelNotFound, UpstreamBroken, UpstreamError, UpstreamRateLimited
from gatewayz.sdk.hub import HubAuthor, HubFile, HubListing, HubModel, HubQuery, Sort
from gatewayz.sdk.wire import Headers, HttpRequest, Timeouts, split_url
from gatewayz_plugins.hub.huggingface.answers import Answers
from gatewayz_plugins.hub.huggingface.reading import read_author, read_files, read_model, read_models
from gatewayz_plugins.hub.huggingface.settings import HuggingFaceSettings

__all__ = ["HuggingFaceHub"]

ANSWER_LIMIT: Final = 4 * 1024 * 1024
MAX_REDIRECTS: Final = 3
"""A model that was renamed answers with its new address."""

_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
_MISSING: Final = frozenset((401, 403, 404))
"""The hub says 401 of a model that is not there to those who show no token."""
_SORTS: Final[dict[Sort, str]] = {"downloads": "downloads", "likes": "likes", "trending": "trendingScore"}
_EXPAND: Final = (
    "author",
    "createdAt",
    "downloads",
    "gated",
    "lastModified",
    "library_name",
    "likes",
    "pipeline_tag",
    "private",
    "safetensors",
    "tags",
)


class HuggingFaceHub:
    """A hub asked over HTTP; its answers are kept."""

    source = "huggingface-hub"
    note = None

    def __init__(self, settings: HuggingFaceSettings, context: PluginContext) -> None:
        self._http = context.http
        self._origin, self._base = split_url(settings.base_url)
        self._url = settings.base_url.rstrip("/")
        wait = settings.timeout_s
        self._timeouts = Timeouts(connect_s=min(5.0, wait), first_byte_s=wait, idle_s=wait, total_s=wait)
        headers: list[tuple[bytes, bytes]] = [(b"accept", b"application/json"), (b"user-agent", b"gatewayz")]
        if settings.token:
            headers.append((b"authorization", b"Bearer " + settings.token.reveal().encode()))
        self._headers: Headers = tuple(headers)
        self._answers = Answers(
            self._fetch,
            context.clock,
            fresh_s=settings.fresh_s,
            stale_s=settings.stale_s,
            pause_s=settings.pause_s,
            max_bytes=settings.max_cache_bytes,
        )

    async def search(self, query: HubQuery) -> HubListing:
        """Return a page of models. The hub pages by cursor only, so a page is cut out of one longer answer."""
        asked = query.offset + query.limit
        parameters: list[tuple[str, str | int]] = [
            ("limit", asked + 1),
            ("sort", _SORTS[query.sort]),
            ("direction", -1),
        ]
        parameters += [
            (name, value)
            for name, value in (("search", query.text), ("author", query.author), ("pipeline_tag", query.task))
            if value
        ]
        parameters += [("expand[]", name) for name in _EXPAND]
        body = await self._answers.get(f"/api/models?{urlencode(parameters)}")
        models = () if body is None else read_models(body)
        return HubListing(models=models[query.offset : asked], has_more=len(models) > asked)

    async def details(self, model_id: str) -> HubModel:
        """Return one model with its author. Raises ModelNotFound."""
        expand = urlencode([("expand[]", name) for name in (*_EXPAND, "inferenceProviderMapping")])
        model = read_model(await self._of_model(model_id, f"/api/models/{_quoted(model_id)}?{expand}"))
        try:
            author = await self.author(model.author)
        except UpstreamError:
            author = None  # the model is what was asked for
        return msgspec.structs.replace(model, author_data=author)

    async def card(self, model_id: str) -> str:
        """Return the model's README. Raises ModelNotFound."""
        body = await self._of_model(model_id, f"/{_quoted(model_id)}/raw/main/README.md")
        return body.decode("utf-8", "replace")

    async def files(self, model_id: str) -> tuple[HubFile, ...] | None:
        """Return the model's files with their sizes. Raises ModelNotFound."""
        return read_files(await self._of_model(model_id, f"/api/models/{_quoted(model_id)}?blobs=true"))

    async def author(self, name: str) -> HubAuthor | None:
        """Return an organisation, or else a person."""
        if not _ID.fullmatch(name) or "/" in name:
            return None
        for kind in ("organizations", "users"):
            if (body := await self._answers.get(f"/api/{kind}/{quote(name, safe='')}/overview")) is not None:
                return read_author(body, name, self._url)
        return None

    async def aclose(self) -> None:
        """Stop asking."""
        await self._answers.aclose()

    async def _of_model(self, model_id: str, path: str) -> bytes:
        # What is no id is not asked for: it would be another path of the hub.
        body = await self._answers.get(path) if _is_id(model_id) else None
        if body is None:
            raise ModelNotFound(f"the model hub has no {model_id[:100]!r}", param="model_id")
        return body

    async def _fetch(self, path: str) -> bytes | None:
        target = f"{self._base}{path}"
        for _ in range(MAX_REDIRECTS):
            request = HttpRequest(origin=self._origin, target=target.encode(), headers=self._headers, method=b"GET")
            reply = await self._http.send(request, self._timeouts)
            try:
                body = await reply.read_all(ANSWER_LIMIT)
            finally:
                reply.close()
            if reply.status == 200:
                return body
            if reply.status in _MISSING:
                return None
            if reply.status == 429:
                raise UpstreamRateLimited("the model hub asks for fewer calls", provider_status=429)
            if reply.status not in (301, 302, 307, 308):
                raise UpstreamBroken("the model hub failed", provider_status=reply.status)
            target = self._redirected(target, reply.headers)
        raise UpstreamBroken("the model hub leads round in a circle")

    def _redirected(self, target: str, headers: Headers) -> str:
        """Return where an answer leads on this hub: the token goes nowhere else. Raises UpstreamBroken."""
        location = next((value for name, value in headers if name == b"location"), b"").decode("latin-1")
        here = f"{self._origin.scheme}://{self._origin.host}:{self._origin.port}"
        try:
            path, _, query = urljoin(f"{here}{target}", location).partition("?")
            origin, found = split_url(path)
        except ValueError as err:
            raise UpstreamBroken("the model hub leads nowhere") from err
        if origin != self._origin:
            raise UpstreamBroken("the model hub leads to another host")
        return f"{found or '/'}?{query}" if query else found or "/"


def _is_id(model_id: str) -> bool:
    return bool(_ID.fullmatch(model_id)) and ".." not in model_id


def _quoted(model_id: str) -> str:
    return quote(model_id, safe="/")
