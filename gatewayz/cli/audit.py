"""`gatewayz audit`: is the money right?"""

import typer

from gatewayz.cli.opened import with_store
from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption
from gatewayz.cli.printing import print_json
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.clock import SystemClock
from gatewayz.sdk.money import usd_text

__all__ = ["app"]

app = typer.Typer()


@app.command()
def audit(config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Derive every balance from the journal; exit code 1 names the first difference."""
    report = with_store(
        config, env, lambda store, _settings: Ledger(store.ledger, SystemClock()).audit(), migrate=False
    )
    if as_json:
        totals = {account: usd_text(amount) for account, amount in report.totals.items()}
        print_json({"is_clean": report.is_clean, "totals_usd": totals, "findings": report.findings})
    else:
        for account, amount in report.totals.items():
            print(f"{account:16} {usd_text(amount):>24}")
        for finding in report.findings:
            kept, derived = usd_text(finding.kept), usd_text(finding.derived)
            print(f"{finding.where}: {finding.what} is {kept}, the journal says {derived}")
        print("every balance is the sum of its entries" if report.is_clean else "the ledger does not agree with itself")
    if not report.is_clean:
        raise typer.Exit(1)
