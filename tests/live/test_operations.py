"""The shipped dashboard and alert rules ask for metrics that a gateway which has done a bit of everything does tell."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.fakes.gateway_process import GatewayProcess, run_cli
from tests.fakes.stub_upstream import stub_upstream

FOLDER = Path(__file__).parents[2] / "docs" / "operations"
MODEL = "acme/stub"
WORDS = {"by", "and", "or", "unless", "on", "ignoring", "without", "sum", "max", "min", "topk"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """Labels of the samples of each name, after a stream that went well and a call that a limit refused."""
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "1", "output": "3"}, "offers": {"stub": {}}}},
            "access": {"metrics": "public"},
            "limits": {"enabled": True},
        }
        with GatewayProcess(tmp_path_factory.mktemp("operations"), config) as gateway:
            key = limited_key(gateway, gateway.add_user("user@example.com")["user_id"])
            body = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}], "stream": True}
            headers = {"authorization": f"Bearer {key}"}
            for status in (200, 429):
                answer = httpx.post(f"{gateway.base}/v1/chat/completions", json=body, headers=headers, timeout=20)
                assert answer.status_code == status, answer.text
            text = httpx.get(f"{gateway.base}/metrics").text
    names: dict[str, list[dict[str, str]]] = {}
    for family in read_text(text):
        for sample in family.samples:
            names.setdefault(sample.name, []).append(sample.labels)
    return names


def limited_key(gateway: GatewayProcess, user_id: int) -> str:
    """Return a key that may call once a minute."""
    options = ("--user", str(user_id), "--rpm", "1", "--config", str(gateway.path), "--json")
    done = run_cli("keys", "create", *options)
    assert done.returncode == 0, done.stderr
    key: str = msgspec.json.decode(done.stdout)["api_key"]
    return key


def asked(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each metric of a PromQL expression, with the labels it is to be equal to."""
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", expression)
    bare = re.sub(r"\[[^\]]*\]", " ", bare)
    for name, selector in re.findall(r"([a-z_][a-z0-9_]*)\b(?!\s*\()\s*(\{[^}]*\})?", bare):
        before = bare[: bare.find(name + selector)]
        if name not in WORDS and before.count("{") == before.count("}"):
            yield name, dict(re.findall(r'(\w+)="([^"]*)"', selector))


def panels() -> list[dict[str, Any]]:
    dashboard = msgspec.json.decode((FOLDER / "grafana-dashboard.json").read_bytes())
    found: list[dict[str, Any]] = dashboard["panels"]
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


EXPRESSIONS = [
    *((f"panel {panel['title']}", target["expr"]) for panel in panels() for target in panel.get("targets", ())),
    *((f"alert {rule['alert']}", rule["expr"]) for rule in rules()),
]


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_every_metric_that_is_asked_for_is_told(
    where: str, expression: str, told: dict[str, list[dict[str, str]]]
) -> None:
    names = list(asked(expression))
    assert names, where
    assert expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}")
    for name, equal in names:
        assert name in told, f"{where} asks for {name}"
        assert any(equal.items() <= labels.items() for labels in told[name]), (where, name, equal)
    for labels in re.findall(r"\bby\s*\(([^)]*)\)", expression):
        for label in map(str.strip, labels.split(",")):
            # Prometheus adds the instance itself.
            assert label == "instance" or any(label in has for name, _ in names for has in told[name]), (where, label)


def test_the_reader_of_expressions_finds_what_is_wrong() -> None:
    expression = 'sum by (a) (rate(x_total{b="c",d=~"$e"}[5m])) / sum(y) > 2 and topk(3, z{f="g"})'
    assert list(asked(expression)) == [("x_total", {"b": "c"}), ("y", {}), ("z", {"f": "g"})]


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in panels():
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_alerts_say_how_bad_and_what() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
