from pathlib import Path

import pytest

from gatewayz.sdk.tools import SearchArguments, ToolFailed
from gatewayz_plugins.tools.docs_search.ranking import Ranking
from gatewayz_plugins.tools.docs_search.search import DocsSearch, DocsSearchSettings
from tests.fakes.plugin_modules import context


def test_rare_words_weigh_more_and_long_texts_less() -> None:
    ranking = Ranking(["a gateway and a zebra", "gateways everywhere", "zebra " + "filler " * 50])
    assert [place for place, _ in ranking.best("zebras", 9)] == [0, 2]
    assert ranking.best("the of", 9) == [] and Ranking([]).best("x", 3) == []
    assert len(ranking.best("gateway zebra", 1)) == 1


async def test_passages_are_cut_at_headings_but_not_in_code(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Page\n\nIntro.\n\n## Keys `rotate`\n\n```sh\n# not a heading: marmot\n```\n")
    search = DocsSearch(DocsSearchSettings(folder=str(tmp_path)), context("tools", "web_search"))
    result = (await search.run(SearchArguments(query="marmot"))).result
    [hit] = result["results"]
    assert (hit["title"], hit["url"]) == ("Page: Keys rotate", "docs/page.md#keys-rotate")
    assert "not a heading: marmot" in hit["content"]


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    search = DocsSearch(DocsSearchSettings(folder=str(tmp_path / "none")), context("tools", "web_search"))
    assert search.is_available is False
    with pytest.raises(ToolFailed):
        await search.run(SearchArguments(query="x"))
