"""A configuration folder in a temporary place."""

from collections.abc import Mapping
from pathlib import Path

from gatewayz.config.load import Loaded, load
from gatewayz.config.problems import ConfigurationInvalid

MINIMAL = """\
plugins: [providers.echo, routers.failover, billing.unmetered]
providers: {echo: {use: echo}}
routers: {default: {use: failover}}
billing: {use: unmetered}
"""


class ConfigFolder:
    """Writes files and loads them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "config").mkdir(parents=True, exist_ok=True)
        self.main = root / "gatewayz.yaml"

    def write(self, text: str, name: str = "gatewayz.yaml") -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def load(self, text: str | None = None, *, overlay: str | None = None, **environ: str) -> Loaded:
        if text is not None:
            self.write(text)
        return load(self.main, overlay=overlay, environ=environ)

    def errors(self, text: str, *, overlay: str | None = None, environ: Mapping[str, str] | None = None) -> list[str]:
        """Return the errors as text, paths relative to the folder."""
        self.write(text)
        try:
            load(self.main, overlay=overlay, environ=environ or {})
        except ConfigurationInvalid as err:
            return [str(problem).replace(f"{self.root}/", "") for problem in err.problems]
        return []
