"""A client that knows people by identifiers of its sector: in every token, and nowhere any other."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from idp.clients.metadata import ClientMetadata
from idp.sessions import logout_token
from idp.storage import deliveries
from idp.storage import sessions as session_storage
from jose.jws import InvalidToken, verify
from tests.clock import FakeClock
from tests.idp.login_pages.test_sign_in import person, sign_in
from tests.idp.provider import App, Provider

PAIRWISE = ClientMetadata(subject_type="pairwise")


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
    two = await provider.register(
        "two", metadata=ClientMetadata(subject_type="pairwise", sector_identifier_uri="https://two.example/sector")
    )
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


async def test_it_is_told_of_an_end_by_the_session_alone(provider: Provider, clock: FakeClock) -> None:
    token = logout_token.claims(issuer="i", audience="a", subject=None, sid="s", jti="j", issued_at=1)
    assert "sub" not in token
    assert token["sid"] == "s"
    user = await person(provider)
    app = await provider.register(metadata=PAIRWISE, backchannel_logout_uri="https://app.example/logout")
    await tokens(provider, app)
    async with provider.parts.database.begin() as tx:
        session = await session_storage.live_of(tx, user, clock.now())
        assert session is not None
        await provider.parts.one_session.end(tx, session.sid, "sign_out", correlation_id="tests")
        lease = clock.now() + timedelta(minutes=1)
        (claimed,) = await deliveries.claim_logouts(tx, clock.now(), lease, [], each=5, limit=5)
    assert claimed.pairwise
