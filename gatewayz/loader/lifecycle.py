"""register -> decode -> build -> provision -> validate -> serve -> close.

A configuration that cannot be understood is refused whole. An instance that cannot be built or
provisioned is reported as unavailable while the others serve, unless nothing can be served without it:
billing and the default router.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gatewayz.config.decode import decode_struct
from gatewayz.config.load import Loaded
from gatewayz.config.problems import ConfigurationInvalid, KeyPath, Problem
from gatewayz.config.schema import entry_type
from gatewayz.config.sections.guardrails import GuardrailEntry
from gatewayz.config.sections.plugins import NOTHING, PluginEntry
from gatewayz.loader.code import DEADLINES, Code, Deadlines, load_code
from gatewayz.loader.contain import describe, run_contained
from gatewayz.loader.discovery import builtins
from gatewayz.loader.fence import FencedBilling, FencedHealthCheck, FencedIdentity, FencedProvider, FencedRouter
from gatewayz.loader.guardrail_fence import FencedGuardrail
from gatewayz.loader.hub_fence import FencedHub
from gatewayz.loader.instances import Instances, InstanceState, Opened, close
from gatewayz.loader.mail_fence import FencedMail
from gatewayz.loader.observers import Observers
from gatewayz.loader.payments_fence import FencedPayments
from gatewayz.loader.pool_fence import FencedPoolRouter
from gatewayz.loader.registry import SECTIONS, Implementation, Registry
from gatewayz.loader.tool_fence import FencedTool
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, GatewayzError
from gatewayz.sdk.health import Targets
from gatewayz.sdk.interfaces import Capabilities, PoolRouter, Provisionable, WireProvider
from gatewayz.sdk.ledger import AccountLedger
from gatewayz.sdk.wire import HttpClient

__all__ = [
    "Code",
    "ContextOf",
    "Deadlines",
    "Decoded",
    "contexts",
    "decode_entries",
    "open_instances",
]

ContextOf = Callable[[str, str], PluginContext]
"""Section and instance name to what that instance is given."""

RESERVED_NAMES: Final = frozenset({"all", "quick", "search", "summary", "stats", "test"})
"""Words that endpoints use where an instance name may stand."""

_LOGGER = logging.getLogger("gatewayz.plugins")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_METHODS: Final = {
    "providers": ("complete", "stream", "list_models", "aclose"),
    "routers": ("rank",),
    "billing": ("authorize", "extend", "capture", "void", "balance", "aclose"),
    "payments": (
        "create_checkout",
        "find_checkout",
        "create_intent",
        "find_intent",
        "create_subscription_checkout",
        "change_subscription",
        "cancel_subscription",
        "refund",
        "verify_webhook",
        "read_event",
        "aclose",
    ),
    "identity": ("verify",),
    "hub": ("search", "details", "card", "files", "author"),
    "mail": ("send",),
    "tools": ("run",),
    "guardrails": ("check_request",),
    "health": ("probe",),
}


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """An entry whose settings were understood."""

    section: str
    name: str
    entry: PluginEntry
    implementation: Implementation
    settings: msgspec.Struct
    off_reason: str = ""
    """Why it is switched off; empty when it is on."""

    @property
    def key(self) -> tuple[str, str]:
        """Section and instance name."""
        return (self.section, self.name)


def contexts(
    http: HttpClient,
    clock: Clock,
    data_dir: Path,
    ledger: AccountLedger | None = None,
    targets: Targets | None = None,
) -> ContextOf:
    """Return contexts over one HTTP client and one clock, with a folder and a logger for each instance.

    :param ledger: for billing plugins, where a store is open.
    :param targets: for health checks, likewise.
    """

    def context(section: str, name: str) -> PluginContext:
        return PluginContext(
            instance=name,
            http=http,
            clock=clock,
            logger=logging.getLogger(f"gatewayz.plugins.{section}.{name}"),
            data_dir=data_dir / "plugins" / section / name,
            ledger=ledger if section == "billing" else None,
            targets=targets if section == "health" else None,
        )

    return context


def decode_entries(loaded: Loaded, registry: Registry) -> tuple[list[Decoded], list[InstanceState]]:
    """Decode the settings of every entry with its plugin's type; also return those whose built-in plugin is not let in.

    Raises ConfigurationInvalid with every error.
    """
    problems: list[Problem] = []
    decoded: list[Decoded] = []
    off: list[InstanceState] = []
    ours = builtins()
    for section, name, path, entry in _entries(loaded):
        if (wrong := _wrong_name(name)) and len(path) > 1:
            problems.append(loaded.problem(path, f"not a name for an instance: {wrong}"))
        implementation = registry.find(section, entry.use)
        if implementation is None:
            builtin = f"{section}.{entry.use}"
            if builtin in ours and entry.enabled is not True:
                reason = f"its plugin {builtin!r} is not let in; add it to `plugins:`"
                off.append(InstanceState(section=section, name=name, use=entry.use, state="off", reason=reason))
            else:
                hint = "" if builtin in ours else registry.suggest(section, entry.use)
                message = f"no plugin that is let in offers {entry.use!r} for {section}{hint}"
                problems.append(loaded.problem((*path, "use"), message))
            continue
        try:
            settings = decode_struct(entry.settings, implementation.settings, path=path, tree=loaded.tree)
            why_off = _off_reason(entry, settings)
        except ConfigurationInvalid as err:
            problems += err.problems
            continue
        except (Exception, SystemExit) as err:  # noqa: BLE001  `is_configured` and `__post_init__` are plugin code
            problems.append(loaded.problem(path, f"plugin {implementation.plugin!r} failed: {describe(err)}"))
            continue
        decoded.append(
            Decoded(
                section=section,
                name=name,
                entry=entry,
                implementation=implementation,
                settings=settings,
                off_reason=why_off,
            )
        )
    if problems:
        raise ConfigurationInvalid(problems)
    return decoded, off


async def open_instances(
    loaded: Loaded,
    context_of: ContextOf,
    *,
    previous: Instances | None = None,
    code: Code | None = None,
    deadlines: Deadlines = DEADLINES,
) -> Instances:
    """Build and provision every instance that is switched on.

    :param previous: instances of the configuration before; what did not change is kept, not built anew.
    Raises ConfigurationInvalid when the configuration cannot be used; nothing is left open then.
    """
    code = code or await load_code(loaded, deadlines=deadlines)
    decoded, off = decode_entries(loaded, code.registry)
    opened: dict[tuple[str, str], Opened] = {}
    reasons: dict[tuple[str, str], str] = {}

    async def open_one(entry: Decoded) -> None:
        result = await _open(entry, context_of, previous, deadlines)
        if isinstance(result, Opened):
            opened[entry.key] = result
        else:
            reasons[entry.key] = result

    try:
        await asyncio.gather(*(open_one(entry) for entry in decoded if not entry.off_reason))
        states = (*(_state(entry, reasons) for entry in decoded), *off)
        _require_vital(loaded, opened, {(state.section, state.name): state for state in states})
    except BaseException:  # cancelled or refused: either way nothing that was opened here stays open
        fresh = [(key, found) for key, found in opened.items() if not found.holders]
        await asyncio.gather(*(close(key, found.inner, deadlines.close_s) for key, found in fresh))
        raise
    observers = Observers(attempt_finished=code.hooks.attempt_finished(), request_settled=code.hooks.request_settled())
    return Instances(opened=opened, states=states, observers=observers)


def _entries(loaded: Loaded) -> Iterator[tuple[str, str, KeyPath, PluginEntry]]:
    for section in SECTIONS:
        held = getattr(loaded.settings, section)
        if entry_type(section)[1]:
            for name, entry in held.items():
                yield section, name, (section, name), entry
        elif held.use != NOTHING:
            yield section, section, (section,), held


def _off_reason(entry: PluginEntry, settings: msgspec.Struct) -> str:
    if entry.enabled is False:
        return "switched off by `enabled: false`"
    is_configured = getattr(settings, "is_configured", None)
    if entry.enabled == "auto" and is_configured is not None and not is_configured():
        return "not configured: what its settings need is empty"
    return ""


def _wrong_name(name: str) -> str:
    """Return what is wrong with an instance's name; empty when nothing is."""
    if name in RESERVED_NAMES:
        return "endpoints use this word"
    return "" if _NAME.fullmatch(name) else "lower case, digits, '-', '_', '.'"


def _state(entry: Decoded, reasons: dict[tuple[str, str], str]) -> InstanceState:
    reason = entry.off_reason or reasons.get(entry.key, "")
    state: Literal["serving", "off", "unavailable"] = "unavailable" if reason else "serving"
    if entry.off_reason:
        state = "off"
    return InstanceState(section=entry.section, name=entry.name, use=entry.entry.use, state=state, reason=reason)


def _require_vital(
    loaded: Loaded, opened: dict[tuple[str, str], Opened], states: dict[tuple[str, str], InstanceState]
) -> None:
    """Raise ConfigurationInvalid when billing, the default router of those configured, or a guardrail is not there."""
    problems: list[Problem] = []
    vital: list[tuple[str, str, KeyPath]] = [("billing", "billing", ("billing",))]
    if loaded.settings.routers:
        router = loaded.settings.default_router
        vital.append(("routers", router, ("routers", router) if ("routers", router) in states else ("default_router",)))
    vital += [(*key, key) for key, state in states.items() if key[0] == "guardrails" and state.state == "unavailable"]
    for section, name, path in vital:
        if (section, name) in opened:
            continue
        state = states.get((section, name))
        why = f"{state.state}: {state.reason}" if state is not None else f"there is no router {name!r}"
        problems.append(loaded.problem(path, f"nothing can be served without it; {why}"))
    if problems:
        raise ConfigurationInvalid(problems)


async def _open(
    entry: Decoded, context_of: ContextOf, previous: Instances | None, deadlines: Deadlines
) -> Opened | str:
    """Return the opened instance, or in words why there is none."""
    old = previous.find(*entry.key) if previous is not None else None
    if old is not None and old.implementation.build is entry.implementation.build and old.settings == entry.settings:
        return old
    inner: Any = None
    try:
        inner = await run_contained(
            lambda: entry.implementation.build(entry.settings, context_of(*entry.key)),
            deadline_s=deadlines.build_s,
            what="building",
        )
        if isinstance(inner, Provisionable):
            async with asyncio.timeout(deadlines.provision_s):
                await inner.provision()
        return Opened(
            implementation=entry.implementation, settings=entry.settings, inner=inner, fenced=_fence(entry, inner)
        )
    except asyncio.CancelledError:
        if inner is not None:
            await close(entry.key, inner, deadlines.close_s)
        raise
    except (Exception, SystemExit) as err:
        reason = _reason(err, deadlines)
        is_known = isinstance(err, GatewayzError) and err.__cause__ is None
        _LOGGER.error("%s %r is unavailable: %s", *entry.key, reason, exc_info=None if is_known else err)
        if inner is not None:
            await close(entry.key, inner, deadlines.close_s)
        return reason


def _reason(err: BaseException, deadlines: Deadlines) -> str:
    if isinstance(err, GatewayzError):
        return err.message
    if isinstance(err, TimeoutError):
        return f"provisioning took longer than {deadlines.provision_s:g} s"
    return describe(err)


def _fence(entry: Decoded, inner: Any) -> object:
    """Return the instance inside its fence. Raises ConfigurationError when it is not what its kind must be."""
    lacking = [method for method in _METHODS[entry.section] if not callable(getattr(inner, method, None))]
    if lacking:
        raise ConfigurationError(f"{entry.entry.use!r} built a {type(inner).__name__} without {', '.join(lacking)}")
    match entry.section:
        case "providers":
            capabilities = getattr(inner, "capabilities", None)
            if not isinstance(capabilities, Capabilities):
                raise ConfigurationError(f"{entry.entry.use!r} built a provider without capabilities")
            if capabilities.formats and not isinstance(inner, WireProvider):
                raise ConfigurationError(f"{entry.entry.use!r} promises formats and has no exchange()")
            return FencedProvider(entry.name, inner)
        case "routers":
            fence = FencedPoolRouter if isinstance(inner, PoolRouter) else FencedRouter
            return fence(entry.name, inner)
        case "billing":
            return FencedBilling(inner)
        case "identity":
            return FencedIdentity(entry.name, inner)
        case "payments":
            return FencedPayments(entry.name, inner)
        case "hub":
            return FencedHub(inner)
        case "mail":
            return FencedMail(inner)
        case "tools":
            return FencedTool(entry.name, inner)
        case "guardrails":
            on_error = entry.entry.on_error if isinstance(entry.entry, GuardrailEntry) else "refuse"
            return FencedGuardrail(entry.name, inner, on_error)
    return FencedHealthCheck(entry.name, inner)
