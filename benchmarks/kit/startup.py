"""Import time, and process start to first 200 with every shipped provider switched on."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.kit.gatewayz import cli, prepare_gateway
from benchmarks.kit.measure import free_port, running
from benchmarks.kit.places import PROJECT
from benchmarks.kit.proc import pss_mb
from benchmarks.kit.processes import GATEWAY_CORE, clean_environment, pinned
from benchmarks.kit.results import Startup
from benchmarks.kit.targets import Target

__all__ = ["dummy_credentials", "heaviest_packages", "measure_startup", "parse_import_times"]

_IMPORTS: Final = 5
_STARTS: Final = 3
_SHOWN_PACKAGES: Final = 12
_TIMED_IMPORT: Final = "import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
_SERVED_MODULE: Final = "gatewayz.app"
_VARIABLE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")
_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET")
_PLACES: Final = {
    "CLOUDFLARE_ACCOUNT_ID": "0123456789abcdef0123456789abcdef",
    "AZURE_OPENAI_ENDPOINT": "https://bench.openai.azure.com",
    "ALPACA_NETWORK_BASE_URL": "https://bench.example.com/v1",
    "GOOGLE_CLOUD_PROJECT": "bench-project",
}
"""What some providers need besides a key."""


def measure_startup(body: Path, home: Path, mock_port: int) -> Startup:
    """Measure imports and starts. Raises Unavailable or RoundFailed.

    The mock must run, as the first 200 is a chat completion from it.
    """
    environment = dummy_credentials((PROJECT / "config" / "providers.yaml").read_text())
    first_answers, memories, port = [], [], free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        gateway = prepare_gateway(
            Path(folder), port=port, mock_port=mock_port, has_shipped_config=True, environment=environment
        )
        providers = _count_providers(Path(folder) / "gatewayz.yaml", environment)
        target = Target(
            port=port,
            command=gateway.command,
            environment=environment,
            headers={"authorization": f"Bearer {gateway.api_key}"},
        )
        for _ in range(_STARTS):
            with running(target, body, home / "gatewayz-startup.log", Path(folder)) as (process, seconds):
                time.sleep(1)
                first_answers.append(seconds)
                memories.append(pss_mb(process.pids if process else []))
    return Startup(
        import_package_s=_time_imports("gatewayz"),
        import_served_s=_time_imports(_SERVED_MODULE),
        heaviest_imports=heaviest_packages(_import_times(_SERVED_MODULE))[:_SHOWN_PACKAGES],
        providers=providers,
        first_answer_s=tuple(first_answers),
        pss_mb=tuple(memories),
    )


def dummy_credentials(providers_yaml: str) -> dict[str, str]:
    """Return values for the variables that the text names: keys that open nothing, and places of the right shape."""
    names = sorted(set(_VARIABLE.findall(providers_yaml)))
    keys = {name: "sk-dummy-0123456789abcdef0123456789" for name in names if _SECRET.search(name)}
    places = {name: value for name, value in _PLACES.items() if name in names}
    account = {name: _service_account() for name in names if name == "GOOGLE_VERTEX_CREDENTIALS_JSON"}
    return {**keys, **places, **account}


def _service_account() -> str:
    """Return a service account as Google writes it, with a key made just now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    account = {
        "type": "service_account",
        "project_id": _PLACES["GOOGLE_CLOUD_PROJECT"],
        "private_key_id": "bench",
        "private_key": pem.decode(),
        "client_email": "bench@bench-project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return msgspec.json.encode(account).decode()


def parse_import_times(text: str) -> list[tuple[str, float]]:
    """Return module and self time in milliseconds from the lines of `-X importtime`."""
    found = []
    for line in text.splitlines():
        label, _, rest = line.partition(":")
        own_us, *_, module = [*rest.split("|"), ""][:3]
        if label == "import time" and own_us.strip().isdigit():
            found.append((module.strip(), int(own_us) / 1000))
    return found


def heaviest_packages(modules: list[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Return top-level package and its milliseconds, the heaviest first."""
    totals: dict[str, float] = {}
    for module, own_ms in modules:
        package = module.partition(".")[0]
        totals[package] = totals.get(package, 0.0) + own_ms
    return tuple(sorted(totals.items(), key=lambda item: -item[1]))


def _count_providers(config: Path, environment: dict[str, str]) -> int:
    """Return how many provider instances are switched on, as the gateway itself says."""
    printed = cli("plugins", "--config", str(config), "--json", environment=environment)
    plugins = msgspec.json.decode(printed, type=_Plugins)
    return sum(each.section == "providers" and each.state == "on" for each in plugins.instances)


class _Instance(msgspec.Struct, frozen=True):
    section: str
    state: str


class _Plugins(msgspec.Struct, frozen=True):
    """What `plugins --json` prints, as far as it is used here."""

    instances: tuple[_Instance, ...]


def _time_imports(module: str) -> tuple[float, ...]:
    """Return the seconds of several imports, each in a new process; the first, which writes bytecode, is left out."""
    code = _TIMED_IMPORT.format(module=module)
    return tuple(float(_python("-c", code).stdout) for _ in range(_IMPORTS + 1))[1:]


def _import_times(module: str) -> list[tuple[str, float]]:
    return parse_import_times(_python("-X", "importtime", "-c", f"import {module}").stderr)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        pinned(GATEWAY_CORE, [sys.executable, *arguments]),
        cwd=PROJECT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
