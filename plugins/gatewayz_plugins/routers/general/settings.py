"""Settings of the general router: its pool, its modes, and the figures it goes by."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.sdk.errors import ConfigurationError
from gatewayz_plugins.routers.selection.candidates import Latencies
from gatewayz_plugins.routers.selection.choice import Objective
from gatewayz_plugins.routers.selection.facts import Benchmark, ModelFacts, unknown_figures
from gatewayz_plugins.routers.selection.learning import LearningSettings

__all__ = ["GeneralMode", "GeneralModel", "GeneralSettings"]

Share = Annotated[float, Meta(ge=0, le=1)]


class GeneralModel(ModelFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model of the pool."""

    selector_name: str
    """What selection services call it."""


class GeneralMode(Objective, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to choose."""

    label: str
    description: str = ""
    chain: tuple[str, ...] = ()
    """Models in the order to try when nothing can be decided (spec 06 §2)."""


class GeneralSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See config/routers.yaml, which has the values with their sources."""

    models: tuple[GeneralModel, ...]
    modes: dict[str, GeneralMode]
    """The first is the default."""
    names: dict[str, str] = {}
    """Further names of the router to modes: `router:small`."""
    benchmarks: dict[str, Benchmark]
    unknown_ability: Share = 0.15
    """Of models without figures."""
    slack: Share = 0.05
    """How much more quality a conversation may give up to keep its model."""
    latency: Latencies = Latencies()
    score_prompts: bool = True
    """False: every mode goes along its chain."""
    learning: LearningSettings = LearningSettings()
    """Whether outcomes of answers change what models are taken to be able to."""

    def __post_init__(self) -> None:
        """Raises ConfigurationError for names that lead nowhere."""
        if not self.modes:
            raise ConfigurationError("modes: there must be at least one")
        if unknown := unknown_figures(self.models, self.benchmarks):
            raise ConfigurationError(f"models: figures of no known benchmark: {', '.join(unknown)}")
        if strange := sorted(set(self.names.values()) - self.modes.keys()):
            raise ConfigurationError(f"names: no such mode: {', '.join(strange)}")

    @property
    def by_model(self) -> Mapping[str, GeneralModel]:
        """The pool by canonical id."""
        return {model.model: model for model in self.models}
