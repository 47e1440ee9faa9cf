"""What is described of APIs limits what is given: at every grant, and for whoever was granted something before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import pytest

from config.connections import Valkey
from config.settings import Settings
from idp.clients.metadata import ClientMetadata
from idp.directory.account import Organisation
from idp.grants.ciba import CIBA
from idp.grants.device_code import DEVICE_CODE
from idp.grants.token_exchange import ACCESS_TOKEN, TOKEN_EXCHANGE
from idp.protocol.access_token import AUDIENCE
from idp.storage import directory, resource_servers
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.grants.programs import change, claims, program
from tests.idp.people import BEGUN
from tests.idp.provider import App, Provider, running_provider
from tests.idp.resources.described import NOBODYS, ORDERS, STOCK, describe, forget, orders, scope, server, told
from tests.idp.signing_app import push
from tests.idp.signing_app import told as told_app

BOTH = ClientMetadata(resources=(ORDERS, STOCK))
OWN = ("openid", "profile", "email")
OTHER = UUID("00000000-0000-4000-8000-0000000000bb")


@pytest.fixture
async def strict(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    """A provider that gives nothing but what is described."""
    own = settings.model_copy(update={"idp": settings.idp.model_copy(update={"require_described_resources": True})})
    async with running_provider(own, database("idp"), valkey, clock) as running:
        yield running


async def app_with(provider: Provider, *scopes: str, metadata: ClientMetadata = BOTH, **changed: Any) -> App:
    """A relying app that registered these scopes beside the standard ones, and both APIs."""
    app = await provider.register()
    await change(provider, app, scopes=(*OWN, *scopes), metadata=metadata, **changed)
    return app


async def for_itself(provider: Provider, app: App, **form: str) -> httpx2.Response:
    return await provider.token(app, grant_type="client_credentials", **form)


async def asked(provider: Provider, app: App, scope: str, **request: str) -> dict[str, str]:
    """What an authorization request tells the app at once."""
    response = await provider.browser().get(app.request(scope=scope, **request))
    return told_app(response) if response.headers["location"].startswith("https://app.example") else {}


def refused(response: httpx2.Response, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (400, error), response.text


async def test_a_program_gets_scopes_for_programs_alone(provider: Provider, database: OpenDatabase) -> None:
    await describe(provider, orders())
    named = ("orders.read", "orders.mine", "orders.all", "reports")
    app = await program(provider, scopes=named, metadata=BOTH)
    answer = await for_itself(provider, app, resource=ORDERS)
    assert answer.json()["scope"] == "orders.read orders.all reports"
    assert claims(provider, answer.json()["access_token"])["scope"] == "orders.read orders.all reports"
    refused(await for_itself(provider, app, resource=ORDERS, scope="orders.read orders.mine"), "invalid_scope")
    whole = await for_itself(provider, app, resource=ORDERS, scope="orders.all")
    assert claims(provider, whole.json()["access_token"])["aud"] == ORDERS


async def test_nothing_begins_of_a_refused_request(provider: Provider, database: OpenDatabase) -> None:
    await describe(provider, orders())
    app = await program(provider, scopes=("orders.mine",), metadata=BOTH)
    refused(await for_itself(provider, app, resource=ORDERS, scope="orders.mine"), "invalid_scope")
    async with database("idp").connect() as tx:
        assert (await tx.exec_driver_sql("SELECT count(*) FROM idp.machine_session")).scalar() == 0


async def test_a_person_s_login_gets_scopes_for_people_alone(provider: Provider) -> None:
    await describe(provider, orders())
    app = await app_with(provider, "orders.mine", "orders.all")
    said = await asked(provider, app, "openid orders.all orders.mine", resource=ORDERS)
    assert (said["error"], said["error_description"]) == ("invalid_scope", "orders.all is not for people")
    pushed = await push(provider, app, scope="openid orders.all", resource=ORDERS)
    refused(pushed, "invalid_scope")
    code = await provider.sign_in(
        provider.browser(), app, await provider.person(), scope="openid orders.mine", resource=ORDERS
    )
    tokens = (await provider.redeem(app, code)).json()
    said = claims(provider, tokens["access_token"])
    assert (said["aud"], said["scope"]) == (ORDERS, "openid orders.mine")


async def test_scopes_are_asked_for_with_their_own_resource(provider: Provider) -> None:
    await describe(provider, orders(), server(STOCK, scope("stock")))
    app = await app_with(provider, "orders.read", "stock")
    for wrong in ("openid stock", "openid orders.read stock"):
        said = await asked(provider, app, wrong, resource=ORDERS)
        assert (said["error"], said["error_description"]) == ("invalid_scope", "stock is a scope of another resource")
    assert (await asked(provider, app, "openid orders.read stock"))["error"] == "invalid_target"
    assert await asked(provider, app, "openid orders.read", resource=ORDERS) == {}
    reporter = await program(provider, scopes=("orders.read", "stock"), metadata=BOTH)
    refused(await for_itself(provider, reporter, resource=ORDERS, scope="stock"), "invalid_scope")
    refused(await for_itself(provider, reporter, resource=AUDIENCE, scope="stock"), "invalid_scope")
    assert (await for_itself(provider, reporter, resource=STOCK)).json()["scope"] == "stock"
    services = (await for_itself(provider, reporter)).json()
    assert (services["scope"], claims(provider, services["access_token"])["aud"]) == ("", AUDIENCE)


async def test_whoever_names_scopes_alone_means_their_resource(provider: Provider) -> None:
    await describe(provider, orders())
    app = await app_with(provider, "orders.read")
    code = await provider.sign_in(provider.browser(), app, await provider.person(), scope="openid orders.read")
    tokens = (await provider.redeem(app, code)).json()
    assert claims(provider, tokens["access_token"])["aud"] == ORDERS
    reporter = await program(provider, scopes=("orders.read",), metadata=BOTH)
    token = (await for_itself(provider, reporter, scope="orders.read")).json()["access_token"]
    assert claims(provider, token)["aud"] == ORDERS
    without = await program(provider, "without", scopes=("orders.read",))
    refused(await for_itself(provider, without, scope="orders.read"), "invalid_target")


async def test_a_token_for_less_holds_what_belongs_there(provider: Provider) -> None:
    await describe(provider, orders(), server(STOCK, scope("stock")))
    app = await app_with(provider, "orders.read", "stock")
    browser, person = provider.browser(), await provider.person()
    wanted = app.request(scope="openid profile orders.read stock") + f"&resource={ORDERS}&resource={STOCK}"
    await browser.follow(await browser.get(wanted))
    await provider.prove(browser, person)
    tokens = (await provider.redeem(app, browser.query()["code"], resource=ORDERS)).json()
    assert tokens["scope"] == "openid profile orders.read"
    less = (await provider.refresh(app, tokens["refresh_token"], resource=STOCK)).json()
    assert claims(provider, less["access_token"])["scope"] == "openid profile stock"
    wrong = await provider.refresh(app, less["refresh_token"], resource=STOCK, scope="orders.read")
    refused(wrong, "invalid_scope")
    whole = await provider.refresh(app, less["refresh_token"])  # what was refused has used nothing
    assert whole.json()["scope"] == "openid profile orders.read stock"


async def test_what_is_described_later_holds_for_what_was_granted_before(provider: Provider) -> None:
    app = await app_with(provider, "orders.all", "reports")
    code = await provider.sign_in(
        provider.browser(), app, await provider.person(), scope="openid orders.all reports", resource=ORDERS
    )
    tokens = (await provider.redeem(app, code)).json()
    assert tokens["scope"] == "openid orders.all reports"
    await describe(provider, orders(lifetime=60))
    tokens = (await provider.refresh(app, tokens["refresh_token"])).json()
    assert (tokens["scope"], tokens["expires_in"]) == ("openid reports", 60)


async def test_the_shorter_lifetime_wins_and_the_house_s_is_the_longest(provider: Provider, clock: FakeClock) -> None:
    await describe(provider, orders(lifetime=60), server(STOCK, lifetime=120))
    app = await program(provider, scopes=("reports",), metadata=ClientMetadata(resources=(ORDERS, STOCK, NOBODYS)))

    async def lives(*resources: str) -> int:
        form = httpx2.QueryParams([("grant_type", "client_credentials"), *(("resource", one) for one in resources)])
        async with provider.client() as client:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = await client.post("/token", content=str(form), headers=headers, auth=provider.basic(app))
        said = claims(provider, answer.json()["access_token"])
        assert answer.json()["expires_in"] == said["exp"] - said["iat"]
        return int(said["exp"] - said["iat"])

    assert await lives(ORDERS) == 60
    assert await lives(STOCK, ORDERS) == 60
    assert await lives(STOCK, AUDIENCE) == 120
    assert await lives(NOBODYS) == await lives() == 300
    async with provider.parts.database.begin() as tx:  # what is kept may be more than the house allows by now
        [kept] = [one for one in await resource_servers.described(tx) if one.identifier == ORDERS]
        await resource_servers.change(tx, replace(kept, access_token_lifetime=86_400))
    told(provider)
    assert await lives(ORDERS) == 300


async def test_an_organisation_limits_its_own_clients_alone(provider: Provider) -> None:
    async with provider.parts.database.begin() as tx:
        other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
        await directory.put_organisation(tx, other, BEGUN)
    await describe(provider, orders(lifetime=60, organisation_id=OTHER))
    of_others = await program(provider, scopes=("orders.mine",), metadata=BOTH)
    answer = await for_itself(provider, of_others, resource=ORDERS, scope="orders.mine")
    assert (answer.json()["scope"], answer.json()["expires_in"]) == ("orders.mine", 300)
    await change(provider, of_others, organisation_id=OTHER)
    refused(await for_itself(provider, of_others, resource=ORDERS, scope="orders.mine"), "invalid_scope")
    assert (await for_itself(provider, of_others, resource=ORDERS)).json()["expires_in"] == 60


async def test_a_device_and_a_backchannel_request_are_held_to_it(provider: Provider) -> None:
    await describe(provider, orders())
    tv = await app_with(provider, "orders.mine", "orders.all", grant_types=(DEVICE_CODE, CIBA))
    basic = provider.basic(tv)

    async def device(**form: str) -> httpx2.Response:
        return await provider.post("/device_authorization", form, basic)

    async def backchannel(**form: str) -> httpx2.Response:
        return await provider.post("/bc-authorize", {"login_hint": "mina", **form}, basic)

    for ask in (device, backchannel):
        refused(await ask(scope="openid orders.all", resource=ORDERS), "invalid_scope")
        refused(await ask(scope="openid orders.mine", resource=STOCK), "invalid_scope")
        assert (await ask(scope="openid orders.mine", resource=ORDERS)).status_code == 200
    assert (await device(resource=ORDERS)).status_code == 200
    assert (await device(unknown="left out")).status_code == 200
    async with provider.parts.database.connect() as tx:
        rows = await tx.exec_driver_sql("SELECT scope, resources FROM idp.pending_grant ORDER BY created_at")
        kept = [(" ".join(row.scope), list(row.resources)) for row in rows]
    assert sorted(kept) == sorted(
        [
            ("openid orders.mine", [ORDERS]),
            ("openid orders.mine", [ORDERS]),
            ("openid profile email orders.mine", [ORDERS]),
            ("openid profile email", []),
        ]
    )


async def test_what_is_exchanged_is_held_to_it(provider: Provider) -> None:
    await describe(provider, orders(), server(STOCK, scope("stock"), lifetime=30))
    app = await app_with(provider, "orders.mine", "reports")
    browser, person = provider.browser(), await provider.person()
    wanted = app.request(scope="openid orders.mine reports") + f"&resource={ORDERS}&resource={AUDIENCE}"
    await browser.follow(await browser.get(wanted))
    await provider.prove(browser, person)
    subject = (await provider.redeem(app, browser.query()["code"])).json()["access_token"]
    service = await program(provider, "service", scopes=("orders.mine", "reports"), metadata=BOTH)
    await change(provider, service, grant_types=("client_credentials", TOKEN_EXCHANGE))
    actor = (await for_itself(provider, service)).json()["access_token"]

    async def exchange(**form: str) -> httpx2.Response:
        tokens = {"subject_token": subject, "actor_token": actor}
        kinds = dict.fromkeys(("subject_token_type", "actor_token_type"), ACCESS_TOKEN)
        return await provider.token(service, grant_type=TOKEN_EXCHANGE, **tokens, **kinds, **form)

    assert (await exchange(resource=ORDERS)).json()["scope"] == "orders.mine reports"
    elsewhere = (await exchange(resource=STOCK)).json()
    assert (elsewhere["scope"], elsewhere["expires_in"]) == ("reports", 30)
    refused(await exchange(resource=STOCK, scope="orders.mine"), "invalid_scope")


async def test_under_strict_nothing_is_given_that_nobody_described(strict: Provider) -> None:
    described = orders()
    await describe(strict, described)
    app = await app_with(strict, "orders.mine", "reports", metadata=ClientMetadata(resources=(ORDERS, NOBODYS)))
    said = await asked(strict, app, "openid reports")
    assert (said["error"], said["error_description"]) == ("invalid_scope", "nobody has described reports")
    assert (await asked(strict, app, "openid", resource=NOBODYS))["error"] == "invalid_target"
    reporter = await program(strict, scopes=("reports", "orders.read"), metadata=ClientMetadata(resources=(NOBODYS,)))
    refused(await for_itself(strict, reporter, scope="reports"), "invalid_scope")
    refused(await for_itself(strict, reporter, resource=NOBODYS), "invalid_target")
    assert (await for_itself(strict, reporter)).json()["scope"] == ""
    code = await strict.sign_in(
        strict.browser(), app, await strict.person(), scope="openid orders.mine", resource=ORDERS
    )
    tokens = (await strict.redeem(app, code)).json()
    await forget(strict, described)
    refused(await strict.refresh(app, tokens["refresh_token"]), "invalid_target")
