"""What is fetched for clients never leads inside."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from idp.clients.outbound import Outbound, Unreachable, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1", "x", "",
    ],
)  # fmt: skip
def test_addresses_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_addresses_outside(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1/", "https://localhost/", "http://shop.localhost:8080/", "https://127.0.0.1/", "https://[::1]/",
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://user@example.com/",
        "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://0x7f.1/", "https://2130706433/", "",
    ],
)  # fmt: skip
async def test_a_public_provider_asks_nobody_inside(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_named: Any) -> None:
        raise AssertionError("it connected")

    monkeypatch.setattr("httpx2.AsyncClient.send", refuse)
    with pytest.raises(Unreachable):
        await Outbound("https://id.example").get(url, largest=100)


async def test_a_name_with_one_address_inside_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(*_arguments: Any, **_named: Any) -> list[Any]:
        entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*entry, ("93.184.216.34", 443)), (*entry, ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved, raising=False)
    with pytest.raises(Unreachable, match="not public"):
        await Outbound("https://id.example").get("https://rebinding.example/", largest=100)
