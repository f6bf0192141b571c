"""Folders and files of the benchmarks."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["BENCHMARKS", "CHAT_PATH", "PROJECT", "bench_home", "filled"]

BENCHMARKS: Final = Path(__file__).resolve().parents[1]
PROJECT: Final = BENCHMARKS.parent
CHAT_PATH: Final = "/v1/chat/completions"


def bench_home() -> Path:
    """Return the folder of compiled tools, peers and results: BENCH_HOME, else one in the user's cache."""
    if given := os.environ.get("BENCH_HOME"):
        return Path(given).resolve()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "gatewayz-bench"


def filled(name: str, values: Mapping[str, str]) -> str:
    """Return the text of a file in `conf/` with every @NAME@ replaced."""
    text = (BENCHMARKS / "conf" / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
