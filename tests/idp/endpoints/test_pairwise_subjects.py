"""A client that knows people by identifiers of its sector: in every token, and nowhere any other."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs

import httpx2
import pytest

from idp.clients.metadata import NOTHING_MORE, ClientMetadata
from idp.sessions.session import Session
from idp.storage import sessions as session_storage
from jose.jws import InvalidToken, verify
from tests.clock import FakeClock
from tests.idp.login_pages.test_sign_in import person, sign_in
from tests.idp.provider import App, Provider

PAIRWISE = ClientMetadata(subject_type="pairwise")
ELSEWHERE = ClientMetadata(subject_type="pairwise", sector_identifier_uri="https://two.example/sector")


def claims(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def tokens(provider: Provider, app: App) -> dict[str, str]:
    browser = await sign_in(provider, app)
    return (await provider.redeem(app, browser.query()["code"])).json()


async def userinfo(provider: Provider, token: str) -> dict[str, object]:
    async with provider.client() as client:
        return (await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).json()


async def test_every_token_names_the_person_alike_and_by_nothing_that_others_know(provider: Provider) -> None:
    user = await person(provider)
    app = await provider.register(metadata=PAIRWISE)
    given = await tokens(provider, app)
    sub = claims(given["id_token"])["sub"]
    assert sub != str(user)
    assert claims(given["access_token"])["sub"] == sub
    assert (await userinfo(provider, given["access_token"]))["sub"] == sub
    again = (await provider.refresh(app, given["refresh_token"])).json()
    assert {claims(again[name])["sub"] for name in ("id_token", "access_token")} == {sub}
    for token in (again["access_token"], again["refresh_token"]):
        told = (await provider.post("/introspect", {"token": token}, provider.basic(app))).json()
        assert told["active"]
        assert told["sub"] == sub
    assert str(user) not in json.dumps([claims(again["id_token"]), claims(again["access_token"])])
    assert claims(again["access_token"])["device"]["id"] == "", "two sectors could compare it"


async def test_another_sector_sees_another_person(provider: Provider) -> None:
    await person(provider)
    one = await provider.register("one", metadata=PAIRWISE)
    two = await provider.register("two", metadata=ELSEWHERE)
    three = await provider.register("three")
    browser = await sign_in(provider, one)
    seen = {claims((await provider.redeem(one, browser.query()["code"])).json()["id_token"])["sub"]}
    for app in (two, three):
        await browser.follow(await browser.get(app.request()))
        seen.add(claims((await provider.redeem(app, browser.query()["code"])).json()["id_token"])["sub"])
    assert len(seen) == 3


async def test_its_access_token_opens_no_service_of_the_house(provider: Provider, clock: FakeClock) -> None:
    await person(provider)
    given = await tokens(provider, await provider.register(metadata=PAIRWISE))
    with pytest.raises(InvalidToken, match="audience"):
        verify(
            given["access_token"],
            provider.parts.keys.ring().public,
            expected_typ="at+jwt",
            expected_issuer=provider.parts.issuer,
            expected_audience="urn:munjigi:services",
            now=clock.timestamp(),
        )


async def test_a_hint_of_its_own_is_understood_and_anothers_is_not(provider: Provider) -> None:
    await person(provider)
    app, other = await provider.register(metadata=PAIRWISE), await provider.register("other")
    browser = await sign_in(provider, app)
    hint = (await provider.redeem(app, browser.query()["code"])).json()["id_token"]
    await browser.follow(await browser.get(app.request(prompt="none", id_token_hint=hint)))
    assert "code" in browser.query()
    await browser.follow(await browser.get(other.request(prompt="none", id_token_hint=hint)))
    assert browser.query()["error"] == "login_required"


async def test_the_sub_of_claims_is_the_one_that_it_knows(provider: Provider) -> None:
    user = await person(provider)
    app = await provider.register(metadata=PAIRWISE)
    browser = await sign_in(provider, app)
    sub = claims((await provider.redeem(app, browser.query()["code"])).json()["id_token"])["sub"]

    async def answered(*named: object) -> dict[str, str]:
        asked = json.dumps({"id_token": {"sub": {"values": named}}})
        await browser.follow(await browser.get(app.request(prompt="none", claims=asked)))
        return browser.query()

    assert "code" in await answered(sub)
    assert "code" in await answered(sub, "of another sector")
    # by what others know a person it learns nothing, not even that it is they
    for other in (str(user), "nobody"):
        assert (await answered(other))["error"] == "login_required"


async def both(provider: Provider, clock: FakeClock) -> tuple[list[dict[str, str]], Session]:
    """What apps of two sectors, and one that knows people by their own names, are given of one session."""
    user = await person(provider)
    given: list[dict[str, str]] = []
    browser = provider.browser()
    for name, metadata in (("one", PAIRWISE), ("two", ELSEWHERE), ("three", NOTHING_MORE)):
        app = await provider.register(name, metadata=metadata, backchannel_logout_uri=f"https://{name}.example/bye")
        if name == "one":
            browser = await sign_in(provider, app)
        else:
            await browser.follow(await browser.get(app.request()))
        given.append((await provider.redeem(app, browser.query()["code"])).json())
    async with provider.parts.database.connect() as tx:
        session = await session_storage.live_of(tx, user, clock.now())
    assert session is not None
    return given, session


async def test_a_session_has_another_name_in_each_sector(provider: Provider, clock: FakeClock) -> None:
    given, session = await both(provider, clock)
    names = [claims(tokens["id_token"])["sid"] for tokens in given]
    assert len(set(names)) == 3
    assert names[2] == session.sid, "who knows people by their own names knows their sessions so, too"
    for tokens, sid in zip(given, names, strict=True):
        assert claims(tokens["access_token"])["sid"] == sid


async def test_whatever_is_said_of_a_session_names_it_alike(provider: Provider, clock: FakeClock) -> None:
    app = await provider.register(metadata=PAIRWISE)
    await person(provider)
    given = await tokens(provider, app)
    sid = claims(given["id_token"])["sid"]
    clock.advance(100)
    again = (await provider.refresh(app, given["refresh_token"])).json()
    assert {claims(again[name])["sid"] for name in ("id_token", "access_token")} == {sid}
    for token in (again["access_token"], again["refresh_token"]):
        told = (await provider.post("/introspect", {"token": token}, provider.basic(app))).json()
        assert (told["active"], told["sid"]) == (True, sid)


async def test_each_is_told_of_the_end_by_the_names_that_it_knows(provider: Provider, clock: FakeClock) -> None:
    given, session = await both(provider, clock)
    posted: dict[str, str] = {}

    async def app(request: httpx2.Request) -> httpx2.Response:
        posted[request.url.host] = parse_qs(request.content.decode())["logout_token"][0]
        return httpx2.Response(200)

    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, session.sid, "sign_out", correlation_id="tests")
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(app)) as client:
        courier = provider.courier(client)
        await courier.step()
        await courier.drain()
    for name, tokens in zip(("one", "two", "three"), given, strict=True):
        known, told = claims(tokens["id_token"]), claims(posted[f"{name}.example"])
        assert (told["sub"], told["sid"], told["aud"]) == (known["sub"], known["sid"], name)


async def test_the_end_of_its_session_ends_its_tokens_and_its_hint_ends_its_session(
    provider: Provider, clock: FakeClock
) -> None:
    given, session = await both(provider, clock)
    answered = [await userinfo(provider, tokens["access_token"]) for tokens in given]
    assert [answer["sub"] for answer in answered] == [claims(tokens["id_token"])["sub"] for tokens in given]
    async with provider.client() as client:
        hint = {"id_token_hint": given[1]["id_token"]}
        assert (await client.get("/end-session", params=hint)).status_code == 200
    async with provider.parts.database.connect() as tx:
        ended = await session_storage.find(tx, session.sid)
    assert ended is not None
    assert ended.end_reason == "sign_out"
    assert [("error" in await userinfo(provider, tokens["access_token"])) for tokens in given] == [True] * 3
