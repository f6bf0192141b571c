"""The trained weights as a file: numbers only, no piece of a prompt."""

from importlib.resources import files
from typing import Final

import msgspec

__all__ = ["DOMAINS", "Linear", "Logistic", "Weights", "packaged_weights", "read_weights"]

DOMAINS: Final = ("code", "math", "knowledge", "reasoning", "writing", "chat")
"""What a prompt may be about."""


class Linear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sum over the features made by hand."""

    bias: float
    features: tuple[float, ...]
    """A weight for each feature, in the order of `features.NAMES`."""


class Logistic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A probability from a sum: 1 / (1 + exp(-(slope * sum + bias)))."""

    slope: float
    bias: float


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What training made."""

    data: dict[str, str]
    """SHA-256 of each file it was trained from, by the file's name."""
    names: tuple[str, ...]
    """The features it was trained for."""
    domains: dict[str, Linear]
    ngrams_scale: float
    ngrams: bytes
    """For each bucket and each of DOMAINS a signed byte: what a token there says for the domain, times ngrams_scale."""
    need_choices: Linear
    """Raw need of questions with choices to pick from."""
    need_open: Linear
    """Raw need of all other prompts, without their domain."""
    need_domains: dict[str, float]
    """What a domain adds to the raw need of an open prompt."""
    calibration: Logistic
    """Raw need → need."""


def read_weights(content: bytes) -> Weights:
    """Return the weights of a file's content. Raises msgspec.ValidationError."""
    return msgspec.json.decode(content, type=Weights)


def packaged_weights() -> Weights:
    """Return the weights that come with the package."""
    return read_weights(files("gatewayz_plugins.routers.prompt_score").joinpath("weights.json").read_bytes())
