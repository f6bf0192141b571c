"""Requests to an upstream that speaks OpenAI's chat format and wants them signed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.http_provider import HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.money import nano_from_usd
from gatewayz.sdk.offers import ModelListing, Price
from gatewayz.sdk.wire import OPENAI_CHAT, CallContext, Format, HttpRequest, split_url
from gatewayz_example_provider.settings import SignedSettings
from gatewayz_example_provider.signing import signature

__all__ = ["SignedProvider"]

ERRORS: Final = (ErrorRule(error="auth_failed", status=402, code="account_empty"),)
"""Beside what statuses say: an empty account is the operator's trouble, never the caller's."""


class ListedModel(msgspec.Struct):
    """One line of the upstream's model list; prices are dollars per million tokens, as text."""

    id: str
    context: int | None = None
    input_usd: Decimal | None = None
    output_usd: Decimal | None = None


class ModelList(msgspec.Struct):
    """The upstream's answer at `/models`."""

    data: list[ListedModel]


_LIST: Final = msgspec.json.Decoder(ModelList)


class SignedProvider(HttpProvider):
    """The base class streams, reads errors and usage, and lets go of connections."""

    def __init__(self, settings: SignedSettings, context: PluginContext) -> None:
        super().__init__(
            context.http,
            Capabilities(formats=frozenset({OPENAI_CHAT})),
            {OPENAI_CHAT: OPENAI_CHAT_DIALECT},
            rules=ERRORS,
            secrets=(settings.api_key, settings.signing_secret),
        )
        self._origin, self._base = split_url(settings.base_url)
        self._key = f"Bearer {settings.api_key.reveal()}".encode()
        self._secret = settings.signing_secret.reveal().encode()
        self._clock = context.clock

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the signed request for a body in `format`."""
        return self._signed(b"POST", "/chat/completions", body)

    async def list_models(self) -> Sequence[ModelListing]:
        """Return the upstream's own list with its prices. Raises UpstreamError."""
        listed = await self.get_json(self._signed(b"GET", "/models", b""), _LIST)
        return [
            ModelListing(id=model.id, context_length=model.context, price=self._price(model)) for model in listed.data
        ]

    def _price(self, model: ListedModel) -> Price | None:
        """Return both rates, or None: half a price is none."""
        if model.input_usd is None or model.output_usd is None:
            return None
        return Price(
            input=nano_from_usd(model.input_usd), output=nano_from_usd(model.output_usd), source="provider's list"
        )

    def _signed(self, method: bytes, path: str, body: bytes) -> HttpRequest:
        second = int(self._clock.now().timestamp())
        headers = (
            (b"content-type", b"application/json"),
            (b"authorization", self._key),
            (b"x-signed-at", b"%d" % second),
            (b"x-signature", signature(self._secret, second, body)),
        )
        return HttpRequest(
            method=method, origin=self._origin, target=(self._base + path).encode(), headers=headers, body=body
        )
