"""A program behind the gateway, end to end: what policy allows it alone, and how quickly its token is dead (S4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import msgspec
import pytest

from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from events import outbox
from idp.clients.client import Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.sessions.machine_sessions import MachineSessions
from idp.storage import clients, machine_sessions
from jose.storage.keys import SigningKeys
from policy import versions
from policy.artefact import Rule, RuleEffect
from policy.demo import shipped_policy
from policy.storage.versions import PolicyVersions
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, SHOP, on_free_ports, people, running, shops

SECRET = "a secret of 256 bits, let us say"
END = 0.5
"""Seconds within which an end must be felt here."""


@dataclass
class House:
    settings: Settings
    gateway: httpx2.AsyncClient
    provider: httpx2.AsyncClient

    async def token(self, client_id: str = "reporter", **form: str) -> str:
        answer = await self.provider.post(
            "/token", data={"grant_type": "client_credentials", **form}, auth=httpx2.BasicAuth(client_id, SECRET)
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def get(self, path: str, token: str) -> httpx2.Response:
        return await self.gateway.get(path, headers={"Authorization": f"Bearer {token}"})

    async def dead(self, token: str) -> float:
        """Seconds until the token is refused."""
        since = time.monotonic()
        while (await self.get("/reports/daily", token)).status_code != 401:
            assert time.monotonic() - since < 5
        return time.monotonic() - since


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    there = on_free_ports(settings)
    await people(there)
    await allow(there, Rule("reporter-reads", 1, "client:reporter", "shop", "/reports/*", RuleEffect.ALLOW))
    database = open_database(there, "idp")
    async with database.begin() as tx:
        for name in ("reporter", "other"):
            client = Client(
                client_id=name,
                name={"ko": "보고서", "en": "Reports"},
                auth_method="client_secret_basic",
                secret_hash=hash_secret(SECRET),
                redirect_uris=(),
                post_logout_redirect_uris=(),
                grant_types=("client_credentials",),
                scopes=("reports",),
                metadata=ClientMetadata(resources=(SHOP, "http://console.localhost:8080")),
            )
            await clients.put(tx, client, SystemClock().now())
    await database.dispose()
    gateway = httpx2.AsyncHTTPTransport(uds=there.gateway.listen.removeprefix("unix:"))
    async with (
        running(there, RELAY, PROVIDER, shops, GATEWAY),
        httpx2.AsyncClient(transport=gateway, base_url="http://shop.localhost:8080") as through,
        httpx2.AsyncClient(trust_env=False, base_url=there.idp.issuer) as provider,
    ):
        yield House(there, through, provider)


async def allow(settings: Settings, rule: Rule) -> None:
    """Publish a policy with one more rule."""
    database, stored, clock = open_database(settings, "policy"), PolicyVersions(), SystemClock()
    shipped = shipped_policy()
    policy = msgspec.structs.replace(shipped, rules=(*shipped.rules, rule), roles=(*shipped.roles, rule.role))
    async with database.begin() as tx:
        await stored.hold(tx)
        act = versions.Act("test", "a program reads reports", clock.now(), "test")
        ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "policy", act.at)
        made, _ = await versions.draft(stored, tx, policy, act)
        await versions.publish(stored, tx, made.number, ring.active, act)
    await database.dispose()


async def test_it_may_do_what_a_rule_allows_it_by_name_and_nothing_else(house: House) -> None:
    token, other = await house.token(), await house.token("other")
    answer = await house.get("/reports/daily", token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["sub"] == "reporter"
    assert answer.json()["name"] == ""
    assert (await house.get("/orders", token)).status_code == 403
    assert (await house.get("/reports/daily", other)).status_code == 403


async def test_a_revoked_token_is_refused_at_once_and_the_others_are_not(house: House) -> None:
    token, other = await house.token(), await house.token()
    assert (await house.get("/reports/daily", token)).status_code == 200
    auth = httpx2.BasicAuth("reporter", SECRET)
    assert (await house.provider.post("/revoke", data={"token": token}, auth=auth)).status_code == 200
    assert await house.dead(token) < END
    assert (await house.get("/reports/daily", other)).status_code == 200
    assert (await house.get("/reports/daily", await house.token())).status_code == 200


async def test_a_gateway_that_never_saw_the_token_refuses_it_too(house: House) -> None:
    """What it asks of the projection tells it."""
    token = await house.token()
    auth = httpx2.BasicAuth("reporter", SECRET)
    assert (await house.provider.post("/revoke", data={"token": token}, auth=auth)).status_code == 200
    await asyncio.sleep(0.2)  # until it is in the projection
    assert (await house.get("/reports/daily", token)).status_code == 401


async def test_the_end_of_its_session_ends_all_its_tokens_and_the_next_ones_are_good(house: House) -> None:
    tokens = [await house.token() for _ in range(2)]
    assert (await house.get("/reports/daily", tokens[0])).status_code == 200
    database, valkey = open_database(house.settings, "idp"), open_valkey(house.settings)
    machines = MachineSessions(machine_sessions, SystemClock(), SystemEntropy(), absolute_lifetime=timedelta(hours=12))
    async with database.begin() as tx:
        await machines.end_machine_sessions(tx, "reporter", "administrator", correlation_id="test")
    await outbox.poke(valkey)
    assert await house.dead(tokens[0]) < END
    assert (await house.get("/reports/daily", tokens[1])).status_code == 401
    assert (await house.get("/reports/daily", await house.token())).status_code == 200
    await valkey.aclose()
    await database.dispose()


async def test_what_a_host_says_of_itself_is_what_a_token_for_it_is_asked_by(house: House) -> None:
    """RFC 9728 leads to RFC 8707: the demo data describe the shop, and a token for it is good there alone."""
    said = (await house.gateway.get("/.well-known/oauth-protected-resource")).json()
    assert said["resource"] == SHOP
    assert said["scopes_supported"][-2:] == ["orders.read", "orders.write"]
    here = await house.token(resource=said["resource"])
    assert (await house.get("/reports/daily", here)).status_code == 200
    elsewhere = await house.token(resource="http://console.localhost:8080")
    assert (await house.get("/reports/daily", elsewhere)).status_code == 401
    assert (await house.get("/reports/daily", await house.token())).status_code == 200
