"""Whose address a request bears."""

from __future__ import annotations

import pytest

from config.client_address import UNKNOWN, ClientAddresses


def test_nobody_is_believed_by_default() -> None:
    addresses = ClientAddresses()
    assert not addresses.trusts("127.0.0.1")
    assert addresses.forwarded("127.0.0.1", [b"1.2.3.4"]) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", [b"1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", [b"9.9.9.9, 1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", [b"9.9.9.9, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", [b"9.9.9.9", b"1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"1.2.3.4, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [b"1.2.3.4, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [b"1.2.3.4:5678"], "1.2.3.4"),
        ("10.0.0.1", [b"[2001:db8::1]:5678"], "2001:db8::1"),
        ("::ffff:10.0.0.1", [b"::ffff:1.2.3.4"], "1.2.3.4"),
        ("192.0.2.1", [b"1.2.3.4"], "192.0.2.1"),
        ("::ffff:192.0.2.1", [b"1.2.3.4"], "192.0.2.1"),
        ("fe80::1%eth0", [b"1.2.3.4"], "fe80::1"),
        ("", [b"1.2.3.4"], UNKNOWN),
    ],
)
def test_forwarded_addresses_are_believed_only_as_far_as_trusted_peers_wrote_them(
    peer: str, forwarded: list[bytes], client: str
) -> None:
    addresses = ClientAddresses(["10.0.0.0/8"])
    assert addresses.forwarded(peer, forwarded) == client


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        ClientAddresses(["10.0.0.0/40"])
