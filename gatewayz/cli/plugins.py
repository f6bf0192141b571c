"""`gatewayz plugins`: which are let in, what they offer, and how each instance fares."""

import asyncio
import time
from typing import Annotated

import msgspec
import typer

from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption, load_or_exit
from gatewayz.cli.printing import print_json, print_table
from gatewayz.config.load import Loaded
from gatewayz.loader.code import Code, load_code
from gatewayz.loader.discovery import Plugin, builtins, third_parties
from gatewayz.loader.lifecycle import decode_entries
from gatewayz.loader.quality import Quality, judge

__all__ = ["app"]

app = typer.Typer()


class PluginLine(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that was let in."""

    name: str
    version: str
    api: str
    origin: str
    import_ms: float
    hooks: tuple[str, ...]
    offers: tuple[str, ...]
    summary: str
    quality: Quality


class InstanceLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the configuration."""

    section: str
    name: str
    use: str
    state: str
    """on or off."""
    reason: str


@app.command("plugins")
def plugins(
    config: ConfigOption = None,
    env: EnvOption = None,
    instances: Annotated[bool, typer.Option(help="Also list the configured instances")] = True,
    check: Annotated[bool, typer.Option("--check", help="Hold plugins to the quality ladder instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List plugins and instances. Plugins that the configuration does not name are listed without importing them.

    With --check: which rung of the quality ladder each reaches, and what the next one asks for. Exits with 1
    when a plugin claims more than it reaches.
    """
    loaded = load_or_exit(config, env)
    started = time.perf_counter()
    code = asyncio.run(load_code(loaded))
    took_ms = (time.perf_counter() - started) * 1000.0
    lines = [_plugin(plugin, code) for plugin in code.plugins]
    if check:
        _show_quality(lines, as_json)
        raise typer.Exit(0 if all(line.quality.is_honest for line in lines) else 1)
    entries = _instances(loaded, code) if instances else []
    known = {**builtins(), **third_parties()}
    outside = sorted(known.keys() - {plugin.name for plugin in code.plugins})
    if as_json:
        print_json({"plugins": lines, "not_let_in": outside, "instances": entries, "load_ms": round(took_ms, 1)})
        return
    print_table(
        ("PLUGIN", "VERSION", "API", "ORIGIN", "IMPORT", "OFFERS"),
        [
            (line.name, line.version, line.api or "-", line.origin, f"{line.import_ms:.0f} ms", ", ".join(line.offers))
            for line in lines
        ],
    )
    if outside:
        typer.echo(f"\nnot let in: {', '.join(outside)}")
    if entries:
        typer.echo("")
        rows = [(f"{each.section}.{each.name}", each.use, each.state, each.reason) for each in entries]
        print_table(("INSTANCE", "USE", "STATE", "REASON"), rows)


def _show_quality(lines: list[PluginLine], as_json: bool) -> None:
    if as_json:
        print_json({line.name: line.quality for line in lines})
        return
    print_table(
        ("PLUGIN", "CLAIMS", "REACHES", "THE NEXT RUNG ASKS FOR"),
        [
            (line.name, line.quality.claimed or "-", line.quality.reached or "-", "; ".join(line.quality.missing))
            for line in lines
        ],
    )


def _plugin(plugin: Plugin, code: Code) -> PluginLine:
    manifest = plugin.manifest
    hooks = code.hooks.implemented_by(plugin)
    offers = code.registry.implementations(plugin.name)
    return PluginLine(
        name=plugin.name,
        version=plugin.source.version,
        api=plugin.api,
        origin=plugin.source.origin,
        import_ms=round(plugin.import_ms, 1),
        hooks=hooks,
        offers=tuple(f"{found.section}.{found.name}" for found in offers),
        summary=manifest.summary if manifest is not None else "",
        quality=judge(plugin, hooks, offers),
    )


def _instances(loaded: Loaded, code: Code) -> list[InstanceLine]:
    decoded, off = decode_entries(loaded, code.registry)
    lines = [
        InstanceLine(
            section=entry.section,
            name=entry.name,
            use=entry.entry.use,
            state="off" if entry.off_reason else "on",
            reason=entry.off_reason,
        )
        for entry in decoded
    ]
    lines += [
        InstanceLine(section=each.section, name=each.name, use=each.use, state="off", reason=each.reason)
        for each in off
    ]
    return sorted(lines, key=lambda each: (each.section, each.state != "on", each.name))
