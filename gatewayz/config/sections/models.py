"""Models, their offers and prices."""

from typing import Annotated, ClassVar

from msgspec import Meta

from gatewayz.config.sections.base import PositiveInt, Section

__all__ = ["ImageRateEntry", "ModelEntry", "OfferEntry", "PriceEntry", "PriceTierEntry", "Rate"]

Rate = Annotated[str | int | float, Meta(description="US dollars as a decimal number")]


class PriceTierEntry(Section, frozen=True, kw_only=True):
    """Other rates for prompts above a length; US dollars per million tokens."""

    above_tokens: PositiveInt
    input: Rate
    output: Rate
    cache_read: Rate | None = None
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None


class ImageRateEntry(Section, frozen=True, kw_only=True):
    """What one picture of a size and a quality costs: in US dollars, or in tokens at the rate of `output`."""

    size: str | None = None
    """`WIDTHxHEIGHT`; any when absent."""
    quality: str | None = None
    """Any when absent."""
    price: Rate | None = None
    tokens: PositiveInt | None = None

    def __post_init__(self) -> None:
        """Refuse a rate that says nothing, or two things. Raises ValueError."""
        if (self.price is None) == (self.tokens is None):
            raise ValueError("an image rate has either a price or tokens")


class PriceEntry(Section, frozen=True, kw_only=True):
    """A price as written by people: token rates in US dollars per million tokens, others in US dollars each.

    Token rates belong together; only a price by picture, second or character can do without them.
    """

    DEPENDENT_REQUIRED: ClassVar = {"input": ("output",), "output": ("input",)}
    """In the words of JSON Schema, so that it is told with all other errors of a file."""

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None
    reasoning: Rate | None = None
    audio_input: Rate | None = None
    audio_output: Rate | None = None
    request: Rate = "0"
    image: Rate | None = None
    """Per picture of 1024x1024; smaller ones cost less, larger ones more."""
    images: tuple[ImageRateEntry, ...] = ()
    """Per picture, by size and quality."""
    second: Rate | None = None
    """Per second of sound."""
    character: Rate | None = None
    """Per million characters."""
    tiers: tuple[PriceTierEntry, ...] = ()
    source: str = "operator"
    date: str = ""

    def __post_init__(self) -> None:
        """Refuse a price that would leave something free by mistake. Raises ValueError."""
        has_media = self.images or any(rate is not None for rate in (self.image, self.second, self.character))
        if (self.input is None) != (self.output is None) or (self.input is None and not has_media):
            raise ValueError("a price has `input` and `output`, or is by `image`, `images`, `second` or `character`")


class OfferEntry(Section, frozen=True, kw_only=True):
    """A model at one provider instance."""

    enabled: bool = True
    """False: never called, whatever else is known of it."""
    id: str | None = None
    """The provider's own id; the canonical id, translated by the provider's rule, when absent."""
    price: PriceEntry | None = None
    """The model's own price when absent, then the one that is known."""
    context_length: PositiveInt | None = None
    max_output_tokens: PositiveInt | None = None
    features: tuple[str, ...] | None = None


class ModelEntry(Section, frozen=True, kw_only=True):
    """A model under its canonical id (`vendor/name`): all of it, or what differs from the shipped catalog."""

    enabled: bool = True
    """False: not in the catalog, whatever else is known of it."""
    name: str | None = None
    description: str | None = None
    context_length: PositiveInt | None = None
    max_output_tokens: PositiveInt | None = None
    features: tuple[str, ...] = ()
    """tools, vision, audio_input, documents, json_mode, json_schema, reasoning, logprobs."""
    modality: str | None = None
    """`text->text` when nothing else is known."""
    created: str | None = None
    """ISO date of release."""
    price: PriceEntry | None = None
    offers: dict[str, OfferEntry] = {}
    """Provider instance to offer; instances that are not configured are passed over."""
    default_output_tokens: PositiveInt | None = None
    """Estimate of an answer's length when the call sets no limit."""
