import pytest

from gatewayz.config.sections.access import MailDomains
from gatewayz.config.sections.limits import LimitProfile
from gatewayz.config.sections.limits import Limits as LimitRules
from gatewayz.config.sections.plans import Plans as PlanRules
from gatewayz.domain.identity.caller import KeyLimits
from gatewayz.domain.identity.mail_domains import MailKind, kind_of_mail
from gatewayz.domain.limits.profiles import profile_of
from gatewayz.domain.plans.plans import Plan

DOMAINS = MailDomains(temporary=("mailinator.com",), blocked=("spam.example",))
RULES = LimitRules(
    profiles={
        "premium": LimitProfile(requests_per_minute=300),
        "tight": LimitProfile(requests_per_minute=5),
        "shut": LimitProfile(requests_per_minute=1),
    },
    profile_of_plan={"pro": "premium"},
    profile_of_mail={"temporary": "tight", "blocked": "shut"},
)


@pytest.mark.parametrize(
    ("email", "is_suspect", "kind"),
    [
        ("a@example.com", False, None),
        ("a@notmailinator.com", False, None),
        ("a@mailinator.com", False, "temporary"),
        ("a@MX.Mailinator.com.", False, "temporary"),
        ("a@example.com", True, "temporary"),
        ("a@spam.example", True, "blocked"),
        (None, False, None),
    ],
)
def test_what_is_odd_about_an_address(email: str | None, is_suspect: bool, kind: MailKind | None) -> None:
    assert kind_of_mail(email, DOMAINS, is_suspect=is_suspect) == kind


@pytest.mark.parametrize(
    ("mail", "plan", "per_minute"),
    [(None, "pro", 300), (None, None, 60), ("temporary", "pro", 5), ("temporary", None, 5), ("blocked", "pro", 1)],
)
def test_the_limits_of_odd_accounts_hold_whatever_plan_and_key_say(
    mail: MailKind | None, plan: str | None, per_minute: int
) -> None:
    held = Plan(key=plan, id=None, name="A plan", limits=PlanRules().without_plan)
    chosen = KeyLimits(requests_per_minute=100_000)
    assert profile_of(chosen, held, RULES, mail).requests_per_minute == per_minute


def test_a_profile_that_is_not_there_is_no_configuration() -> None:
    with pytest.raises(ValueError, match="none named tight"):
        LimitRules(profile_of_mail={"temporary": "tight"})
