"""The command `gatewayz`. Each command is a module of its own, imported when it is called.

Exit codes: 0 all right, 1 a problem was found, 2 the command was used wrongly.
"""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["version"], ["--version"]):
        from gatewayz import __version__  # noqa: PLC0415  nothing else is needed to say it, so nothing else is loaded

        print(__version__)
        return 0
    from gatewayz.cli.application import run  # noqa: PLC0415  as above

    return run(given)
