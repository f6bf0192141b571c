"""`gatewayz check`: everything that can be known to be wrong without calling anybody."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption, config_path
from gatewayz.cli.printing import print_json, print_problems, problem_as_data
from gatewayz.config.env import environment
from gatewayz.config.load import Loaded, load
from gatewayz.config.problems import ConfigurationInvalid, Problem
from gatewayz.config.references import check_references
from gatewayz.domain.catalog.build import Skipped, build_catalog
from gatewayz.domain.catalog.known import NOTHING_KNOWN, LeftOut, Snapshot
from gatewayz.domain.catalog_sync.source import find_snapshot
from gatewayz.loader.code import load_code
from gatewayz.loader.lifecycle import decode_entries
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.interfaces import Capabilities

__all__ = ["Findings", "app", "find_problems"]

app = typer.Typer()


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a configuration came to."""

    problems: tuple[Problem, ...]
    on: tuple[str, ...] = ()
    """Instances that are switched on, as `section.name`."""
    models: int = 0
    """Models that are configured."""
    served: int = 0
    """Models that the providers that are on would serve."""
    left_out: Mapping[str, tuple[LeftOut, ...]] = {}
    """Of the shipped catalog: provider that is on to its models without an offer."""

    @property
    def is_ok(self) -> bool:
        """True without errors; warnings do not count."""
        return all(problem.severity != "error" for problem in self.problems)


@app.command("check")
def check(
    config: ConfigOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="List every model that was left out.")] = False,
) -> None:
    """Check the configuration: schema, references, prices, variables, plugins. Exits with 1 on errors."""
    findings = find_problems(config_path(config), env)
    if as_json:
        print_json(
            {
                "ok": findings.is_ok,
                "problems": [problem_as_data(problem) for problem in findings.problems],
                "instances": findings.on,
                "models": {"configured": findings.models, "served": findings.served},
                "left_out": findings.left_out,
            }
        )
    else:
        print_problems(findings.problems)
        if findings.is_ok:
            providers = sum(name.startswith("providers.") for name in findings.on)
            typer.echo(f"ok: {providers} providers on, {findings.served} of {findings.models} models served")
        for line in _left_out_lines(findings.left_out, verbose):
            typer.echo(line)
    raise typer.Exit(0 if findings.is_ok else 1)


def find_problems(path: Path, env: str | None) -> Findings:
    """Return everything that is wrong or doubtful."""
    try:
        loaded = load(path, overlay=env, environ=environment())
    except ConfigurationInvalid as err:
        return Findings(problems=err.problems)
    snapshot, problems = _snapshot(loaded)
    shipped = {} if snapshot is None else snapshot.models
    problems += [*loaded.warnings, *check_references(loaded, shipped)]
    on: list[str] = []
    try:
        code = asyncio.run(load_code(loaded))
        decoded, _ = decode_entries(loaded, code.registry)
        on = [f"{entry.section}.{entry.name}" for entry in decoded if not entry.off_reason]
        problems += _vital(loaded, on)
    except ConfigurationInvalid as err:
        problems += err.problems
    providers = [name.removeprefix("providers.") for name in on if name.startswith("providers.")]
    served = _check_catalog(loaded, snapshot, providers, problems)
    return Findings(
        problems=tuple(problems),
        on=tuple(on),
        models=len({**loaded.settings.models, **shipped}),
        served=served,
        left_out={} if snapshot is None else snapshot.left_out_of(providers),
    )


def _snapshot(loaded: Loaded) -> tuple[Snapshot | None, list[Problem]]:
    try:
        return find_snapshot(loaded.settings, loaded.config_dir), []
    except ConfigurationError as err:
        return None, [Problem(message=err.message)]


def _left_out_lines(left_out: Mapping[str, tuple[LeftOut, ...]], verbose: bool) -> Iterator[str]:
    """Yield how many models were left out, by provider and reason; with `verbose` each of them."""
    for provider, models in sorted(left_out.items()):
        reasons = Counter(each.reason for each in models)
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        yield f"left out at {provider}: {told}" + ("" if verbose else " (--verbose lists them)")
        if verbose:
            yield from (f"  {each.id}: {each.reason}{f', {each.detail}' if each.detail else ''}" for each in models)


def _vital(loaded: Loaded, on: list[str]) -> list[Problem]:
    router = loaded.settings.default_router
    problems: list[Problem] = []
    if "billing.billing" not in on:
        problems.append(loaded.problem(("billing",), "billing is off: nothing can be served without it"))
    if router in loaded.settings.routers and f"routers.{router}" not in on:
        problems.append(loaded.problem(("routers", router), "the default router is off"))
    if not any(name.startswith("providers.") for name in on):
        problems.append(loaded.problem(("providers",), "no provider is on: no model is served", is_warning=True))
    return problems


def _check_catalog(loaded: Loaded, snapshot: Snapshot | None, on: list[str], problems: list[Problem]) -> int:
    """Add what the catalog finds wrong; return how many models the providers that are on would serve."""
    everyone = dict.fromkeys(loaded.settings.providers, Capabilities())
    known = NOTHING_KNOWN if snapshot is None else snapshot.known(everyone)
    skipped: list[Skipped] = []
    try:
        build_catalog(loaded.settings, everyone, known=known, skipped=skipped)
    except ConfigurationError as err:
        problems.append(Problem(message=err.message))
        return 0
    for each in skipped:
        if each.reason == "unpriced" and each.provider is not None:
            path = ("models", each.model, "offers", each.provider)
            problems.append(loaded.problem(path, "has no price, so it is never called", is_warning=True))
    return len(build_catalog(loaded.settings, dict.fromkeys(on, Capabilities()), known=known).models())
