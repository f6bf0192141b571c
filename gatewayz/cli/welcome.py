"""`gatewayz welcome`: a first run. Serves, makes a first user and key, asks the local model, says what it cost."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final, NoReturn

import httpx
import msgspec
import typer

from gatewayz.cli.opened import with_store
from gatewayz.cli.options import ConfigOption, config_path
from gatewayz.config.settings import Settings
from gatewayz.domain.identity.accounts import Accounts, KeyRequest
from gatewayz.domain.identity.key_files import load_vault
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.clock import SystemClock
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.sql.store import SqlStore

__all__ = ["app"]

app = typer.Typer()

_EMAIL: Final = "first@gatewayz.local"
_MODEL: Final = "local/smollm2-135m-instruct"
_QUESTION: Final = "In one short sentence: what is the capital of France?"
_READY_S: Final = 60.0
_CREDIT: Final = 5 * NANO_PER_USD
"""What a first user may spend. Source: spec 00 §6.1."""
_ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@app.command("welcome")
def welcome(
    config: ConfigOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on")] = 8000,
    model: Annotated[str, typer.Option(help="Model that answers the first question")] = _MODEL,
) -> None:
    """Serve, with a first user, a first key and a first answer; goes on serving until stopped."""
    path = config_path(config)
    base = f"http://{host}:{port}"
    command = [sys.executable, "-c", "import sys; from gatewayz.cli import main; sys.exit(main())"]
    # In a session of its own: a terminal's Ctrl-C reaches us alone, and is passed on once.
    server = subprocess.Popen(  # noqa: S603
        [*command, "serve", "--config", str(path), "--host", host, "--port", str(port)], start_new_session=True
    )
    try:
        for number in _ENDS:
            signal.signal(number, _interrupt)
        _wait_until_ready(server, base)
        key = with_store(path, None, _first_key)
        _introduce(base, key, model)
        code = server.wait()
    except KeyboardInterrupt:
        code = _stop(server)
    except BaseException:  # cancellation too: let go, then raise again
        _stop(server)
        raise
    raise typer.Exit(code)


def _wait_until_ready(server: "subprocess.Popen[bytes]", base: str) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise typer.Exit(server.returncode or 1)
        try:
            if httpx.get(f"{base}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.1)
    print(f"the gateway did not become ready within {_READY_S:g} s", file=sys.stderr)
    raise typer.Exit(1)


async def _first_key(store: SqlStore, settings: Settings) -> str:
    """Return the key of the first user, made when there is none."""
    vault = await asyncio.to_thread(load_vault, settings.keys, Path(settings.data_dir))
    accounts = Accounts(store.users, store.keys, vault, SystemClock())
    user = await store.users.find_user_by_email(_EMAIL) or await accounts.create_user(_EMAIL)
    usable = [key for key in await accounts.list_keys(user.id) if key.is_active]
    if usable:
        return (await accounts.reveal_key(user.id, usable[0].id)).reveal()
    made = await accounts.create_key(user.id, KeyRequest(name="welcome"), actor="cli", maker=None)
    ledger = Ledger(store.ledger, SystemClock())
    await ledger.deposit(
        user.id, Parts(trial=_CREDIT), kind="trial", key=f"welcome:{user.id}", counter="promotions", actor="cli"
    )
    return made.text.reveal()


def _introduce(base: str, key: str, model: str) -> None:
    print(f"\nAsking {model}: {_QUESTION}\n  ", end="", flush=True)
    usage = _ask(base, key, model)
    if usage is not None:
        cost = usage["cost_usd"]
        print(f"\n\nIt cost ${cost:f} for {usage['tokens_charged']} tokens in {usage['request_ms']} ms.")
        balance = httpx.get(f"{base}/user/balance", headers={"authorization": f"Bearer {key}"}, timeout=10)
        if balance.status_code == httpx.codes.OK:
            print(f"Balance left: ${balance.json()['credits']:.6f}")
    print(f"""
Gatewayz serves at {base}

  Dashboard {base}/health/gateways/dashboard
  Status    {base}/status
  Models    {base}/v1/models
  API       {base}/docs

  API key   {key}
  OpenAI    OpenAI(base_url="{base}/v1", api_key=...)
  Anthropic Anthropic(base_url="{base}", api_key=...)

  curl {base}/v1/chat/completions -H "authorization: Bearer {key}" \\
    -H "content-type: application/json" \\
    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

Ctrl-C stops it.
""")


def _ask(base: str, key: str, model: str) -> dict[str, Any] | None:
    """Stream one answer to the terminal and return its `gateway_usage`; None when there was none."""
    body = {"model": model, "stream": True, "max_tokens": 60, "messages": [{"role": "user", "content": _QUESTION}]}
    headers = {"authorization": f"Bearer {key}"}
    usage: dict[str, Any] | None = None
    with httpx.stream("POST", f"{base}/v1/chat/completions", json=body, headers=headers, timeout=120) as reply:
        if reply.status_code != httpx.codes.OK:
            error = msgspec.json.decode(reply.read())["error"]
            print(f"(no answer: {error['message']})")
            return None
        for line in reply.iter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = msgspec.json.decode(line[len("data: ") :])
            if "error" in chunk:
                print(f"\n(the answer broke off: {chunk['error']['message']})")
                return None
            for choice in chunk["choices"]:
                print(choice["delta"].get("content") or "", end="", flush=True)
            usage = chunk.get("gateway_usage", usage)
    return usage


def _stop(server: "subprocess.Popen[bytes]") -> int:
    """Pass every interruption on: the first lets running requests finish, the next cuts them off."""
    while True:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        try:
            return server.wait()
        except KeyboardInterrupt:
            continue


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
