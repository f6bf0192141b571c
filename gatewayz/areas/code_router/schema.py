"""What the code router's pages take. Source: spec 06 §1.4."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["Context", "SettingsBody", "TryBody"]

Prompt = Annotated[str, Meta(min_length=1, max_length=200_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Word = Annotated[str, Meta(min_length=1, max_length=256)]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a task; what is not said is read from the prompt."""

    file_count: Count | None = None
    has_error_trace: bool | None = None
    conversation_length: Count | None = None

    def hints(self) -> dict[str, int]:
        """Return what is said."""
        return {name: int(value) for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


class TryBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /code-router/test`."""

    prompt: Prompt
    mode: Word = "auto"
    context: Context = Context()


class SettingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /code-router/settings/validate`."""

    use_code_router: bool = True
    optimization_mode: str = "balanced"
    manual_model: str | None = None
