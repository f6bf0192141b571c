"""The quality ladder: rungs that a plugin climbs, each a list of rules that code can decide.

A rule looks at what is installed and registered and runs nothing of the plugin's. What only running can show is
the contract suite's to say, which a plugin's own tests run. See docs/decisions/0201-quality-is-checked.md.
"""

import re
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any, Final

import msgspec

from gatewayz.loader.discovery import Plugin
from gatewayz.loader.manifest import is_in_range
from gatewayz.loader.registry import Implementation
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.hookspecs import GATEWAYZ_API
from gatewayz.sdk.secret import Secret

__all__ = ["RUNGS", "Quality", "judge"]

_SECTION_OF_KIND: Final = {
    "provider": "providers",
    "router": "routers",
    "billing": "billing",
    "payments": "payments",
    "identity": "identity",
    "hub": "hub",
    "mail": "mail",
    "tool": "tools",
    "guardrail": "guardrails",
    "health": "health",
}
_SECRET_NAME: Final = re.compile(r"(^|_)(secret|password|token|api_key|private_key)$")


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """What rules look at."""

    plugin: Plugin
    hooks: tuple[str, ...]
    offers: tuple[Implementation, ...]

    def settings_fields(self) -> list[tuple[str, str, Any]]:
        """Return implementation, field and type of every setting."""
        return [
            (offer.name, field.encode_name, field.type)
            for offer in self.offers
            for field in msgspec.structs.fields(offer.settings)
        ]


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How far a plugin came."""

    claimed: str
    """The rung its manifest says; empty where it says none."""
    reached: str
    """Empty: not even the first."""
    missing: tuple[str, ...]
    """What the next rung asks for, in words; empty at the top."""

    @property
    def is_honest(self) -> bool:
        """True unless more is claimed than was reached."""
        return _height(self.claimed) <= _height(self.reached)


def judge(plugin: Plugin, hooks: Sequence[str], offers: Sequence[Implementation]) -> Quality:
    """Return how far a plugin climbs. Raises ConfigurationInvalid for a manifest that cannot be read."""
    look = _Look(plugin=plugin, hooks=tuple(hooks), offers=tuple(offers))
    manifest = plugin.manifest
    claimed = manifest.quality if manifest is not None else ""
    reached = ""
    for rung, rules in RUNGS.items():
        missing = tuple(fault for rule in rules if (fault := rule(look)))
        if missing:
            return Quality(claimed=claimed, reached=reached, missing=missing)
        reached = rung
    return Quality(claimed=claimed, reached=reached, missing=())


def _height(rung: str) -> int:
    """Return how high a rung is: 0 for none, above the top for one that does not exist."""
    if not rung:
        return 0
    return list(RUNGS).index(rung) + 1 if rung in RUNGS else len(RUNGS) + 1


def _has_manifest(look: _Look) -> str:
    return "" if look.plugin.manifest is not None else "a plugin.yaml beside the module"


def _takes_this_interface_and_not_the_next(look: _Look) -> str:
    said = look.plugin.api
    major = int(GATEWAYZ_API.partition(".")[0])
    try:
        is_bounded = bool(said) and is_in_range(GATEWAYZ_API, said) and not is_in_range(f"{major + 1}.0", said)
    except ConfigurationError as err:
        return err.message
    return (
        ""
        if is_bounded
        else f'a range of versions that ends before the next major one: api: ">={major}.0,<{major + 1}"'
    )


def _does_something(look: _Look) -> str:
    return "" if look.hooks else "an implementation of a hook"


def _is_owned_and_documented(look: _Look) -> str:
    manifest = look.plugin.manifest
    lacking = [key for key in ("summary", "owner", "docs") if not getattr(manifest, key, "")]
    return f"in plugin.yaml: {', '.join(lacking)}" if lacking else ""


def _refuses_unknown_settings(look: _Look) -> str:
    loose = [offer.name for offer in look.offers if not offer.settings.__struct_config__.forbid_unknown_fields]
    return f"forbid_unknown_fields in the settings of {', '.join(loose)}" if loose else ""


def _keeps_secrets_as_secrets(look: _Look) -> str:
    bare = [
        f"{name}.{field}"
        for name, field, kind in look.settings_fields()
        if _SECRET_NAME.search(field) and _is_text(kind)
    ]
    return f"the type Secret for {', '.join(bare)}" if bare else ""


def _is_text(kind: Any) -> bool:
    return kind is str or str in getattr(kind, "__args__", ())


def _offers_what_it_says(look: _Look) -> str:
    manifest = look.plugin.manifest
    if manifest is None or not look.offers:
        return ""
    section = _SECTION_OF_KIND.get(manifest.kind)
    is_there = any(offer.section == section and offer.name == manifest.name for offer in look.offers)
    return (
        ""
        if is_there
        else f"an implementation called {manifest.name!r} of the kind {manifest.kind!r}, as plugin.yaml says"
    )


def _knows_when_it_is_configured(look: _Look) -> str:
    unsure = [
        offer.name
        for offer in look.offers
        if offer.section == "providers"
        and any(_is_secret(field.type) for field in msgspec.structs.fields(offer.settings))
        and not callable(getattr(offer.settings, "is_configured", None))
    ]
    return f"is_configured() in the settings of {', '.join(unsure)}" if unsure else ""


def _is_secret(kind: Any) -> bool:
    return kind is Secret or Secret in getattr(kind, "__args__", ())


def _names_what_it_can(look: _Look) -> str:
    manifest = look.plugin.manifest
    if manifest is None or manifest.kind != "provider":
        return ""
    return "" if manifest.capabilities else "capabilities in plugin.yaml"


def _is_described(look: _Look) -> str:
    things: list[tuple[str, object]] = [(look.plugin.source.module, look.plugin.module)]
    for offer in look.offers:
        things += [(offer.settings.__name__, offer.settings), (f"what builds {offer.name}", offer.build)]
    bare = [name for name, thing in things if not (getattr(thing, "__doc__", None) or "").strip()]
    return f"a docstring for {', '.join(bare)}" if bare else ""


def _is_typed(look: _Look) -> str:
    file = look.plugin.module.__file__
    above = Path(file).parents[:3] if file is not None else ()
    return (
        "" if any((folder / "py.typed").is_file() for folder in above) else "a py.typed: the types are there for others"
    )


def _is_a_whole_distribution(look: _Look) -> str:
    if look.plugin.source.is_builtin:
        return ""
    try:
        said = metadata(look.plugin.source.origin).json
        needs = requires(look.plugin.source.origin) or []
    except PackageNotFoundError:
        return "a distribution of its own"
    lacking = [] if said.get("license_expression") or said.get("license") else ["a licence"]
    if not said.get("description"):
        lacking.append("a readme")
    if not any(re.match(r"gatewayz\b(?!-)", need) for need in needs):
        lacking.append("gatewayz among its dependencies")
    return f"in pyproject.toml: {', '.join(lacking)}" if lacking else ""


RUNGS: Final[dict[str, tuple[Callable[[_Look], str], ...]]] = {
    "bronze": (_has_manifest, _takes_this_interface_and_not_the_next, _does_something),
    "silver": (_is_owned_and_documented, _refuses_unknown_settings, _keeps_secrets_as_secrets),
    "gold": (_offers_what_it_says, _knows_when_it_is_configured, _names_what_it_can),
    "platinum": (_is_described, _is_typed, _is_a_whole_distribution),
}
"""Rung to its rules, lowest first; a rule returns what is missing, in words, or nothing."""
