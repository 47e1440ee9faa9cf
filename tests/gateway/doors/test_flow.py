"""From the first request to the end of the session through nginx and HAProxy, with the real identity provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from config.settings import Settings
from gateway.routes.route_file import SHIPPED
from tests.gateway.doors.real import KINDS, in_front
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, SHOP, Browser, on_free_ports, people, running, shops
from tests.gateway.proxy.rig import free_port

END = 0.5
"""Seconds within which an end must be felt here."""


class Through(httpx2.AsyncHTTPTransport):
    """Whatever host is named, the proxy is asked."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


@pytest.fixture(params=KINDS)
async def browsers(
    settings: Settings, folder: Path, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[Browser, Browser]]:
    """Two of them, before a proxy, before a service; the gateway is asked, and has its own pages."""
    there = on_free_ports(settings)
    await people(there)
    routes = folder / "routes.toml"
    routes.write_text(SHIPPED.read_text(encoding="utf-8").replace("{port}", "8080"))  # what browsers name
    door, gateway = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    changes = {"listen": gateway, "routes": routes, "decision_listen": door, "trusted_proxies": ("127.0.0.1/32",)}
    there = there.model_copy(update={"gateway": there.gateway.model_copy(update=changes)})
    service = f"unix:{there.upstream_socket('commerce')}"
    async with (
        running(there, RELAY, PROVIDER, shops, GATEWAY),
        in_front(request.param, folder, door=door, gateway=gateway, service=service) as port,
    ):
        pair = Browser(there), Browser(there)
        for browser in pair:
            browser._shop = httpx2.AsyncClient(transport=Through(port), timeout=15)
        yield pair
        for browser in pair:
            await browser.close()


async def signed_in(browser: Browser, *, step: int = 0) -> httpx2.Response:
    return await browser.sign_in(await browser.go(f"{SHOP}/products/7?colour=blue"), "alice", step=step)


async def test_a_person_signs_in_and_is_taken_over_and_signs_out(browsers: tuple[Browser, Browser]) -> None:
    first, second = browsers
    page = await signed_in(first)
    assert page.status_code == 200, page.text
    assert first.address == f"{SHOP}/products/7?colour=blue"
    told = page.json()
    assert told["name"] == "Alice"
    assert "cookie" not in told["headers"]
    assert told["headers"]["x-forwarded-host"] == "shop.localhost:8080"
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1"
    again = await first.fetch("/products", **{"Munjigi-Assertion": "forged", "X-Forwarded-For": "203.0.113.9"})
    assert (again.status_code, again.json()["sub"]) == (200, told["sub"])
    assert (await first.fetch("/orders", "POST")).status_code == 200
    refused = await first.fetch("/orders", "POST", Origin="http://evil.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "MJ-GATEWAY-204")

    page = await signed_in(second, step=1)
    assert 'name="choice"' in page.text
    assert (await first.fetch("/products")).status_code == 200
    page = await second.submit(page, choice="take_over")
    taken_over = time.monotonic()
    while (lost := await first.fetch("/products")).status_code == 200:
        assert time.monotonic() - taken_over < END
        await asyncio.sleep(0.01)
    assert (lost.status_code, lost.json()["code"]) == (401, "MJ-GATEWAY-212")
    page = await first.go(f"{SHOP}/products")
    assert first.address.startswith(f"{SHOP}/.munjigi/ended?")

    assert (await second.fetch("/products")).status_code == 200
    await second.go(f"{SHOP}/.munjigi/sign-out", "POST")
    assert (await second.fetch("/products")).status_code == 401
