import pytest

from gatewayz.domain.identity.caller import ANONYMOUS, Caller
from gatewayz.domain.identity.restrictions import check_restrictions, parse_domains, parse_networks
from gatewayz.sdk.errors import InvalidRequest, PermissionRefused


@pytest.mark.parametrize(
    ("allowed", "address", "passes"),
    [
        (["203.0.113.7"], "203.0.113.7", True),
        (["203.0.113.7"], "203.0.113.8", False),
        (["203.0.113.0/24"], "203.0.113.200", True),
        (["203.0.113.9/24"], "203.0.113.200", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.5", True),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "fe80::1%eth0", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["203.0.113.7"], "", False),
        (["203.0.113.7"], "203.0.113.7, 10.0.0.1", False),
        ([], "anything", True),
    ],
)
def test_addresses(allowed: list[str], address: str, passes: bool) -> None:
    caller = Caller(ip_allowlist=parse_networks(allowed))
    if passes:
        check_restrictions(caller, address, None)
        return
    with pytest.raises(PermissionRefused) as caught:
        check_restrictions(caller, address, None)
    assert caught.value.code == "IP_RESTRICTED"


@pytest.mark.parametrize(
    ("allowed", "referrer", "passes"),
    [
        (["example.com"], "https://example.com/page?x=1", True),
        (["Example.COM"], "https://EXAMPLE.com:8443", True),
        (["example.com"], "https://example.com.", True),
        (["example.com"], "https://www.example.com/", False),
        (["*.example.com"], "https://www.example.com/", True),
        (["*.example.com"], "https://example.com/", False),
        (["*.example.com"], "https://evil-example.com/", False),
        (["example.com"], "https://example.com.evil.net/", False),
        (["example.com"], "https://evil.net/?example.com", False),
        (["example.com"], "https://example.com@evil.net/", False),
        (["example.com"], None, False),
        (["example.com"], "null", False),
        (["example.com"], "http://[broken", False),
        ([], None, True),
    ],
)
def test_sites(allowed: list[str], referrer: str | None, passes: bool) -> None:
    caller = Caller(domain_referrers=parse_domains(allowed))
    if passes:
        check_restrictions(caller, "127.0.0.1", referrer)
        return
    with pytest.raises(PermissionRefused) as caught:
        check_restrictions(caller, "127.0.0.1", referrer)
    assert caught.value.code == "DOMAIN_RESTRICTED"


@pytest.mark.parametrize("entry", ["", "example.com", "10.0.0.0/33", "1.2.3", "::/129", "10.0.0.1-10.0.0.9"])
def test_what_is_no_network_names_its_place(entry: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_networks(["10.0.0.1", entry])
    assert caught.value.param == "ip_allowlist[1]"


@pytest.mark.parametrize("entry", ["", "*", "*.", "https://example.com", "a..b", "exa mple.com", "a" * 64 + ".com"])
def test_what_is_no_host_names_its_place(entry: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_domains([entry])
    assert caught.value.param == "domain_referrers[0]"


def test_nobody_has_no_scopes_and_no_restriction() -> None:
    check_restrictions(ANONYMOUS, "", None)
    assert not ANONYMOUS.is_restricted()
    assert ANONYMOUS.is_anonymous
    assert not ANONYMOUS.may("read", "models")
    assert Caller(key_id=1, scopes={"read": ("models",)}).may("read", "models")
    assert not Caller(key_id=1, scopes={"read": ("models",)}).may("read", "keys")
    assert not Caller(key_id=1, scopes={"admin": ("*",)}).is_admin
