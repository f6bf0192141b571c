"""The model lists with 5,000 models: what one caller waits for, on one connection."""

import http.client
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.kit.gatewayz import prepare_gateway
from benchmarks.kit.measure import RoundFailed, free_port, running
from benchmarks.kit.results import Lists
from benchmarks.kit.targets import Target

__all__ = ["MODELS", "measure_lists", "models_yaml"]

MODELS: Final = 5000
_REPEATS: Final = 60
_GZIP: Final = {"accept-encoding": "gzip"}
_ASKED: Final[dict[str, tuple[str, Mapping[str, str]]]] = {
    "100 models": ("/v1/models", {}),
    "1,000 models, gzip": ("/v1/models?limit=1000", _GZIP),
    "all models, gzip": ("/v1/models?limit=10000", _GZIP),
    "all models, plain": ("/v1/models?limit=10000", {}),
    "search": ("/v1/models/search?q=model-49", {}),
}


class _Listed(msgspec.Struct, frozen=True):
    total: int


def measure_lists(body: Path, home: Path, mock_port: int) -> Lists:
    """Measure. Raises Unavailable or RoundFailed. The mock must run."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        gateway = prepare_gateway(Path(folder), port=port, mock_port=mock_port)
        (Path(folder) / "config" / "models.yaml").write_bytes(models_yaml(MODELS))
        target = Target(port=port, command=gateway.command, headers={"authorization": f"Bearer {gateway.api_key}"})
        with running(target, body, home / "gatewayz-lists.log", Path(folder)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            found = {name: _times(connection, path, headers) for name, (path, headers) in _ASKED.items()}
            path, headers = _ASKED["all models, gzip"]
            etag = {"if-none-match": _ask(connection, path, headers)}
            found["all models, unchanged (304)"] = _times(connection, path, {**headers, **etag})
            connection.close()
    return Lists(models=MODELS, milliseconds=found)


def models_yaml(count: int) -> bytes:
    """Return a configuration of so many models, as JSON, which is YAML."""
    price = {"input": "1", "output": "2", "source": "benchmark", "date": "2025-01-01"}
    description = "A model of some size that follows instructions, for chat, code and long documents."
    models = {
        f"maker-{at % 50}/model-{at}": {
            "name": f"Model {at}",
            "description": description,
            "context_length": 128000,
            "features": ["tools", "vision"],
            "offers": {"mock": {"price": price}},
        }
        for at in range(count)
    }
    return msgspec.json.encode(models)


def _times(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> tuple[float, ...]:
    """Return the milliseconds of each answer after the first, which makes the page."""
    _ask(connection, path, headers)
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        _ask(connection, path, headers)
        times.append((time.perf_counter() - began) * 1000)
    return tuple(times)


def _ask(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> str:
    """Ask, read the whole answer, and return its tag. Raises RoundFailed for an error, or a list that is too short."""
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    if response.status not in (http.client.OK, http.client.NOT_MODIFIED):
        raise RoundFailed(f"{path} answered {response.status}")
    if path == "/v1/models" and msgspec.json.decode(body, type=_Listed).total < MODELS:
        raise RoundFailed("the gateway has not got the models")
    return response.headers.get("etag") or ""
