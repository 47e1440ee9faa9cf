"""Token exchange (RFC 8693): no more, no longer, in the same session, and never unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.clients.metadata import ClientMetadata
from idp.grants.token_exchange import ACCESS_TOKEN, TOKEN_EXCHANGE, exchanged_scope
from idp.protocol.access_token import AUDIENCE
from idp.storage import clients
from tests.clock import FakeClock
from tests.idp.grants.programs import change, claims, program
from tests.idp.provider import App, Provider

LEDGER = "https://ledger.example"


@pytest.fixture
async def service(provider: Provider) -> App:
    """A service that is called for people, and calls others for them."""
    service = await provider.register("service")
    await change(
        provider,
        service,
        grant_types=("client_credentials", TOKEN_EXCHANGE, "refresh_token"),
        scopes=("openid", "profile", "ledger"),
        metadata=ClientMetadata(resources=(LEDGER,)),
    )
    return service


async def own(provider: Provider, app: App) -> str:
    return str((await provider.token(app, grant_type="client_credentials")).json()["access_token"])


async def of_mina(provider: Provider) -> tuple[App, dict[str, Any]]:
    app, user = await provider.register(), await provider.person()
    code = await provider.sign_in(provider.browser(), app, user, scope="openid profile email")
    return app, (await provider.redeem(app, code)).json()


async def exchange(provider: Provider, app: App, subject: str, actor: str | None, **form: str) -> httpx2.Response:
    asked = {"subject_token": subject, "subject_token_type": ACCESS_TOKEN}
    if actor is not None:
        asked |= {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    return await provider.token(app, grant_type=TOKEN_EXCHANGE, **{**asked, **form})


async def test_the_new_token_is_of_the_same_session_and_says_who_acts(
    provider: Provider, service: App, clock: FakeClock
) -> None:
    _, tokens = await of_mina(provider)
    clock.advance(100)
    answer = await exchange(provider, service, tokens["access_token"], await own(provider, service), audience=LEDGER)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope", "issued_token_type"}
    assert (body["issued_token_type"], body["expires_in"], body["scope"]) == (ACCESS_TOKEN, 200, "profile")
    old, new = claims(provider, tokens["access_token"]), claims(provider, body["access_token"])
    assert new["act"] == {"sub": "service"}
    assert (new["sub"], new["sid"], new["exp"]) == (old["sub"], old["sid"], old["exp"])
    assert (new["aud"], new["client_id"]) == (LEDGER, "service")
    again = await exchange(
        provider,
        service,
        (await exchange(provider, service, tokens["access_token"], await own(provider, service))).json()[
            "access_token"
        ],
        await own(provider, service),
    )
    assert claims(provider, again.json()["access_token"])["act"] == {"sub": "service", "act": {"sub": "service"}}
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, old["sid"], "sign_out", correlation_id="test")
    dead = await exchange(provider, service, tokens["access_token"], await own(provider, service))
    assert dead.json()["error"] == "invalid_request"


async def test_a_program_is_spoken_for_where_the_service_registered_to_and_nowhere_else(
    provider: Provider, service: App, clock: FakeClock
) -> None:
    reporter = await program(provider, scopes=("reports", "ledger"))
    subject, actor = await own(provider, reporter), await own(provider, service)
    clock.advance(100)
    answer = await exchange(provider, service, subject, actor, resource=LEDGER)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["issued_token_type"], body["expires_in"], body["scope"]) == (ACCESS_TOKEN, 200, "ledger")
    old, new = claims(provider, subject), claims(provider, body["access_token"])
    assert (new["sub"], new["client_id"], new["act"]) == ("reporter", "service", {"sub": "service"})
    assert (new["aud"], new["sid"], new["exp"]) == (LEDGER, old["sid"], old["exp"])
    assert not {"org", "roles", "auth_time", "device"} & new.keys(), "nobody signed in"

    async def is_active(token: str) -> bool:
        basic = httpx2.BasicAuth("service", service.secret or "")
        return bool((await provider.post("/introspect", {"token": token}, basic)).json()["active"])

    assert await is_active(body["access_token"])
    for form in ({}, {"audience": AUDIENCE}, {"resource": "https://other.example"}):
        refused = await exchange(provider, service, subject, actor, **form)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target"), "it speaks for itself here"
    again = await exchange(provider, service, body["access_token"], actor, resource=LEDGER)
    assert again.json()["error"] == "invalid_request", "what was exchanged is good at the ledger, and not here"

    await provider.post("/revoke", {"token": body["access_token"]}, httpx2.BasicAuth("service", service.secret or ""))
    assert not await is_active(body["access_token"])
    another = (await exchange(provider, service, subject, actor, resource=LEDGER)).json()["access_token"]
    await provider.post("/revoke", {"token": subject}, httpx2.BasicAuth("reporter", reporter.secret or ""))
    dead = await exchange(provider, service, subject, actor, resource=LEDGER)
    assert dead.json()["error"] == "invalid_request", "its own token was revoked"
    async with provider.parts.database.begin() as tx:
        await provider.parts.machines.end_machine_sessions(tx, "reporter", "revoked", correlation_id="test")
    assert not await is_active(another), "it ends with the program's session"


async def test_what_does_not_fit_is_refused(provider: Provider, service: App) -> None:
    app, tokens = await of_mina(provider)
    other = await provider.register("other")
    await change(provider, other, grant_types=("client_credentials", TOKEN_EXCHANGE))
    subject, actor, foreign = tokens["access_token"], await own(provider, service), await own(provider, other)
    revoked = await own(provider, service)
    await provider.post("/revoke", {"token": revoked}, httpx2.BasicAuth("service", service.secret or ""))
    for answer, error in (
        (exchange(provider, service, subject, None), "invalid_request"),  # nobody acts unseen
        (exchange(provider, service, subject, subject), "invalid_request"),
        (exchange(provider, service, subject, foreign), "invalid_request"),
        (exchange(provider, service, subject, revoked), "invalid_request"),
        (exchange(provider, service, actor, actor), "invalid_target"),  # a program speaks for itself here
        (exchange(provider, service, "made up", actor), "invalid_request"),
        (exchange(provider, service, tokens["refresh_token"], actor), "invalid_request"),
        (exchange(provider, service, tokens["id_token"], actor), "invalid_request"),
        (exchange(provider, service, subject, actor, subject_token_type="made:up"), "invalid_request"),
        (exchange(provider, service, subject, actor, requested_token_type="made:up"), "invalid_request"),
        (exchange(provider, service, subject, actor, scope="profile ledger"), "invalid_scope"),  # the token has it not
        (exchange(provider, service, subject, actor, scope="email"), "invalid_scope"),  # the client has it not
        (exchange(provider, service, subject, actor, resource="https://other.example"), "invalid_target"),
        (exchange(provider, app, subject, actor), "unauthorized_client"),
    ):
        said = await answer
        assert (said.status_code, said.json()["error"]) == (400, error)


async def test_nothing_comes_of_a_client_that_is_switched_off(provider: Provider, service: App) -> None:
    app, tokens = await of_mina(provider)
    actor = await own(provider, service)
    async with provider.parts.database.begin() as tx:
        client = await clients.find(tx, app.client_id)
        assert client is not None
        await clients.put(tx, replace(client, enabled=False), provider.parts.clock.now())
    # before any node has heard of it
    refused = await exchange(provider, service, tokens["access_token"], actor)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    async with provider.parts.database.begin() as tx:
        await clients.put(tx, client, provider.parts.clock.now())
    assert (await exchange(provider, service, tokens["access_token"], actor)).status_code == 200


async def test_what_a_sector_calls_a_session_is_exchanged_as_the_session(provider: Provider, service: App) -> None:
    app, tokens = await of_mina(provider)
    old = claims(provider, tokens["access_token"])
    await change(provider, app, metadata=ClientMetadata(subject_type="pairwise"))
    hidden = (await provider.refresh(app, tokens["refresh_token"])).json()["access_token"]
    assert claims(provider, hidden)["sid"] != old["sid"]
    answer = await exchange(provider, service, hidden, await own(provider, service))
    new = claims(provider, answer.json()["access_token"])
    assert (new["sid"], new["sub"]) == (old["sid"], old["sub"]), "as the one who acts knows them"


ORDERS = "https://orders.example"


async def test_a_token_for_an_api_is_exchanged_by_that_api_alone(provider: Provider, service: App) -> None:
    app, user = await provider.register(), await provider.person()
    await change(provider, app, metadata=ClientMetadata(resources=(ORDERS,)))
    code = await provider.sign_in(provider.browser(), app, user, scope="openid profile", resource=ORDERS)
    token = (await provider.redeem(app, code)).json()["access_token"]
    assert claims(provider, token)["aud"] == ORDERS
    actor = await own(provider, service)
    for others in ((), ("https://others.example",)):
        await change(provider, service, metadata=ClientMetadata(resources=(LEDGER,), exchange_audiences=others))
        refused = await exchange(provider, service, token, actor, audience=LEDGER)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")

    await change(provider, service, metadata=ClientMetadata(resources=(LEDGER,), exchange_audiences=(ORDERS,)))
    answer = await exchange(provider, service, token, actor, audience=LEDGER)
    assert answer.status_code == 200, answer.text
    for target in ({}, {"audience": "urn:munjigi:services"}, {"audience": "https://others.example"}):
        kept_out = await exchange(provider, service, token, actor, **target)
        assert kept_out.json()["error"] == "invalid_target", "it was never for the house's own services"
    old, new = claims(provider, token), claims(provider, answer.json()["access_token"])
    assert (new["aud"], new["act"], new["sub"], new["sid"]) == (LEDGER, {"sub": "service"}, old["sub"], old["sid"])
    assert new["scope"] == "profile"
    more = await exchange(provider, service, token, actor, audience=LEDGER, scope="profile ledger")
    assert more.json()["error"] == "invalid_scope", "nobody let it have more than the token"
    metadata = ClientMetadata(resources=(LEDGER,), exchange_audiences=(ORDERS,), exchange_scopes=("ledger", "email"))
    await change(provider, service, metadata=metadata)
    more = await exchange(provider, service, token, actor, audience=LEDGER, scope="profile ledger")
    assert claims(provider, more.json()["access_token"])["scope"] == "profile ledger"
    assert (await exchange(provider, service, token, actor, audience=LEDGER)).json()["scope"] == "profile", "unasked"
    beyond = await exchange(provider, service, token, actor, audience=LEDGER, scope="email")
    assert beyond.json()["error"] == "invalid_scope", "the client has not registered it"


async def test_the_gateway_is_the_api_of_its_own_hosts_and_of_no_other(provider: Provider, service: App) -> None:
    """By the addresses at which people sign in through it; what is like it is not it."""
    shop, gateway = "http://shop.localhost:8080", await provider.register("munjigi-gateway")
    registered = {
        "grant_types": ("client_credentials", TOKEN_EXCHANGE),
        "scopes": ("openid", "profile"),
        "redirect_uris": (f"{shop}/.munjigi/callback", "http://console.localhost:8080/.munjigi/callback"),
        "metadata": ClientMetadata(resources=(LEDGER,)),
    }
    for one in (gateway, service):
        await change(provider, one, **registered)
    app, reporter = await provider.register(), await program(provider)
    for one in (app, reporter):
        await change(provider, one, metadata=ClientMetadata(resources=(shop, f"{shop}/x", ORDERS)))

    async def of_somebody(name: str, resource: str) -> str:
        person = await provider.person(name)
        code = await provider.sign_in(provider.browser(), app, person, scope="openid profile", resource=resource)
        return str((await provider.redeem(app, code)).json()["access_token"])

    async def of_program(resource: str) -> str:
        answer = await provider.token(reporter, grant_type="client_credentials", resource=resource)
        return str(answer.json()["access_token"])

    own_token = await own(provider, gateway)
    for subject in (await of_somebody("mina", shop), await of_program(shop)):
        answer = await exchange(provider, gateway, subject, own_token, resource=LEDGER)
        assert answer.status_code == 200, answer.text
        new = claims(provider, answer.json()["access_token"])
        assert (new["aud"], new["act"]) == (LEDGER, {"sub": "munjigi-gateway"})
        kept_out = await exchange(provider, gateway, subject, own_token, resource=AUDIENCE)
        assert kept_out.json()["error"] == "invalid_target", "it was never for the house's own services"
        refused = await exchange(provider, service, subject, await own(provider, service), resource=LEDGER)
        assert refused.json()["error"] == "invalid_request"
    for elsewhere in (await of_program(f"{shop}/x"), await of_program(ORDERS)):
        refused = await exchange(provider, gateway, elsewhere, own_token, resource=LEDGER)
        assert refused.json()["error"] == "invalid_request"


SCOPES = st.lists(st.sampled_from(("openid", "profile", "email", "a", "b", "c")), unique=True)


@given(SCOPES, SCOPES, SCOPES)
def test_scope_never_grows_by_itself(held: list[str], registered: list[str], added: list[str]) -> None:
    got = exchanged_scope(" ".join(held), tuple(registered), None, tuple(added))
    assert set(got) <= set(held) & set(registered)
    assert "openid" not in got
