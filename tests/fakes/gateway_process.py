"""A started gateway: the real command line, a real process, a real socket."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gatewayz.cli import main

__all__ = ["GatewayProcess", "run_cli"]

_COMMAND = [sys.executable, "-c", "import sys; from gatewayz.cli import main; sys.exit(main())"]
_START_S = 90.0


def run_cli(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `gatewayz ARGUMENTS` to its end."""
    return subprocess.run(
        [*_COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False, env=_environment(env)
    )


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return an environment without keys of providers, so that only what a test configures is on."""
    kept = {name: value for name, value in os.environ.items() if not re.search(r"_(KEY|TOKEN)$|^GATEWAYZ_", name)}
    return {**kept, **(extra or {})}


class GatewayProcess:
    """`gatewayz serve` in a folder of its own. Use as a context manager."""

    def __init__(
        self, folder: Path, config: Mapping[str, Any], *, workers: int = 1, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.path = folder / "gatewayz.yaml"
        self.log: list[str] = []
        self.port = 0
        self._workers = workers
        self._env = env
        self._process: subprocess.Popen[str] | None = None
        self._listening = threading.Event()
        self.write_config(config)

    def write_config(self, config: Mapping[str, Any]) -> None:
        base: dict[str, Any] = {
            "environment": "development",
            "data_dir": str(self.folder / "var"),
            "store": {"url": f"sqlite+aiosqlite:///{self.folder / 'gatewayz.db'}"},
            "access": {"circuit_breakers": "public"},
            "plugins": ["providers.*", "routers.*", "billing.*"],
            "routers": {"default": {"use": "failover"}},
            "billing": {"use": "unmetered"},
            # The stub providers of a test fail on purpose and in a row; the budget has tests of its own.
            "failover": {"retry_budget": {"min_per_s": 1000}},
            # One key makes many calls in a test; limits have tests of their own.
            "limits": {"enabled": False},
            # Providers see only what a test sends them; following their lists has tests of its own.
            "catalog_sync": {"enabled": False},
        }
        self.path.write_text(yaml.safe_dump(_merged(base, config)))

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> "GatewayProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        command = [*_COMMAND, "serve", "--config", str(self.path), "--port", "0", "--workers", str(self._workers)]
        self._process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=_environment(self._env)
        )
        self._reader = threading.Thread(target=self._read_log, args=(self._process,), daemon=True)
        self._reader.start()
        if not self._listening.wait(_START_S) or not self.port:
            self.stop()
            raise RuntimeError("the gateway did not start:\n" + "\n".join(self.log))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit code."""
        process = self._process
        assert process is not None
        if process.poll() is None:
            process.send_signal(number)
        try:
            code = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._reader.join(5)
        if process.stderr is not None:
            process.stderr.close()
        return code

    def create_user(self, email: str = "user@example.com", *options: str) -> str:
        """Return the API key of a new user."""
        done = run_cli("users", "create", email, "--config", str(self.path), "--json", *options)
        assert done.returncode == 0, done.stderr
        key: str = msgspec.json.decode(done.stdout)["api_key"]
        return key

    def add_user(self, email: str, *options: str) -> dict[str, Any]:
        """Return what is printed of a new user. Runs the command in this process, for starting one takes a second."""
        with redirect_stdout(TextIOWrapper(BytesIO())) as printed:
            assert main(["users", "create", email, "--config", str(self.path), "--json", *options]) == 0
            printed.seek(0)
            shown: dict[str, Any] = msgspec.json.decode(printed.read())
        return shown

    def _read_log(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.log.append(line.rstrip())
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found.group(1))
                self._listening.set()
        self._listening.set()


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        out[key] = _merged(out[key], value) if isinstance(value, Mapping) and isinstance(out.get(key), dict) else value
    return out
