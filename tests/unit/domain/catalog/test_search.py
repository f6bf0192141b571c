"""What a search finds, and how well it says that fits."""

import pytest

from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.catalog.search import Match, SearchIndex

MODELS = [
    Model(id="meta/llama-3-8b", name="Llama 3 8B", offers=(), description="Small and quick."),
    Model(id="meta/codellama", name="Code Llama", offers=()),
    Model(id="other/tunedllama", name="Tunedllama", offers=(), description="Made of Llama-3, for tales."),
    Model(id="llama/x", name="X", offers=()),
    Model(id="zoo/alpaca", name="Alpaca", offers=(), description="Not a llama at all: quick TALES."),
]


@pytest.fixture
def index() -> SearchIndex:
    return SearchIndex(MODELS)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("llama", {"meta/llama-3-8b": 1, "meta/codellama": 2, "other/tunedllama": 3, "llama/x": 1, "zoo/alpaca": 4}),
        ("LLAMA-3-8B", {"meta/llama-3-8b": Match.EXACT}),
        ("meta/codellama", {"meta/codellama": Match.EXACT}),
        ("  code   llama ", {"meta/codellama": Match.EXACT}),
        ("8b", {"meta/llama-3-8b": Match.WORD}),
        ("quick tales", {"zoo/alpaca": Match.DESCRIPTION}),
        ("tales quick", {"zoo/alpaca": Match.WORDS}),
        ("llama tales", {"other/tunedllama": Match.WORDS, "zoo/alpaca": Match.WORDS}),
        ("nothing", {}),
    ],
)
def test_find(index: SearchIndex, query: str, found: dict[str, int]) -> None:
    assert index.find(query) == found


def test_an_empty_query_finds_everything(index: SearchIndex) -> None:
    assert set(index.find(" ")) == {model.id for model in MODELS}
