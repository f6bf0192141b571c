"""Mock providers that others wrote, each in its own process: llmock (PyPI) and aimock (npm)."""

import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.fakes.node_packages import Node

__all__ = ["AiMock", "LlMock", "aimock", "llmock"]

_START_S = 30.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class LlMock:
    """Scripts faults and reads what came of them, over llmock's control routes."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.url, timeout=10)

    def script(self, *behaviors: Mapping[str, Any]) -> None:
        """Queue what the next requests that fit will meet."""
        self._client.post("/_llmock/scenario", json={"behaviors": behaviors}).raise_for_status()

    def pending(self) -> list[Any]:
        return list(self._client.get("/_llmock/scenario").json()["pending"])

    def requests(self) -> list[dict[str, Any]]:
        return list(self._client.get("/_llmock/requests").json()["requests"])

    def verdict(self) -> dict[str, Any]:
        return dict(self._client.get("/_llmock/verdict").json())

    def reset(self) -> None:
        self._client.post("/_llmock/reset").raise_for_status()

    def close(self) -> None:
        self._client.close()


@contextmanager
def llmock() -> Iterator[LlMock]:
    """Serve while the block runs."""
    command = [sys.executable, "-m", "uvicorn", "llmock.main:app", "--host", "127.0.0.1", "--port", "0"]
    with _process(command, {"LLMOCK_RESPONSE_STYLE": "hello"}) as port:
        mock = LlMock(port)
        try:
            yield mock
        finally:
            mock.close()


class AiMock:
    """aimock's address and its journal."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def journal(self) -> list[dict[str, Any]]:
        """Return the requests it got, oldest first."""
        reply = httpx.get(f"{self.url}/__aimock/journal", timeout=10)
        reply.raise_for_status()
        return list(msgspec.json.decode(reply.content))


@contextmanager
def aimock(node: Node, folder: Path, fixtures: Sequence[Mapping[str, Any]]) -> Iterator[AiMock]:
    """Serve the fixtures while the block runs."""
    (folder / "fixtures.json").write_bytes(msgspec.json.encode({"fixtures": fixtures}))
    config = {"llm": {"fixtures": str(folder / "fixtures.json")}}
    (folder / "aimock.json").write_bytes(msgspec.json.encode(config))
    script = str(node.modules / ".bin" / "aimock")
    command = [*node.command, script, "--config", str(folder / "aimock.json"), "--port", "0"]
    with _process(command, {}) as port:
        yield AiMock(port)


@contextmanager
def _process(command: Sequence[str], env: Mapping[str, str]) -> Iterator[int]:
    """Run a server that names its address in its log; yields the port."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **env}
    )
    lines: deque[str] = deque(maxlen=50)
    found: list[int] = []
    listening = threading.Event()
    reader = threading.Thread(target=_read, args=(process, lines, found, listening), daemon=True)
    reader.start()
    try:
        assert listening.wait(_START_S) and found, "the mock did not start:\n" + "\n".join(lines)
        yield found[0]
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        if process.stdout is not None:
            process.stdout.close()


def _read(process: "subprocess.Popen[str]", lines: "deque[str]", found: list[int], listening: threading.Event) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip())
        if (address := _ADDRESS.search(line)) and not found:
            found.append(int(address.group(1)))
            listening.set()
    listening.set()
