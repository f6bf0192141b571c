import pytest

from gatewayz.web.client_address import ClientAddresses


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ([], "203.0.113.9", b"1.2.3.4", "203.0.113.9"),
        (["127.0.0.1"], "203.0.113.9", b"1.2.3.4", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", None, "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", b"1.2.3.4", "1.2.3.4"),
        (["127.0.0.1"], "127.0.0.1", b"6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", b"6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
        (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", b"10.2.2.2, 10.1.1.1", "10.2.2.2"),
        (["127.0.0.1"], "127.0.0.1", b"1.2.3.4, nonsense", "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", b"[2001:db8::1]:443", "2001:db8::1"),
        (["127.0.0.1"], "127.0.0.1", b"1.2.3.4:5678", "1.2.3.4"),
        (["127.0.0.1"], "127.0.0.1", b"::ffff:1.2.3.4", "1.2.3.4"),
        (["::1"], "::1", b"1.2.3.4", "1.2.3.4"),
    ],
)
def test_forwarded_headers_count_from_the_right_and_only_behind_trusted_proxies(
    trusted: list[str], peer: str, forwarded: bytes | None, client: str
) -> None:
    assert ClientAddresses(trusted).resolve(peer, forwarded) == client
