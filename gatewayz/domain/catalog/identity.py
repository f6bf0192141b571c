"""Which model a provider's own name means: canonical id, by rules that are data.

Providers spell one model in many ways: `Qwen/Qwen3-32B`, `qwen3-32b`, `accounts/fireworks/models/qwen3-32b`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["Identifier", "comparable"]

_FOLDERS: Final = re.compile(r"^(?:accounts/fireworks/(?:models|routers)/|@[ch]f/|projects/.*/models/)")
_POINT: Final = re.compile(r"(?<=\d)p(?=\d)")
_ODD: Final = re.compile(r"[^a-z0-9.:-]+")
_MARKS: Final = re.compile(r"[._:]")
_PRECISIONS: Final = re.compile(r"-(?:fp8|fp16|bf16|fp4|int8|awq|it|hf|basic|tee|17b-128e|17b-16e)$")


class Identifier:
    """Finds canonical ids.

    :param makers: how providers spell makers, in lower case, to how canonical ids do.
    :param families: beginnings of model names to their makers; longer ones count first.
    :param ids: canonical ids there are already; a new name is one of them where it differs in spelling only.
    """

    def __init__(self, makers: Mapping[str, str], families: Mapping[str, str], ids: Iterable[str]) -> None:
        self._makers = makers
        self._families = sorted(families.items(), key=lambda item: -len(item[0]))
        self._ids: set[str] = set()
        self._alike: dict[tuple[str, str, bool], str] = {}
        for model_id in ids:
            self.add(model_id)

    def add(self, model_id: str) -> None:
        """Note a canonical id; of several that are alike the shortest is meant by other spellings."""
        self._ids.add(model_id)
        maker, _, name = model_id.partition("/")
        key = (maker, comparable(name), "instruct" in name)
        known = self._alike.get(key)
        if known is None or (len(model_id), model_id) < (len(known), known):
            self._alike[key] = model_id

    def canonical(self, native: str, *, maker: str | None = None) -> str | None:
        """Return the canonical id of a provider's own name; None when nobody can tell who made it.

        :param maker: who made the provider's models that name no maker and are of no known family.
        """
        name = _FOLDERS.sub("", native.strip().lower())
        *folders, bare = name.split("/")
        bare = _ODD.sub("-", _POINT.sub(".", bare)).strip("-.:")
        named = self._maker(folders[-1] if folders else None, bare) or maker
        if not bare or named is None:
            return None
        own = f"{named}/{bare}"
        if own in self._ids:
            return own
        key, is_tuned = comparable(bare), "instruct" in bare
        alike = self._alike.get((named, key, is_tuned))
        if alike is None and is_tuned:  # not the other way round: the untuned model has the name without it
            alike = self._alike.get((named, key, False))
        return alike or own

    def _maker(self, folder: str | None, bare: str) -> str | None:
        by_family = next((maker for start, maker in self._families if bare.startswith(start)), None)
        if folder is None:
            return by_family
        known = self._makers.get(folder)
        if known is not None:
            return by_family if known == "" else known
        cleaned = _ODD.sub("-", folder).strip("-.:")
        return cleaned or by_family


def comparable(name: str) -> str:
    """Return a model's name without what providers spell differently: dots, `instruct`, precision."""
    name = name.lower().replace("meta-llama-", "llama-").removeprefix("nvidia-")
    name = name.replace("llama-v3", "llama-3").replace("llama4-", "llama-4-").replace("llama3.", "llama-3.")
    name = name.replace("deepseek-chat-v3", "deepseek-v3")
    out = _MARKS.sub("-", _POINT.sub("-", name))
    out = out.replace("qwen-2", "qwen2").replace("qwen-3", "qwen3").replace("-instruct", "")
    shorter = _PRECISIONS.sub("", out)
    while shorter != out:
        out, shorter = shorter, _PRECISIONS.sub("", shorter)
    return out
