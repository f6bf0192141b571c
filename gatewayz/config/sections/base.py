"""What every part of the settings is made of."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["Count", "Port", "Positive", "PositiveInt", "Section"]

Port = Annotated[int, Meta(ge=0, le=65535)]


Positive = Annotated[float, Meta(gt=0)]


PositiveInt = Annotated[int, Meta(ge=1)]


Count = Annotated[int, Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration; unknown keys are errors."""
