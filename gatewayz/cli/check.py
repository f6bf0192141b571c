"""`gatewayz check`: everything that can be known to be wrong without calling anybody."""

import asyncio
from pathlib import Path

import msgspec
import typer

from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption, config_path
from gatewayz.cli.printing import print_json, print_problems, problem_as_data
from gatewayz.config.env import environment
from gatewayz.config.load import Loaded, load
from gatewayz.config.problems import ConfigurationInvalid, Problem
from gatewayz.config.references import check_references
from gatewayz.domain.catalog.build import Skipped, build_catalog
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

    @property
    def is_ok(self) -> bool:
        """True without errors; warnings do not count."""
        return all(problem.severity != "error" for problem in self.problems)


@app.command("check")
def check(config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Check the configuration: schema, references, prices, variables, plugins. Exits with 1 on errors."""
    findings = find_problems(config_path(config), env)
    if as_json:
        print_json(
            {
                "ok": findings.is_ok,
                "problems": [problem_as_data(problem) for problem in findings.problems],
                "instances": findings.on,
                "models": {"configured": findings.models, "served": findings.served},
            }
        )
    else:
        print_problems(findings.problems)
        if findings.is_ok:
            providers = sum(name.startswith("providers.") for name in findings.on)
            typer.echo(f"ok: {providers} providers on, {findings.served} of {findings.models} models served")
    raise typer.Exit(0 if findings.is_ok else 1)


def find_problems(path: Path, env: str | None) -> Findings:
    """Return everything that is wrong or doubtful."""
    try:
        loaded = load(path, overlay=env, environ=environment())
    except ConfigurationInvalid as err:
        return Findings(problems=err.problems)
    problems = [*loaded.warnings, *check_references(loaded)]
    on: list[str] = []
    try:
        code = asyncio.run(load_code(loaded))
        decoded, _ = decode_entries(loaded, code.registry)
        on = [f"{entry.section}.{entry.name}" for entry in decoded if not entry.off_reason]
        problems += _vital(loaded, on)
    except ConfigurationInvalid as err:
        problems += err.problems
    served = _check_catalog(loaded, on, problems)
    return Findings(problems=tuple(problems), on=tuple(on), models=len(loaded.settings.models), served=served)


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


def _check_catalog(loaded: Loaded, on: list[str], problems: list[Problem]) -> int:
    """Add what the catalog finds wrong; return how many models the providers that are on would serve."""
    everyone = dict.fromkeys(loaded.settings.providers, Capabilities())
    skipped: list[Skipped] = []
    try:
        build_catalog(loaded.settings, everyone, skipped=skipped)
    except ConfigurationError as err:
        problems.append(Problem(message=err.message))
        return 0
    for each in skipped:
        if each.reason == "unpriced" and each.provider is not None:
            path = ("models", each.model, "offers", each.provider)
            problems.append(loaded.problem(path, "has no price, so it is never called", is_warning=True))
    names = [name.removeprefix("providers.") for name in on if name.startswith("providers.")]
    return len(build_catalog(loaded.settings, dict.fromkeys(names, Capabilities())).models())
