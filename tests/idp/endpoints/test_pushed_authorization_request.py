"""RFC 9126: what is pushed, by whom, redeemed how often, and how its endpoint refuses."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import func, select, text

from idp.credentials.throttle import Allowance
from idp.endpoints import pushed_authorization_request
from idp.storage import pushed_requests
from idp.storage.protocol_tables import login, pushed_request
from tests.clock import FakeClock
from tests.idp.provider import CALLBACK, Provider
from tests.idp.signing_app import parameters_of, push, redeemed_at, register_with, told


async def _rows(provider: Provider, table: object) -> int:
    async with provider.parts.database.connect() as tx:
        return (await tx.execute(select(func.count()).select_from(table))).scalar_one()  # type: ignore[arg-type]


async def test_a_pushed_request_is_redeemed_once(provider: Provider) -> None:
    app, person = await provider.register(), await provider.person()
    answer = await push(provider, app)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    reference = answer.json()["request_uri"]
    assert reference.startswith("urn:ietf:params:oauth:request_uri:")
    assert answer.json()["expires_in"] == 60
    browser = provider.browser()
    # what stands beside the reference does not count (RFC 9101, section 6.3)
    await browser.follow(
        await browser.get(redeemed_at(app, reference, redirect_uri="https://evil.example/", state="x"))
    )
    await provider.prove(browser, person)
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["state"] == "a state"
    tokens = await provider.redeem(app, browser.query()["code"])
    assert tokens.status_code == 200
    again = await provider.browser().get(redeemed_at(app, reference))
    assert again.status_code == 400
    assert "MJ-IDP-014" in again.text
    assert "location" not in again.headers
    known = await provider.browser().get(redeemed_at(app, reference, redirect_uri=CALLBACK, state="s"))
    assert told(known)["error"] == "invalid_request_uri"
    assert told(known)["iss"] == provider.parts.issuer


async def test_of_many_browsers_one_redeems_it(provider: Provider) -> None:
    app = await provider.register()
    reference = (await push(provider, app)).json()["request_uri"]
    browsers = [provider.browser() for _ in range(8)]
    answers = await asyncio.gather(*(browser.get(redeemed_at(app, reference)) for browser in browsers))
    begun = [answer for answer in answers if answer.is_redirect and "/authorize/continue" in answer.headers["location"]]
    assert len(begun) == 1
    assert await _rows(provider, login) == 1


async def test_it_is_for_its_own_client_and_for_a_short_while(provider: Provider, clock: FakeClock) -> None:
    app, other = await provider.register(), await provider.register("other")
    reference = (await push(provider, app)).json()["request_uri"]
    for wrong in (redeemed_at(other, reference), redeemed_at(app, reference + "x"), redeemed_at(app, reference[:-1])):
        assert (await provider.browser().get(wrong)).status_code == 400
    clock.advance(59.9)
    assert (await provider.browser().get(redeemed_at(app, reference))).status_code == 303
    late = (await push(provider, app)).json()["request_uri"]
    clock.advance(60)
    assert (await provider.browser().get(redeemed_at(app, late))).status_code == 400


async def test_a_refused_login_redeems_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await provider.register()
    reference = (await push(provider, app)).json()["request_uri"]
    monkeypatch.setattr("idp.endpoints.authorization.logins_of_address", lambda _s: Allowance("login-address", 0, 60))
    assert (await provider.browser().get(redeemed_at(app, reference))).status_code == 429
    monkeypatch.undo()
    assert (await provider.browser().get(redeemed_at(app, reference))).status_code == 303


async def test_the_swept_are_those_whose_time_is_over(provider: Provider, clock: FakeClock) -> None:
    app = await provider.register()
    await push(provider, app)
    clock.advance(30)
    await push(provider, app)
    async with provider.parts.database.begin() as tx:
        assert await pushed_requests.sweep(tx, clock.now() + timedelta(seconds=30)) == 1
    assert await _rows(provider, pushed_request) == 1


async def test_only_hashes_of_references_are_kept(provider: Provider) -> None:
    app = await provider.register()
    reference = (await push(provider, app)).json()["request_uri"]
    async with provider.parts.database.connect() as tx:
        kept = str((await tx.execute(text("SELECT row_to_json(p)::text FROM idp.pushed_request p"))).scalar_one())
    assert reference.rpartition(":")[2] not in kept


REFUSED: tuple[tuple[dict[str, str | None], str], ...] = (
    ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge": None}, "invalid_request"),
    ({"scope": "profile"}, "invalid_scope"),
    ({"resource": "https://api.example/"}, "invalid_target"),
    ({"request": "a.b.c"}, "invalid_request_object"),
    ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    ({"client_id": "another"}, "invalid_request"),
    ({"claims": "{"}, "invalid_request"),
)


async def test_refusals_are_json_and_keep_nothing(provider: Provider) -> None:
    app = await provider.register()
    for changed, error in REFUSED:
        answer = await push(provider, app, **changed)
        assert (answer.status_code, answer.json()["error"]) == (400, error), changed
        assert answer.json()["code"].startswith("MJ-IDP-")
    assert await _rows(provider, pushed_request) == 0


async def test_a_client_proves_itself(provider: Provider) -> None:
    app = await provider.register()
    wrong = await provider.post("/par", parameters_of(app), httpx2.BasicAuth("app", "wrong"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert (await provider.post("/par", parameters_of(app))).status_code == 401
    public = await provider.register("public", auth_method="none")
    assert (await push(provider, public)).status_code == 201
    async with provider.client() as client:
        assert (await client.get("/par")).status_code == 405
        assert (await client.post("/par", json={})).json()["error"] == "invalid_request"


async def test_pushes_are_bounded(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await provider.register()
    monkeypatch.setattr(pushed_authorization_request, "PUSHES_OF_CLIENT", Allowance("push-client", 1, 60))
    assert (await push(provider, app)).status_code == 201
    refused = await push(provider, app)
    assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
    assert int(refused.headers["retry-after"]) > 0


async def test_whoever_must_push_is_not_heard_otherwise(provider: Provider) -> None:
    app = await register_with(provider, require_pushed_authorization_requests=True)
    refused = await provider.browser().get(app.request())
    assert told(refused)["error"] == "invalid_request"
    reference = (await push(provider, app)).json()["request_uri"]
    begun = await provider.browser().get(redeemed_at(app, reference))
    assert begun.headers["location"].startswith("/authorize/continue")


async def test_the_profile_fapi2(provider: Provider) -> None:
    """An app whose registration breaks the profile is told so, wherever it comes."""
    app = await register_with(provider, profile="fapi2")
    assert told(await provider.browser().get(app.request()))["error"] == "invalid_request"
    pushed = await push(provider, app)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "unauthorized_client")
    assert "private_key_jwt" in pushed.json()["error_description"]
