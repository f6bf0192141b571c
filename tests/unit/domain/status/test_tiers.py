from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.status.tiers import TIERS, tiers_of


def test_the_most_used_twentieth_is_critical_and_the_next_fifth_popular() -> None:
    requests = {("p", f"m{number:03}"): 1000 - number for number in range(100)}
    tiers = tiers_of(requests, [*requests, ("p", "never")])
    counts = [sum(tier == each for tier in tiers.values()) for each in TIERS]
    assert counts == [5, 20, 75, 1]
    assert tiers["p", "m004"] == "critical" and tiers["p", "m005"] == "popular" and tiers["p", "m025"] == "standard"
    assert next(iter(tiers)) == ("p", "m000")


def test_one_used_offer_is_critical_and_none_is_fine() -> None:
    assert tiers_of({("p", "m"): 1}, [("p", "m"), ("p", "n")]) == {("p", "m"): "critical", ("p", "n"): "on_demand"}
    assert tiers_of({}, [("p", "m")]) == {("p", "m"): "on_demand"}
    assert tiers_of({("gone", "m"): 9}, []) == {}


@given(st.dictionaries(st.tuples(st.sampled_from("ab"), st.text(max_size=3)), st.integers(0, 50)))
def test_more_use_is_never_a_lower_tier(requests: dict[tuple[str, str], int]) -> None:
    tiers = tiers_of(requests, requests)
    order = [TIERS.index(tiers[offer]) for offer in sorted(requests, key=lambda offer: (-requests[offer], offer))]
    assert order == sorted(order)
    assert all((tiers[offer] == "on_demand") == (requests[offer] == 0) for offer in requests)
