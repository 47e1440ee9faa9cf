"""RFC 7591 and 7592 at the endpoints: who may register, what comes back, what a refused request has not used up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from config.connections import Valkey
from config.outbound import Outbound, Unanswered
from config.settings import Settings
from idp.clients.invalid import InvalidRegistration
from idp.clients.register import InitialAccessToken, hash_token
from idp.clients.registration import ADMINISTRATOR, read_registration
from idp.clients.sector import LARGEST, Sectors
from idp.endpoints.registration import CHANGES_OF_ADDRESS, REGISTRATIONS_OF_ADDRESS, TOKENS_OF_ADDRESS
from idp.storage import client_register, initial_access_tokens
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import HOUSE, add_person
from tests.idp.provider import CALLBACK, App, Provider, running_provider

ASKED: dict[str, object] = {
    "redirect_uris": [CALLBACK],
    "client_name": "The App",
    "grant_types": ["authorization_code", "refresh_token"],
}
INITIAL = "an initial access token of 256 bits, let us say"


@pytest.fixture(params=["open"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def provider(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock, mode: str
) -> AsyncIterator[Provider]:
    changed = settings.model_copy(update={"idp": settings.idp.model_copy(update={"registration": mode})})
    async with running_provider(changed, database("idp"), valkey, clock) as running:
        yield running


async def register(provider: Provider, asked: object = ASKED, token: str | None = None) -> httpx2.Response:
    async with provider.client() as http:
        return await http.post("/register", json=asked, headers=bearer(token))


async def manage(
    provider: Provider, method: str, answer: dict[str, Any], *, token: str | None = None, body: object = None
) -> httpx2.Response:
    async with provider.client() as http:
        own = answer["registration_access_token"] if token is None else token
        more = {} if body is None else {"json": body}
        return await http.request(method, answer["registration_client_uri"], headers=bearer(own), **more)


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token is not None else {}


async def registered(provider: Provider, **changed: object) -> dict[str, Any]:
    answer = await register(provider, {**ASKED, **changed})
    assert answer.status_code == 201, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def rows(database: OpenDatabase, statement: str) -> list[Any]:
    async with database("owner").connect() as tx:
        return list(await tx.execute(text(statement)))


async def initial_token(
    provider: Provider, clock: FakeClock, *, uses: int = 1, organisation_id: UUID | None = HOUSE
) -> None:
    token = InitialAccessToken(
        id=provider.parts.entropy.uuid(),
        organisation_id=organisation_id,
        label="for the partners",
        uses_left=uses,
        created_by=provider.parts.entropy.uuid(),
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(hours=1),
    )
    async with provider.parts.database.begin() as tx:
        if organisation_id is not None:
            await add_person(tx, "somebody of the organisation")
        assert await initial_access_tokens.add(tx, token, hash_token(INITIAL))


def changed_from(answer: dict[str, Any], **changed: object) -> dict[str, object]:
    """What a client sends back: what it was answered, without what is not its own to send."""
    ours = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
    return {name: value for name, value in {**answer, **changed}.items() if name not in ours}


async def test_a_client_registers_and_signs_somebody_in_at_once(provider: Provider, database: OpenDatabase) -> None:
    answer = await register(provider)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert {name: told[name] for name in ASKED} == ASKED
    assert told["client_secret_expires_at"] == 0
    assert told["consent_required"] is True
    assert len(told["client_secret"]) == len(told["registration_access_token"]) == 43
    app = App(told["client_id"], told["client_secret"])
    found = await provider.parts.clients.find(app.client_id)
    assert found is not None
    assert found.has_secret(told["client_secret"])
    wrong = await provider.token(App(app.client_id, "wrong"), grant_type="authorization_code", code="x")
    assert wrong.json()["error"] == "invalid_client"
    right = await provider.redeem(app, "no such code")
    assert right.json()["error"] == "invalid_grant"
    [record] = await rows(database, "SELECT * FROM audit.record WHERE kind = 'client_registered'")
    assert record.subject == app.client_id
    everything = str(await rows(database, "SELECT * FROM audit.record")) + str(
        await rows(database, "SELECT * FROM idp.client")
    )
    assert told["client_secret"] not in everything
    assert told["registration_access_token"] not in everything


async def test_discovery_says_whether_clients_register_themselves(provider: Provider) -> None:
    async with provider.client() as http:
        document = (await http.get("/.well-known/openid-configuration")).json()
    assert document["registration_endpoint"] == "http://localhost:9000/register"


@pytest.mark.parametrize("mode", ["off"], indirect=True)
async def test_nobody_registers_where_it_is_off(provider: Provider, database: OpenDatabase) -> None:
    for token in (None, INITIAL):
        answer = await register(provider, token=token)
        assert (answer.status_code, answer.json()["code"]) == (404, "MJ-IDP-064")
    async with provider.client() as http:
        assert (await http.get("/register/app", headers=bearer("x"))).status_code == 404
        assert "registration_endpoint" not in (await http.get("/.well-known/openid-configuration")).json()
    assert await rows(database, "SELECT * FROM idp.client") == []


@pytest.mark.parametrize("mode", ["token", "open"], indirect=True)
async def test_an_initial_access_token_makes_a_client_of_its_organisation(
    provider: Provider, database: OpenDatabase, clock: FakeClock, mode: str
) -> None:
    await initial_token(provider, clock)
    told = (await register(provider, token=INITIAL)).json()
    [client] = await rows(database, "SELECT * FROM idp.client")
    assert (client.client_id, client.organisation_id) == (told["client_id"], HOUSE)
    assert (await provider.parts.faces.home(told["client_id"])).organisation_id == HOUSE
    again = await register(provider, token=INITIAL)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_token")
    bare = await register(provider)
    assert bare.status_code == (201 if mode == "open" else 401)


@pytest.mark.parametrize("mode", ["token"], indirect=True)
async def test_a_refused_registration_uses_nothing_up(
    provider: Provider, database: OpenDatabase, clock: FakeClock
) -> None:
    await initial_token(provider, clock)
    refused = await register(provider, {"redirect_uris": ["http://evil.example/"]}, token=INITIAL)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri")
    assert refused.json()["code"] == "MJ-IDP-060"
    assert (await register(provider, token="wrong")).status_code == 401
    assert [row.uses_left for row in await rows(database, "SELECT uses_left FROM idp.initial_access_token")] == [1]
    clock.advance(3600)
    assert (await register(provider, token=INITIAL)).status_code == 401, "exactly at its end it is over"
    assert await rows(database, "SELECT * FROM idp.client") == []
    kinds = await rows(
        database, "SELECT details ->> 'error' AS error FROM audit.record WHERE kind = 'registration_refused'"
    )
    assert [row.error for row in kinds] == ["invalid_redirect_uri", "invalid_token", "invalid_token"]


@pytest.mark.parametrize(
    ("sent", "media_type"),
    [
        (b"{}", "application/x-www-form-urlencoded"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b'{"redirect_uris": ["https://app.example/"], "redirect_uris": []}', "application/json"),
        (b'{"redirect_uris": ["https://app.example/"], "client_name": "\\ud800"}', "application/json"),
        (b'{"redirect_uris": ["https://app.example/"], "default_max_age": NaN}', "application/json"),
        (b'{"a":' * 20_000, "application/json"),
        (b" " * 70_000, "application/json"),
        (b'{"redirect_uris": ["https://app.example/"], "default_max_age": ' + b"9" * 5000 + b"}", "application/json"),
    ],
)
async def test_a_body_that_cannot_be_read(provider: Provider, sent: bytes, media_type: str) -> None:
    async with provider.client() as http:
        answer = await http.post("/register", content=sent, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_software_statements_are_not_approved(provider: Provider) -> None:
    answer = await register(provider, {**ASKED, "software_statement": "eyJh.eyJh.AA"})
    assert (answer.json()["error"], answer.json()["code"]) == ("unapproved_software_statement", "MJ-IDP-063")


async def test_a_client_reads_changes_and_removes_itself(provider: Provider, database: OpenDatabase) -> None:
    told = await registered(provider)
    secret, first = told.pop("client_secret"), told["registration_access_token"]
    del told["client_secret_expires_at"]
    assert (await manage(provider, "GET", told)).json() == told
    answer = await manage(
        provider, "PUT", told, body=changed_from(told, client_name="Another", client_secret=secret, scope="openid")
    )
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["client_name"], changed["scope"]) == ("Another", "openid")
    assert "client_secret" not in changed
    assert changed["client_id_issued_at"] == told["client_id_issued_at"]
    assert changed["registration_access_token"] != first
    assert (await manage(provider, "GET", told)).status_code == 401, "the token before is good no longer"
    found = await provider.parts.clients.find(told["client_id"])
    assert found is not None
    assert found.has_secret(secret)
    gone = await manage(provider, "DELETE", changed)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await manage(provider, "GET", changed)).status_code == 401
    assert await rows(database, "SELECT * FROM idp.client") == []
    kinds = await rows(database, "SELECT kind FROM audit.record WHERE kind LIKE 'client_%' ORDER BY id")
    assert [row.kind for row in kinds] == ["client_registered", "client_changed", "client_removed"]
    told_of = await rows(database, "SELECT payload FROM events.outbox WHERE topic = 'client'")
    assert [row.payload["client_id"] for row in told_of] == [told["client_id"]] * 3


async def test_a_client_that_comes_to_need_a_secret_gets_one(provider: Provider) -> None:
    told = await registered(provider, token_endpoint_auth_method="none")
    assert "client_secret" not in told
    changed = changed_from(told, token_endpoint_auth_method="client_secret_post")
    now = (await manage(provider, "PUT", told, body=changed)).json()
    found = await provider.parts.clients.find(told["client_id"])
    assert found is not None
    assert found.has_secret(now["client_secret"])


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "chosen by myself"},
        {"client_secret": 1},
        {"registration_access_token": "x"},
        {"registration_client_uri": "x"},
        {"client_id_issued_at": 1},
        {"client_secret_expires_at": 0},
        {"redirect_uris": ["http://evil.example/"]},
        {"redirect_uris": None},
    ],
)
async def test_what_a_client_may_not_send_back(provider: Provider, changed: dict[str, object]) -> None:
    told = await registered(provider)
    answer = await manage(provider, "PUT", told, body={**changed_from(told), **changed})
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_client_metadata", "invalid_redirect_uri")
    assert (await manage(provider, "GET", told)).status_code == 200, "nothing was used up"


async def test_only_its_own_token_leads_to_a_client(provider: Provider, clock: FakeClock) -> None:
    told, other = await registered(provider), await registered(provider)
    await provider.register("by-an-administrator")
    unowned = {**told, "registration_client_uri": "http://localhost:9000/register/by-an-administrator"}
    nobody = {**told, "registration_client_uri": "http://localhost:9000/register/nobody"}
    odd = {**told, "registration_client_uri": "http://localhost:9000/register/%00"}
    for method in ("GET", "PUT", "DELETE"):
        for answer, token in (
            (told, other["registration_access_token"]),
            (told, "x"),
            (told, "é" * 10),
            (told, "x" * 300),
            (unowned, told["registration_access_token"]),
            (unowned, ""),
            (nobody, told["registration_access_token"]),
            (odd, told["registration_access_token"]),
        ):
            body = changed_from(told) if method == "PUT" else None
            async with provider.client() as http:
                refused = await http.request(
                    method,
                    answer["registration_client_uri"],
                    headers={b"Authorization": b"Bearer " + token.encode("latin-1")},
                    **({} if body is None else {"json": body}),
                )
            assert refused.status_code == 401
            assert refused.json()["error"] == "invalid_token"
    async with provider.client() as http:
        bare = await http.get(told["registration_client_uri"])
    assert bare.headers["www-authenticate"] == 'Bearer realm="munjigi"'
    assert (await manage(provider, "GET", told)).status_code == 200


async def test_who_is_switched_off_does_not_look_after_itself(provider: Provider, clock: FakeClock) -> None:
    told = await registered(provider)
    async with provider.parts.database.begin() as tx:
        await tx.execute(text("UPDATE idp.client SET enabled = false"))
    assert (await manage(provider, "GET", told)).status_code == 401
    assert (await manage(provider, "DELETE", told)).status_code == 401


async def test_strangers_are_bounded(provider: Provider) -> None:
    for _ in range(REGISTRATIONS_OF_ADDRESS.attempts):
        await register(provider, {})
    answer = await register(provider)
    assert (answer.status_code, answer.json()["code"]) == (429, "MJ-IDP-102")
    told = {"registration_client_uri": "http://localhost:9000/register/x", "registration_access_token": "guess"}
    for _ in range(TOKENS_OF_ADDRESS.attempts):
        assert (await manage(provider, "GET", told)).status_code == 401
    assert (await manage(provider, "GET", told)).status_code == 429


async def test_changes_are_bounded(provider: Provider) -> None:
    told = await registered(provider)
    for _ in range(CHANGES_OF_ADDRESS.attempts):
        answer = await manage(provider, "PUT", told, body=changed_from(told))
        assert answer.status_code == 200
        told = answer.json()
    refused = await manage(provider, "PUT", told, body=changed_from(told))
    assert (refused.status_code, refused.json()["code"]) == (429, "MJ-IDP-102")
    assert (await manage(provider, "GET", told)).status_code == 200, "its token is the one that it was"


async def test_removing_a_client_ends_what_it_has(provider: Provider, database: OpenDatabase) -> None:
    told = await registered(provider)
    app = App(told["client_id"], told["client_secret"])
    async with provider.parts.database.begin() as tx:  # nobody is asked here whether they agree
        await tx.execute(text("UPDATE idp.client SET metadata = metadata - 'consent_required'"))
    user = await provider.person()
    tokens = (await provider.redeem(app, await provider.sign_in(provider.browser(), app, user))).json()
    waiting = provider.browser()
    await waiting.follow(await waiting.get(app.request()))
    assert "refresh_token" in tokens
    assert (await manage(provider, "DELETE", told)).status_code == 204
    for table in ("client", "login", "authorization_code", "refresh_family", "refresh_token", "client_home"):
        assert await rows(database, f"SELECT * FROM idp.{table}") == [], table
    provider.parts.clients.on_event("client", {"client_id": app.client_id})
    assert (await provider.refresh(app, tokens["refresh_token"])).json()["error"] == "invalid_client"
    [session] = await rows(database, "SELECT ended_at FROM idp.session")
    assert session.ended_at is None, "the person's session is theirs"


async def test_two_changes_at_once_leave_one_token_that_is_good(provider: Provider) -> None:
    told = await registered(provider)
    async with provider.parts.database.begin() as tx:  # as another node that is in the midst of a change
        held = await client_register.find(tx, told["client_id"], claim=True)
        assert held is not None
        await client_register.change(tx, held.client, hash_token("the other's"), held.updated_at)
    assert (await manage(provider, "PUT", told, body=changed_from(told))).status_code == 401
    assert (await manage(provider, "GET", told, token="the other's")).status_code == 200


SECTOR = "https://sector.example/uris.json"


def sector_site(answers: dict[str, Response]) -> Sectors:
    async def answer(request: Request) -> Response:
        return answers[request.url.path]

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    app = Starlette(routes=[Route("/{path:path}", answer)])

    async def fetch(uri: str, *, most: int) -> bytes:
        if "inside.example" in uri:
            return await Outbound(resolve=resolve).fetch(uri, most=most)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as client:
            found = await client.get(uri)
        if found.status_code != 200 or len(found.content) > most:
            raise Unanswered
        return found.content

    return Sectors(fetch)


async def test_the_document_of_a_sector_names_every_redirect_uri() -> None:
    uris = ["https://a.example/callback", "https://b.example/callback"]
    site = sector_site(
        {
            "/uris.json": JSONResponse(uris),
            "/less.json": JSONResponse(uris[:1]),
            "/object.json": JSONResponse({"uris": uris}),
            "/numbers.json": JSONResponse([1]),
            "/odd.json": Response(b"\xff", media_type="application/json"),
            "/gone.json": Response(json.dumps(uris), 404),
            "/moved.json": RedirectResponse("/uris.json"),
            "/long.json": JSONResponse([*uris, "x" * LARGEST]),
        }
    )

    async def check(uri: str) -> None:
        asked = {"redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": uri}
        await site.check(read_registration(asked, ADMINISTRATOR, client_id="app"))

    await check(SECTOR)
    for name in ("less", "object", "numbers", "odd", "gone", "moved", "long"):
        with pytest.raises(InvalidRegistration, match="sector_identifier_uri"):
            await check(f"https://sector.example/{name}.json")
    with pytest.raises(InvalidRegistration, match="cannot be read"):
        await check("https://inside.example/uris.json")


async def test_nobody_is_led_to_a_private_network(provider: Provider) -> None:
    """A name of the DNS that leads to this machine: the real resolver says so, and nothing is connected to."""
    asked = {**ASKED, "subject_type": "pairwise", "sector_identifier_uri": "https://localhost.localdomain./x"}
    answer = await register(provider, asked)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
_MEMBERS = st.sampled_from(
    ("client_name", "client_name#ko", "scope", "jwks", "contacts", "grant_types", "logo_uri", "default_max_age")
)


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(asked=st.dictionaries(_MEMBERS | st.text(max_size=6), _VALUES, max_size=5))
async def test_no_body_is_an_error_of_ours(provider: Provider, valkey: Valkey, asked: dict[str, object]) -> None:
    await valkey.flushdb()  # so that no address is bounded
    body = json.dumps({"redirect_uris": [CALLBACK], **asked}).encode("utf-8", "surrogatepass")
    async with provider.client() as http:
        answer = await http.post("/register", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (201, 400), answer.text
