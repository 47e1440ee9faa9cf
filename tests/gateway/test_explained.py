"""The whole way: refused by a real gateway, found by the id on the answer, explained, replayed by a draft."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

import policy.admin.app
import policy.recording.worker
from audit.verify import verify
from config.clock import SystemClock
from config.connections import open_database
from config.envelope import Envelope
from config.settings import Settings
from jose.assertion import AssertionSigner, Subject
from jose.storage.keys import SigningKeys
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, SHOP, Browser, on_free_ports, people, running, shops


class Api:
    """Speaks to the policy service as the gateway would for an administrator."""

    def __init__(self, settings: Settings, signer: AssertionSigner) -> None:
        self._signer = signer
        self._operator = str(settings.policy.operator)
        transport = httpx2.AsyncHTTPTransport(uds=str(settings.upstream_socket("policy")))
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://console.localhost:8080", timeout=20)

    async def __call__(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        now = SystemClock().timestamp()
        who = Subject(
            sid="s" * 22, sub="u-admin", org=self._operator, roles=("administrator",),
            acr="urn:munjigi:acr:2", auth_time=now,
        )  # fmt: skip
        return await self.client.request(
            method,
            f"/api/policy{path}",
            headers={"Munjigi-Assertion": self._signer.sign("policy", who, zone="admin", now=now), **headers},
            **({} if body is None else {"json": body}),
        )


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[Settings]:
    there = on_free_ports(settings)
    await people(there)
    services = (RELAY, PROVIDER, shops, GATEWAY, policy.admin.app.serve, policy.recording.worker.serve)
    async with running(there, *services):
        yield there


@pytest.fixture
async def api(house: Settings) -> AsyncIterator[Api]:
    database = open_database(house, "gateway")
    async with database.begin() as tx:
        ring = await SigningKeys(Envelope.load(house)).ensure_active(tx, "assertion", datetime.now(UTC))
    await database.dispose()
    speaks = Api(house, AssertionSigner(ring))
    yield speaks
    await speaks.client.aclose()


async def until(ask: Callable[[], Awaitable[httpx2.Response]], ready: Callable[[httpx2.Response], bool]) -> Any:
    """What is answered once it is ready."""
    async with asyncio.timeout(20):
        while True:
            answer = await ask()
            if ready(answer):
                return answer.json()
            await asyncio.sleep(0.1)


async def test_a_refusal_is_found_explained_and_replayed(house: Settings, api: Api) -> None:
    browser = Browser(house)
    page = await browser.go(f"{SHOP}/products/7")
    await browser.sign_in(page, "alice")
    allowed = await browser.fetch("/products")
    assert allowed.status_code == 200
    refused = await browser.fetch("/console-of-vendors/stock", "PUT")
    assert refused.status_code == 403, refused.text
    ident = refused.headers["munjigi-correlation-id"]
    assert refused.json()["correlation_id"] == ident

    told = await until(lambda: api("GET", f"/decisions/{ident}/explanation"), lambda answer: answer.status_code == 200)
    assert (told["decision"]["effect"], told["recorded"]["path"]) == ("deny", "/console-of-vendors/stock")
    assert told["recorded"]["reproduced"] is True
    assert told["recorded"]["sub"]
    text = await api("GET", f"/decisions/{ident}/explanation", Accept="text/plain")
    assert "/console-of-vendors/stock" in text.text

    current = (await api("GET", "/current")).json()
    opened = current["rules"] + "p, 1, draft.opens, customer, *, shop, /console-of-vendors/**, PUT, , allow,\n"
    draft = await api("POST", "/drafts", {"why": "vendors asked", "rules": opened})
    assert draft.status_code == 201, draft.text
    number = draft.json()["version"]["number"]
    by_draft = (await api("GET", f"/decisions/{ident}/explanation?version={number}")).json()
    assert (by_draft["decision"]["effect"], by_draft["decision"]["winner"]) == ("allow", "draft.opens")

    begun = await api("POST", f"/versions/{number}/replays", {"why": "who would gain?"})
    assert begun.status_code == 202, begun.text
    replay = await until(
        lambda: api("GET", f"/replays/{begun.json()['id']}"),
        lambda answer: answer.json()["state"] not in ("waiting", "running"),
    )
    assert replay["state"] == "done", replay["trouble"]
    assert (replay["totals"]["gained"], replay["totals"]["lost"]) == (1, 0)
    (gained,) = replay["gained"]
    assert (gained["sub"], gained["example"], gained["would_be_rule"]) == (
        told["recorded"]["sub"],
        ident,
        "draft.opens",
    )
    assert replay["done"] == replay["of"] >= 2
    listed = (await api("GET", f"/decisions?effect=deny&sub={gained['sub']}")).json()["decisions"]
    assert [one["id"] for one in listed] == [ident]
    await shadowed(api, browser, number)
    await browser.close()
    assert (await verify(house)).sound


async def shadowed(api: Api, browser: Browser, number: int) -> None:
    """The draft decides live requests, too: what it would change is reported, and no answer is another for it."""
    path = f"/versions/{number}/shadow"
    begun = await api("POST", path, {"why": "who would gain?", "share": 1, "seconds": 600})
    assert begun.status_code == 200, begun.text

    async def asked_again() -> httpx2.Response:
        answer = await browser.fetch("/console-of-vendors/stock", "PUT")
        assert answer.status_code == 403, "the answer is the published policy's"
        return await api("GET", path)

    report = await until(asked_again, lambda answer: bool(answer.json()["differing"]))
    (found,) = report["differing"]
    assert (found["was"], found["would_be"], found["zone"], found["rule"]) == ("deny", "allow", "shop", "draft.opens")
    assert report["decided"] == report["same"] + found["count"]
    example = found["example_decision_id"]
    told = await until(lambda: api("GET", f"/decisions/{example}/explanation"), lambda one: one.status_code == 200)
    assert told["recorded"]["path"] == "/console-of-vendors/stock"
    ended = await api("DELETE", f"{path}?why=seen%20enough")
    assert ended.json()["running"] is False
