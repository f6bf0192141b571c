"""Which machine and which versions a run was made with."""

import datetime
import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.kit.places import PROJECT
from benchmarks.kit.results import Machine

__all__ = ["read_machine", "read_versions", "today"]

_LIBRARIES: Final = ("hypercorn", "quart", "httpx", "httptools", "uvloop", "msgspec")


class _NpmPackage(msgspec.Struct, frozen=True):
    version: str


def today() -> str:
    """Return the date in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def read_machine() -> Machine:
    """Return what this machine says of itself."""
    return Machine(
        processor=_processor(Path("/proc/cpuinfo").read_text()) or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        system=f"{_system()}, Linux {platform.release().partition('-')[0]}",
        python=platform.python_version(),
    )


def read_versions(home: Path) -> dict[str, str]:
    """Return the versions of the gateway, what it stands on, and the peers that are there."""
    versions = {"gatewayz": _gatewayz()}
    for library in _LIBRARIES:
        versions[library] = importlib.metadata.version(library)
    if (nginx := shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")) is not None:
        versions["nginx"] = _output([nginx, "-v"]).rpartition("/")[2]
    if (python := home / "v-litellm" / "bin" / "python").exists():
        code = "import importlib.metadata as m; print(m.version('litellm'))"
        versions["litellm"] = _output([str(python), "-c", code])
    package = home / "npm" / "node_modules" / "@portkey-ai" / "gateway" / "package.json"
    if package.exists():
        versions["portkey"] = msgspec.json.decode(package.read_bytes(), type=_NpmPackage).version
        versions["node"] = _output(["node", "--version"]).removeprefix("v")
    return versions


def _gatewayz() -> str:
    version = importlib.metadata.version("gatewayz")
    commit = _output(["git", "rev-parse", "--short", "HEAD"])
    return f"{version} ({commit})" if commit else version


def _processor(cpuinfo: str) -> str:
    for line in cpuinfo.splitlines():
        label, _, value = line.partition(":")
        if label.strip() == "model name":
            return value.strip()
    return ""


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _output(command: Sequence[str]) -> str:
    """Return what a command prints; nothing where it is missing or fails, as only a label is lost."""
    try:
        done = subprocess.run(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
