from pathlib import Path

import pytest

from gatewayz.config.promotions import check_promotions
from gatewayz.config.resources import resource
from tests.fakes.config_files import ConfigFolder

LIMITS = "{requests_per_day: 1, tokens_per_day: 1, requests_per_month: 1, tokens_per_month: 1, concurrency: 1}"
PARTNER = "name: X, days: 1, tier: pro, tokens: 1, requests: 1, daily_cap: 5"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("plans: {trial: {credits: five}}", "plans.trial.credits"),
        ("referrals: {bonus: -1}", "referrals.bonus"),
        (f"partners: {{RED: {{{PARTNER}, credits: abc}}}}", "partners.RED.credits"),
        (f"partners: {{red: {{{PARTNER}, credits: 1}}}}", "partners.red"),
        (f"plans: {{offered: {{a: {{id: 1, name: A, type: free, limits: {LIMITS}}}}}}}", "plans.trial.plan"),
        (
            f"plans: {{trial: {{plan: a}}, offered: {{a: {{id: 1, name: A, type: free, limits: {LIMITS}}},"
            f" b: {{id: 1, name: B, type: dev, limits: {LIMITS}}}}}}}",
            "plans.offered.b.id",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = check_promotions(ConfigFolder(tmp_path).load(text + "\n"))
    assert f"{problem}: " in str(found) and found.severity == "error"


def test_what_is_shipped_is_right(tmp_path: Path) -> None:
    folder = resource("gatewayz.yaml").parent / "config"
    texts = [f"{name}:\n" + _indented((folder / f"{name}.yaml").read_text()) for name in ("plans", "partners")]
    assert list(check_promotions(ConfigFolder(tmp_path).load("\n".join(texts)))) == []


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
