"""Search by Tavily, `POST /search`. After its public clients (langchain, langchainrb); not checked against it."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UpstreamError
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.tools import (
    Failure,
    SearchArguments,
    SearchHit,
    ToolFailed,
    ToolOutcome,
    failure_of,
    search_result,
)
from gatewayz.sdk.wire import HttpRequest, Timeouts, split_url

__all__ = ["TavilySearch", "TavilySettings"]

ANSWER_LIMIT: Final = 4 * 1024 * 1024
_SERVICE: Final = "The search service"
_REFUSALS: Final[dict[int, tuple[Failure, str]]] = {
    400: ("validation", "does not take this search"),
    401: ("authentication", "refused the gateway's credential"),
    403: ("authentication", "refused the gateway's credential"),
    422: ("validation", "does not take this search"),
    429: ("rate_limit", "asks for fewer calls"),
    432: ("rate_limit", "says that the plan's searches are used up"),
    433: ("rate_limit", "says that the paid searches are used up"),
}


class TavilySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance."""

    base_url: str = "https://api.tavily.com"
    api_key: Secret | None = None
    """Without one the tool is listed as not available."""
    timeout_s: Annotated[float, Meta(gt=0)] = 30.0

    def __post_init__(self) -> None:
        """Raise ValueError when `base_url` is no address."""
        split_url(self.base_url)


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    results: tuple[SearchHit, ...]
    answer: str | None = None


class TavilySearch:
    """A tool that asks over HTTP."""

    description = "Search the web for current information. Returns titles, addresses and extracts of pages."
    arguments = SearchArguments

    def __init__(self, settings: TavilySettings, context: PluginContext) -> None:
        self._http = context.http
        self._key = settings.api_key
        self._origin, base = split_url(settings.base_url)
        self._target = f"{base}/search".encode()
        wait = settings.timeout_s
        self._timeouts = Timeouts(connect_s=min(5.0, wait), first_byte_s=wait, idle_s=wait, total_s=wait)

    @property
    def is_available(self) -> bool:
        """Whether there is a key."""
        return bool(self._key)

    async def run(self, arguments: SearchArguments) -> ToolOutcome:
        """Search."""
        if not self._key:
            raise ToolFailed("No search service is configured.", "configuration")
        found = await self._ask(msgspec.to_builtins(arguments), self._key)
        hits = found.results[: arguments.max_results]
        answer = found.answer if arguments.include_answer and found.answer else None
        return ToolOutcome(result=search_result(arguments.query, hits, answer), metadata={"source": "web"})

    async def _ask(self, asked: dict[str, Any], key: Secret) -> _Answer:
        request = HttpRequest(
            origin=self._origin,
            target=self._target,
            headers=(
                (b"content-type", b"application/json"),
                (b"accept", b"application/json"),
                (b"authorization", b"Bearer " + key.reveal().encode()),
            ),
            body=msgspec.json.encode(asked),
            method=b"POST",
        )
        try:
            reply = await self._http.send(request, self._timeouts)
            try:
                body = await reply.read_all(ANSWER_LIMIT)
            finally:
                reply.close()
        except UpstreamError as err:
            raise failure_of(err, _SERVICE) from err
        if reply.status != 200:
            failure, words = _REFUSALS.get(reply.status, ("api_error", f"failed with status {reply.status}"))
            raise ToolFailed(f"{_SERVICE} {words}.", failure)
        try:
            return msgspec.json.decode(body, type=_Answer)
        except msgspec.DecodeError as err:
            raise ToolFailed(f"{_SERVICE} answered with something else than results.", "api_error") from err
