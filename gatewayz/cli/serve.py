"""`gatewayz serve`."""

from typing import Annotated

import typer

from gatewayz import app as application
from gatewayz.cli.options import ConfigOption, EnvOption, config_path

__all__ = ["app"]

app = typer.Typer()


@app.command("serve")
def serve(
    config: ConfigOption = None,
    env: EnvOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes to serve with")] = None,
) -> None:
    """Serve until stopped. SIGTERM drains and ends, SIGHUP reads the configuration anew."""
    raise typer.Exit(application.run(config_path(config), env=env, host=host, port=port, workers=workers))
