"""Settings of the code router: tiers of models, classes of tasks, modes. Source: spec 06 §1."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatewayz.sdk.errors import ConfigurationError
from gatewayz_plugins.routers.selection.facts import Benchmark, ModelFacts, unknown_figures
from gatewayz_plugins.routers.selection.learning import LearningSettings

__all__ = ["Baseline", "CodeLearningSettings", "CodeMode", "CodeModel", "CodeSettings", "TaskClass", "Tier"]

TierNumber = Annotated[int, Meta(ge=1, le=4)]
"""1 is the best."""


class CodeModel(ModelFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model of a tier."""

    swe_bench: float
    human_eval: float
    """Per cent, from the table of spec 06; `figures` has what its abilities come from."""
    strengths: tuple[str, ...] = ()
    """Classes of tasks, and further words."""


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models of about one strength."""

    name: str
    description: str = ""
    price_range: str
    """For people; some models are outside it."""
    models: tuple[CodeModel, ...]


class TaskClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of task. Each whole-word hit of a keyword counts `1 + length/50`."""

    complexity: str
    weight: float
    default_tier: TierNumber
    minimum_tier: TierNumber
    """No worse (higher) tier than this one."""
    keywords: tuple[str, ...]


class CodeMode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to choose."""

    label: str
    description: str = ""
    tier: Literal["default", "better", "best"] = "default"
    """The class's own tier, the one above it, or the first."""
    price_weight: float = 0.0
    """Taken off a model's points for each dollar of (2 in + out) / 3."""
    benchmark_weight: float = 0.0
    """Points for each per cent of SWE-bench."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model that savings are told against; US dollars per million tokens."""

    price_input: float
    price_output: float


class CodeLearningSettings(LearningSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much outcomes count, and for how many points."""

    points: Annotated[float, Meta(ge=0)] = 20.0
    """Given for an ability that outcomes show to be 1 rather than 0; a tenth of it offsets a strength."""


class CodeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See config/routers.yaml, which has the values with their sources."""

    tiers: dict[Literal["1", "2", "3", "4"], Tier]
    fallback_model: str
    """Of the pool; taken when no tier has a model that can be used."""
    task_classes: dict[str, TaskClass]
    default_class: str
    """Of prompts without a keyword."""
    modes: dict[str, CodeMode]
    """The first is the default."""
    names: dict[str, str] = {}
    """Further names of the router to modes."""
    manual_model: str
    """Suggested on settings pages."""
    baselines: dict[str, Baseline] = {}
    benchmarks: dict[str, Benchmark]
    unknown_ability: Annotated[float, Meta(ge=0, le=1)] = 0.15
    learning: CodeLearningSettings = CodeLearningSettings()
    """Whether outcomes of answers change a model's points, inside its tier."""

    def __post_init__(self) -> None:
        """Raises ConfigurationError for names that lead nowhere."""
        if not self.modes:
            raise ConfigurationError("modes: there must be at least one")
        if self.default_class not in self.task_classes:
            raise ConfigurationError(f"default_class: no such class: {self.default_class!r}")
        if self.fallback_model not in {model.id for _, model in self.all_models()}:
            raise ConfigurationError(f"fallback_model: in no tier: {self.fallback_model!r}")
        if unknown := unknown_figures((model for _, model in self.all_models()), self.benchmarks):
            raise ConfigurationError(f"tiers: figures of no known benchmark: {', '.join(unknown)}")
        if strange := sorted(set(self.names.values()) - self.modes.keys()):
            raise ConfigurationError(f"names: no such mode: {', '.join(strange)}")

    def all_models(self) -> Iterator[tuple[int, CodeModel]]:
        """Yield every model with its tier, in the order of the data."""
        for number, tier in sorted(self.tiers.items()):
            for model in tier.models:
                yield int(number), model
