"""Compiles the mock and the load generator, and installs the peers that are missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.kit.places import BENCHMARKS
from benchmarks.kit.processes import clean_environment

__all__ = [
    "LITELLM_VERSION",
    "PORTKEY_VERSION",
    "Unavailable",
    "compile_tools",
    "litellm_command",
    "nginx_command",
    "portkey_command",
]

LITELLM_VERSION: Final = "1.106.2"
PORTKEY_VERSION: Final = "1.15.2"
_PORTKEY_PACKAGE: Final[dict[str, Any]] = {
    "name": "peer",
    "version": "1.0.0",
    "private": True,
    "dependencies": {"@portkey-ai/gateway": PORTKEY_VERSION},
    # With @hono/node-server above 1.13.8 this Portkey answers streams with 500 ("TypeError: immutable").
    "overrides": {"hono": "4.9.7", "@hono/node-server": "1.13.8"},
}
_INSTALL_S: Final = 900.0


class Unavailable(Exception):
    """A target cannot be measured here; the message says why."""


def compile_tools(home: Path) -> None:
    """Compile what is older than its source. Raises Unavailable without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    for name in ("mock", "lg"):
        source, binary = BENCHMARKS / "src" / f"{name}.c", home / name
        if binary.exists() and binary.stat().st_mtime >= source.stat().st_mtime:
            continue
        if compiler is None:
            raise Unavailable("there is no C compiler (cc) for the mock provider and the load generator")
        _run([compiler, "-O2", "-o", str(binary), str(source)], home)


def nginx_command(home: Path, *, may_install: bool) -> str:
    """Return nginx; root installs it by apt. Raises Unavailable."""
    found = _which_nginx()
    if found is None and may_install:
        apt = shutil.which("apt-get")
        if apt is None or os.geteuid() != 0:
            raise Unavailable("nginx is not installed, and installing it takes apt and root")
        _announce("nginx", "apt")
        _run([apt, "update", "-qq"], home)
        _run([apt, "install", "-y", "-qq", "nginx-light"], home)
        found = _which_nginx()
    return _available(found, "nginx", may_install)


def litellm_command(home: Path, *, may_install: bool) -> str:
    """Return LiteLLM's proxy, installed by pip in an environment of its own. Raises Unavailable."""
    folder = home / "v-litellm"
    command = folder / "bin" / "litellm"

    def install() -> None:
        python = folder / "bin" / "python"
        if not python.exists():
            _run([sys.executable, "-m", "venv", str(folder)], home)
        _run([str(python), "-m", "pip", "install", "-q", f"litellm[proxy]=={LITELLM_VERSION}"], home)
        # bytecode ahead of time, so that start-up times compare
        subprocess.run(
            [str(python), "-m", "compileall", "-q", "-j2", str(folder / "lib")],
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            check=False,  # some of its files are not meant for this Python
        )

    return _installed(command, "litellm", "pip", install, may_install)


def portkey_command(home: Path, *, may_install: bool) -> list[str]:
    """Return Portkey's gateway, installed by npm. Raises Unavailable."""
    node = shutil.which("node")
    npm = shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("Portkey needs node and npm")
    folder = home / "npm"
    script = folder / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"

    def install() -> None:
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_bytes(msgspec.json.encode(_PORTKEY_PACKAGE))
        _run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], folder)

    return [node, _installed(script, "portkey", "npm", install, may_install)]


def _which_nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _installed(path: Path, name: str, tool: str, install: Callable[[], None], may_install: bool) -> str:
    if not path.exists() and may_install:
        _announce(name, tool)
        install()
    return _available(str(path) if path.exists() else None, name, may_install)


def _available(found: str | None, name: str, may_install: bool) -> str:
    if found is None:
        raise Unavailable(f"{name} is not there after its installation" if may_install else f"{name} is not installed")
    return found


def _announce(name: str, tool: str) -> None:
    print(f"installing {name} by {tool} …", file=sys.stderr, flush=True)


def _run(command: Sequence[str], cwd: Path) -> None:
    """Run a command to its end. Raises Unavailable with the end of its output."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=clean_environment({"DEBIAN_FRONTEND": "noninteractive"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_INSTALL_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Unavailable(f"{Path(command[0]).name} failed: {err}") from err
    if done.returncode != 0:
        raise Unavailable(f"{Path(command[0]).name} ended with {done.returncode}: {done.stdout.strip()[-300:]}")
