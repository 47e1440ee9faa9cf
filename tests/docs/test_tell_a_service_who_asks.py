"""What `docs/how-to/tell-a-service-who-asks.md` promises, through a real identity provider and gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from config.clock import SystemClock
from config.connections import open_database
from config.serving import serve_application
from config.settings import Settings
from gateway.routes.route_file import load_route_table
from gateway.vouching.told import Claim
from idp.clients.client import Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.storage import clients, proven_addresses
from idp.storage.directory_tables import user_account
from policy.artefact import Policy, Rule, RuleEffect
from policy.demo import shipped_policy
from tests.docs.test_examples import PROJECT, blocks, defined_by
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, SHOP, Browser, on_free_ports, people, running
from tests.gateway.outage_house import publish

PAGE = PROJECT / "docs" / "how-to" / "tell-a-service-who-asks.md"
SHIPPED = PROJECT / "config" / "shipped" / "routes.toml"


NIGHTLY = Client(
    client_id="nightly",
    name={"ko": "야간 작업", "en": "the nightly job"},
    auth_method="client_secret_basic",
    secret_hash=hash_secret("a secret"),
    redirect_uris=(),
    post_logout_redirect_uris=(),
    grant_types=("client_credentials",),
    scopes=("pages.read",),
    metadata=ClientMetadata(resources=(SHOP,)),
)
"""A program that asks for tokens for the host which it calls."""


def table(folder: Path, settings: Settings) -> Path:
    """The shipped routes, with a wiki in the shop's place."""
    ((_, shown),) = blocks(PAGE, "toml")
    wiki = shown.replace('address = "127.0.0.1:7200"', f'socket = "{settings.runtime}/wiki.sock"')
    wiki = wiki.replace(', scope = "pages.read"', "")
    file = folder / "routes.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8").replace('upstream = "commerce"', 'upstream = "wiki"') + wiki)
    return file


def with_the_program(policy: Policy) -> Policy:
    """A policy, and in it the rule that lets the program in."""
    rule = Rule("nightly", 10, "client:nightly", "shop", "/**", RuleEffect.ALLOW)
    return msgspec.structs.replace(policy, roles=(*policy.roles, "client:nightly"), rules=(rule, *policy.rules))


@pytest.fixture
async def house(settings: Settings, tmp_path: Path) -> AsyncIterator[Settings]:
    """A house with a wiki, whose gateway may exchange tokens for it."""
    there = on_free_ports(settings)
    there = there.model_copy(update={"gateway": there.gateway.model_copy(update={"routes": table(tmp_path, there)})})
    await people(there)
    await publish(there, with_the_program(shipped_policy()))
    database = open_database(there, "idp")
    async with database.begin() as tx:
        gateway = await clients.find(tx, "munjigi-gateway")
        allowed = defined_by(PAGE)["that_exchanges"](gateway, "https://wiki.example")
        await clients.put(tx, allowed, SystemClock().now())
        await clients.put(tx, NIGHTLY, SystemClock().now())
        alice = (await tx.execute(select(user_account).where(user_account.c.display_name == "Alice"))).one()
        assert await proven_addresses.prove(tx, alice.id, alice.email, SystemClock().now())
    await database.dispose()

    async def say(request: Request) -> JSONResponse:
        return JSONResponse(dict(request.headers))

    async def wiki(settings: Settings, ready: Any, stop: Any) -> None:
        app = Starlette(routes=[Route("/{rest:path}", say)])
        await serve_application(app, f"unix:{settings.runtime}/wiki.sock", ready=ready, stop=stop, drain=1)

    async with running(there, RELAY, PROVIDER, wiki, GATEWAY):
        yield there


async def test_a_service_is_told_as_it_asked(house: Settings) -> None:
    await of_a_person(house)
    await of_a_program(house)


async def of_a_person(house: Settings) -> None:
    browser = Browser(house)
    page = await browser.sign_in(await browser.go(SHOP + "/"), "alice")
    told = page.json()
    assert "munjigi-assertion" not in told
    assert "customer" in told["x-forwarded-groups"].split(",")
    assert told["x-forwarded-email"] == "alice@mail.example"
    kind, _, token = told["authorization"].partition(" ")
    assert kind == "Bearer"
    async with httpx2.AsyncClient(trust_env=False) as anybody:
        keys = KeySet.import_key_set((await anybody.get(f"{house.idp.issuer}/jwks")).json())
    claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
    assert claims["aud"] == "https://wiki.example"
    assert claims["act"] == {"sub": "munjigi-gateway"}
    assert claims["sub"] == told["x-forwarded-user"]
    forged = await browser.fetch("/", **{"X-Forwarded-User": "root", "X_Forwarded_Preferred_Username": "root"})
    again = forged.json()
    assert again["x-forwarded-user"] == claims["sub"]
    assert "root" not in again.values()
    assert again["authorization"] == told["authorization"], "one token for the session"
    nobody = await browser.client(SHOP).get(f"{SHOP}/assets/a", headers={"X-Forwarded-User": "root"})
    assert {"x-forwarded-user", "authorization"} & nobody.json().keys() == set()
    await browser.close()


async def of_a_program(house: Settings) -> None:
    """Its token is for the host alone that it calls (RFC 8707), and the service gets one of its own."""
    browser = Browser(house)
    async with httpx2.AsyncClient(trust_env=False, base_url=house.idp.issuer) as anybody:
        keys = KeySet.import_key_set((await anybody.get("/jwks")).json())
        basic = httpx2.BasicAuth("nightly", "a secret")
        form = {"grant_type": "client_credentials", "resource": SHOP}
        token = (await anybody.post("/token", data=form, auth=basic)).json()["access_token"]
    assert jwt.decode(token, keys, algorithms=["ES256"]).claims["aud"] == SHOP

    answer = await browser.client(SHOP).get(f"{SHOP}/pages", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == HTTPStatus.OK, answer.text
    told = answer.json()
    claims = jwt.decode(told["authorization"].removeprefix("Bearer "), keys, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["sub"]) == ("https://wiki.example", "nightly")
    assert claims["act"] == {"sub": "munjigi-gateway"}
    await browser.close()


def test_its_block_is_taken_up_and_every_value_is_in_its_table(tmp_path: Path) -> None:
    ((_, shown),) = blocks(PAGE, "toml")
    file = tmp_path / "routes.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8") + shown)
    assert "wiki" in load_route_table(file, runtime=tmp_path, port=8080).upstreams
    page = PAGE.read_text(encoding="utf-8")
    assert [claim for claim in Claim if f"`{claim}`" not in page] == []
