"""Models, offers and prices as values.

A *model* has a canonical id (`vendor/name`). An *offer* is that model at one provider instance,
under the provider's own id and at a price. Prices: see `Price`.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from gatewayz.sdk.money import TOKENS_PER_PRICE_UNIT, Nano
from gatewayz.sdk.usage import Usage

__all__ = ["Cost", "Feature", "ImageRate", "ModelListing", "Offer", "Price", "PriceTier", "size_percent"]

Feature = Literal["tools", "vision", "audio_input", "documents", "json_mode", "json_schema", "reasoning", "logprobs"]
"""What a call can need of a model; a name that is absent from an offer's features is not known to work."""


_MILLISECONDS: Final = 1_000
_SIZE_PERCENTS: Final = (
    (256 * 256, 50),
    (512 * 512, 75),
    (1024 * 1024, 100),
    (1024 * 1792, 150),
    (2048 * 2048, 200),
)
"""Most pixels of a picture to what it costs of a rate without sizes. Source: spec 08 §1."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars of one call; `total` is `input + output + other`."""

    input: Nano
    output: Nano
    other: Nano = Nano(0)

    @property
    def total(self) -> Nano:
        """What the call costs."""
        return Nano(self.input + self.output + self.other)


class PriceTier(msgspec.Struct, frozen=True, kw_only=True):
    """Other token rates for prompts longer than `above_tokens`; nano-dollars per million tokens."""

    above_tokens: int
    input: int
    output: int
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None


class ImageRate(msgspec.Struct, frozen=True, kw_only=True):
    """What one picture of a size and a quality costs; None is any."""

    price: int
    """Nano-dollars."""
    size: str | None = None
    quality: str | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer costs: token rates in nano-dollars per million tokens, others in nano-dollars.

    A rate that is None is not known separately: cache, reasoning and audio tokens then cost what
    plain input or output tokens cost. Pictures, sound and read-out text of a price that has token
    rates too are estimates of the same tokens, charged only where the provider counted none; pictures
    where it counted none that were written, as the tokens of a prompt do not pay for them.
    """

    input: int
    output: int
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    request: int = 0
    """Per call."""
    image: int | None = None
    """Per generated image of a size that `images` does not name, times `size_percent`."""
    images: tuple[ImageRate, ...] = ()
    """Per generated image, by size and quality."""
    second: int | None = None
    """Per second of audio."""
    character: int | None = None
    """Per million characters of speech input."""
    tiers: tuple[PriceTier, ...] = ()
    """Sorted by `above_tokens`, rising."""
    source: str = ""
    """Where the figures come from: a page, a price list, `operator`."""
    date: str = ""
    """ISO date the source was read."""

    @property
    def is_free(self) -> bool:
        """True when no rate is above zero."""
        return not any((self.input, self.output, self.request, self.reasoning)) and not self._has_media_rate

    @property
    def is_media_only(self) -> bool:
        """True where nothing but pictures, sound or read-out text is priced: a conversation would cost nothing."""
        return not (self.input or self.output) and self._has_media_rate

    @property
    def _has_media_rate(self) -> bool:
        return bool(self.image or self.images or self.second or self.character)

    def covers(self, usage: Usage) -> bool:
        """Tell whether every medium in a usage has a rate."""
        return not (
            (usage.images and self.image_rate(usage) is None)
            or (usage.audio_ms and self.second is None)
            or (usage.characters and self.character is None)
        )

    def image_rate(self, usage: Usage) -> int | None:
        """Return the nano-dollars of each picture of a usage: its own rate, else by size, else the dearest there is."""
        size, quality = usage.image_size, usage.image_quality
        fitting = [rate.price for rate in self.images if rate.size in (None, size) and rate.quality in (None, quality)]
        if fitting:
            return fitting[0]
        if self.image is not None:
            return (self.image * size_percent(size) + 99) // 100
        of_size = [rate.price for rate in self.images if rate.size in (None, size)]
        return max(of_size or [rate.price for rate in self.images], default=None)

    def cost(self, usage: Usage) -> Cost:
        """Return the exact cost of a usage, each side rounded half up to a whole nano-dollar once."""
        rates: Price | PriceTier = self
        for tier in self.tiers:
            if usage.prompt_tokens > tier.above_tokens:
                rates = tier
        plain_in, plain_out = rates.input, rates.output
        read = plain_in if rates.cache_read is None else rates.cache_read
        write_5m = plain_in if rates.cache_write_5m is None else rates.cache_write_5m
        write_1h = write_5m if rates.cache_write_1h is None else rates.cache_write_1h
        audio_in = plain_in if self.audio_input is None else self.audio_input
        audio_out = plain_out if self.audio_output is None else self.audio_output
        reasoning = plain_out if self.reasoning is None else self.reasoning
        spent_in = (
            usage.input_tokens * plain_in
            + usage.cache_read_tokens * read
            + usage.cache_write_5m_tokens * write_5m
            + usage.cache_write_1h_tokens * write_1h
            + usage.audio_input_tokens * audio_in
        )
        spent_out = (
            usage.output_tokens * plain_out + usage.reasoning_tokens * reasoning + usage.audio_output_tokens * audio_out
        )
        return Cost(
            input=_per_unit(spent_in),
            output=_per_unit(spent_out),
            other=Nano(self.request + (self._media_cost(usage) if usage.has_media else 0)),
        )

    def _media_cost(self, usage: Usage) -> int:
        counted = usage.completion_tokens if usage.images else usage.total_tokens
        if counted and (self.input or self.output):
            return 0
        spoken = _per_unit(usage.characters * (self.character or 0))
        heard = (usage.audio_ms * (self.second or 0) + _MILLISECONDS // 2) // _MILLISECONDS
        return usage.images * (self.image_rate(usage) or 0) + spoken + heard


def size_percent(size: str) -> int:
    """Return what a picture of a size costs in percent of one of 1024x1024; 100 for a size that is not in pixels."""
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        return 100
    pixels = int(width) * int(height)
    return next((percent for most, percent in _SIZE_PERCENTS if pixels <= most), _SIZE_PERCENTS[-1][1])


def _per_unit(amount: int) -> Nano:
    return Nano((amount + TOKENS_PER_PRICE_UNIT // 2) // TOKENS_PER_PRICE_UNIT)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One model at one provider instance with one of its credentials."""

    model: str
    """Canonical id."""
    provider: str
    """Instance name in the configuration."""
    upstream_model: str
    """The provider's id of the model."""
    credential: str = "default"
    price: Price | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    features: frozenset[Feature] = frozenset()

    @property
    def circuit(self) -> tuple[str, str, str]:
        """What breakers and cooldowns are kept for."""
        return (self.provider, self.model, self.credential)


class ModelListing(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a provider's own model list; None is unknown."""

    id: str
    name: str | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    created: int | None = None
    price: Price | None = None
    features: frozenset[Feature] | None = None
    extra: Mapping[str, object] | None = None
