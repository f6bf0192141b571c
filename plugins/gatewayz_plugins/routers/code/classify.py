"""Which class of task a prompt is. Source: spec 06 §1.2."""

import string
from collections.abc import Mapping
from typing import Final

import msgspec

from gatewayz_plugins.routers.code.settings import TaskClass

__all__ = ["Classified", "Classifier", "Context", "context_of"]

_FEW_FILES: Final = 3
_FEW_MESSAGES: Final = 10
_NO_HIT_CONFIDENCE: Final = 0.3
_SURE_AT: Final = 5.0
_KEYWORD_LENGTH: Final = 50
_TRACES: Final = (
    *("Traceback (most recent call last)", "Error: ", "Exception: ", "Exception in thread"),
    *("\n    at ", "\n\tat "),
)
_FILES: Final = (
    *(".py", ".js", ".ts", ".tsx", ".jsx", ".vue", ".html", ".css", ".php", ".rb", ".swift", ".scala"),
    *(".go", ".rs", ".java", ".kt", ".c", ".h", ".cpp", ".cs", ".sql", ".sh", ".yaml", ".yml", ".toml"),
)
_AROUND_NAMES: Final = "`'\"()[]{}<>,:;.!?*"
_BLANKS: Final = str.maketrans(dict.fromkeys(string.punctuation.translate({ord("_"): None, ord("'"): None}), " "))
_LOOKED_AT: Final = 8_000
"""Characters of a prompt that are searched, half from its beginning and half from its end."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a task."""

    file_count: int = 0
    has_error_trace: bool = False
    conversation_length: int = 1


class Classified(msgspec.Struct, frozen=True, kw_only=True):
    """A task's class."""

    category: str
    complexity: str
    confidence: float
    hits: tuple[str, ...] = ()
    """Keywords that were found for it."""


class Classifier:
    """Classes prompts by keywords and context."""

    def __init__(self, classes: Mapping[str, TaskClass], default: str) -> None:
        self._classes = classes
        self._default = default
        self._classes_of: dict[str, list[str]] = {}
        for name, each in classes.items():
            for keyword in each.keywords:
                self._classes_of.setdefault(_spaced(_words(keyword)).strip(), []).append(name)
        self._phrases: dict[str, list[str]] = {}
        for keyword in self._classes_of:
            if " " in keyword:
                self._phrases.setdefault(keyword.partition(" ")[0], []).append(keyword)

    def classify(self, prompt: str, context: Context) -> Classified:
        """Return the class with most points; the default class where nothing speaks for any."""
        points: dict[str, float] = {}
        hits: dict[str, list[str]] = {}
        for keyword in self._found(_words(looked_at(prompt))):
            for name in self._classes_of[keyword]:
                points[name] = points.get(name, 0.0) + 1.0 + len(keyword) / _KEYWORD_LENGTH
                hits.setdefault(name, []).append(keyword)
        for name, hint in _hints(context):
            if name in self._classes:
                points[name] = points.get(name, 0.0) + hint
        if not points:
            return self._classified(self._default, _NO_HIT_CONFIDENCE, ())
        best = max(self._classes, key=lambda name: points.get(name, 0.0))
        return self._classified(best, min(1.0, points[best] / _SURE_AT), tuple(sorted(hits.get(best, ()))))

    def _found(self, words: list[str]) -> list[str]:
        """Return the keywords that a text has as whole words, each once."""
        known = set(words)
        begun = [phrase for first in known & self._phrases.keys() for phrase in self._phrases[first]]
        spaced = _spaced(words) if begun else ""
        return [*(known & self._classes_of.keys()), *(phrase for phrase in begun if f" {phrase} " in spaced)]

    def _classified(self, category: str, confidence: float, hits: tuple[str, ...]) -> Classified:
        complexity = self._classes[category].complexity
        return Classified(category=category, complexity=complexity, confidence=round(confidence, 3), hits=hits)


def context_of(prompt: str, messages: int, hints: Mapping[str, int]) -> Context:
    """Return the context of a call: what is said of it, else what its prompt shows.

    :param hints: `file_count`, `has_error_trace`, `conversation_length`, where they are given.
    """
    text = looked_at(prompt)
    files, trace = hints.get("file_count"), hints.get("has_error_trace")
    return Context(
        file_count=_count_files(text) if files is None else files,
        has_error_trace=any(sign in text for sign in _TRACES) if trace is None else bool(trace),
        conversation_length=hints.get("conversation_length", messages),
    )


def _count_files(text: str) -> int:
    dotted = {word.strip(_AROUND_NAMES) for word in text.split() if "." in word}
    return sum(word.endswith(_FILES) for word in dotted)


def _words(text: str) -> list[str]:
    return text.lower().translate(_BLANKS).split()


def _spaced(words: list[str]) -> str:
    return f" {' '.join(words)} "


def looked_at(prompt: str) -> str:
    """Return the part of a prompt that is searched."""
    half = _LOOKED_AT // 2
    return prompt if len(prompt) <= _LOOKED_AT else f"{prompt[:half]}\n{prompt[-half:]}"


def _hints(context: Context) -> list[tuple[str, float]]:
    hints: list[tuple[str, float]] = []
    if context.file_count > _FEW_FILES:
        hints += [("architecture", 2.0), ("agentic", 1.5)]
    if context.has_error_trace:
        hints += [("debugging", 3.0)]
    if context.conversation_length > _FEW_MESSAGES:
        hints += [("refactoring", 1.0), ("architecture", 1.0)]
    return hints
