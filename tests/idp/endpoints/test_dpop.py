"""Tokens bound to a key by DPoP (RFC 9449), from the code to the resource; what is refused consumes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jws

from config import key_space
from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from tests.clock import FakeClock
from tests.idp.keyed import TOKEN, USERINFO, ask, changed, code, proof, redemption, register, renewal
from tests.idp.keys import Key
from tests.idp.provider import App, Provider, running_provider


@pytest.fixture(autouse=True)
def _later(provider: Provider, clock: FakeClock) -> None:
    """The memory of proofs begins a few seconds after the first node does."""
    clock.advance(42)


def claims(token: str) -> dict[str, Any]:
    return msgspec.json.decode(jws.extract_compact(token.encode()).payload, type=dict[str, Any])


async def userinfo(provider: Provider, key: Key, token: str) -> httpx2.Response:
    """What is said of whom a bound token is about."""
    shown = key.proof("GET", USERINFO, provider.parts.clock.timestamp(), token=token)
    async with provider.client() as client:
        return await client.get("/userinfo", headers={"Authorization": f"DPoP {token}", "DPoP": shown})


async def bound(provider: Provider, app: App, key: Key, name: str = "mina") -> dict[str, Any]:
    """The tokens of somebody, bound to a key."""
    answer = await ask(
        provider, "/token", redemption(app, await code(provider, app, name)), app, DPoP=proof(provider, key)
    )
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def test_a_token_is_bound_to_the_key_that_was_proven(provider: Provider) -> None:
    app, key = await register(provider, "app", "client_secret_basic"), Key()
    tokens = await bound(provider, app, key)
    assert tokens["token_type"] == "DPoP"
    assert claims(tokens["access_token"])["cnf"] == {"jkt": key.thumbprint}
    said = (await ask(provider, "/introspect", {"token": tokens["access_token"]}, app)).json()
    assert (said["active"], said["token_type"], said["cnf"]) == (True, "DPoP", {"jkt": key.thumbprint})
    free = (await ask(provider, "/token", redemption(app, await code(provider, app, "jun")), app)).json()
    assert (free["token_type"], "cnf" in claims(free["access_token"])) == ("Bearer", False)


async def test_a_code_survives_a_proof_that_proves_nothing(provider: Provider) -> None:
    app, key = await register(provider, "app", "client_secret_basic"), Key()
    now = provider.parts.clock.timestamp()
    form = redemption(app, await code(provider, app))
    good = proof(provider, key)
    for wrong in (
        "x",
        key.proof("GET", TOKEN, now),
        key.proof("POST", USERINFO, now),
        key.proof("POST", TOKEN, now - 61),
        f"{good}, {good}",
    ):
        answer = await ask(provider, "/token", form, app, DPoP=wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
        assert answer.json()["code"] == "MJ-IDP-046"
    async with provider.client() as client:
        twice = await client.post(
            "/token", data=form, headers=[("DPoP", good), ("DPoP", good)], auth=("app", app.secret)
        )
    assert twice.json()["error"] == "invalid_dpop_proof"
    assert (await ask(provider, "/token", form, app, DPoP=good)).status_code == 200


async def test_a_proof_is_good_once_at_whichever_node(
    provider: Provider, settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> None:
    app, key = await register(provider, "app", "client_secret_basic"), Key()
    shown = proof(provider, key)
    form = redemption(app, await code(provider, app))
    assert (await ask(provider, "/token", form, app, DPoP=shown)).status_code == 200
    async with running_provider(settings, database("idp"), valkey, clock) as other:
        again = redemption(app, await code(provider, app, "jun"))
        for node in (provider, other):
            assert (await ask(node, "/token", again, app, DPoP=shown)).json()["error"] == "invalid_dpop_proof"
        assert (await ask(other, "/token", again, app, DPoP=proof(other, key))).status_code == 200


async def test_what_valkey_lost_may_have_been_used(provider: Provider, valkey: Valkey, clock: FakeClock) -> None:
    app, key = await register(provider, "app", "client_secret_basic"), Key()
    used = proof(provider, key)
    await ask(provider, "/token", redemption(app, await code(provider, app)), app, DPoP=used)
    form = redemption(app, await code(provider, app, "jun"))
    await valkey.flushdb()
    answer = await ask(provider, "/token", form, app, DPoP=used)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    clock.advance(int(answer.headers["retry-after"]))
    tokens = await ask(provider, "/token", form, app, DPoP=proof(provider, key))
    assert tokens.status_code == 200
    await valkey.flushdb()
    at_userinfo = await userinfo(provider, key, tokens.json()["access_token"])
    assert "dpop-nonce" in at_userinfo.headers
    assert (at_userinfo.status_code, at_userinfo.json()["error"]) == (503, "temporarily_unavailable")
    clock.advance(int(at_userinfo.headers["retry-after"]))
    assert (await userinfo(provider, key, tokens.json()["access_token"])).status_code == 200
    assert await valkey.exists(key_space.replays_since("dpop"))


async def test_who_must_prove_a_key_needs_a_nonce_of_ours(provider: Provider, clock: FakeClock) -> None:
    app = await register(provider, "app", "client_secret_basic", dpop_bound_access_tokens=True)
    key = Key()
    form = redemption(app, await code(provider, app))
    assert (await ask(provider, "/token", form, app)).json()["error"] == "invalid_dpop_proof"
    asked = await ask(provider, "/token", form, app, DPoP=proof(provider, key))
    assert (asked.status_code, asked.json()["error"]) == (400, "use_dpop_nonce")
    nonce = asked.headers["dpop-nonce"]
    forged = await ask(provider, "/token", form, app, DPoP=proof(provider, key, nonce="forged"))
    assert (forged.json()["error"], forged.headers["dpop-nonce"]) == ("use_dpop_nonce", nonce)
    answer = await ask(provider, "/token", form, app, DPoP=proof(provider, key, nonce=nonce))
    assert answer.status_code == 200
    assert "dpop-nonce" in answer.headers
    clock.advance(400)
    stale = await ask(provider, "/token", renewal(answer.json()), app, DPoP=proof(provider, key, nonce=nonce))
    assert stale.json()["error"] == "use_dpop_nonce"
    assert stale.headers["dpop-nonce"] != nonce
    fresh = proof(provider, key, nonce=stale.headers["dpop-nonce"])
    assert (await ask(provider, "/token", renewal(answer.json()), app, DPoP=fresh)).status_code == 200


@pytest.fixture
async def strict(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    """A provider that wants nonces of everybody."""
    demanding = changed(settings, dpop_nonce_required=True)
    async with running_provider(demanding, database("idp"), valkey, clock) as running:
        yield running


async def test_an_operator_may_want_nonces_of_everybody(strict: Provider) -> None:
    app, key = await register(strict, "app", "none"), Key()
    form = redemption(app, await code(strict, app))
    asked = await ask(strict, "/token", form, app, DPoP=proof(strict, key))
    assert asked.json()["error"] == "use_dpop_nonce"
    nonce = asked.headers["dpop-nonce"]
    tokens = (await ask(strict, "/token", form, app, DPoP=proof(strict, key, nonce=nonce))).json()
    token, now = tokens["access_token"], strict.parts.clock.timestamp()
    async with strict.client() as client:
        bare = {"Authorization": f"DPoP {token}", "DPoP": key.proof("GET", USERINFO, now, token=token)}
        refused = await client.get("/userinfo", headers=bare)
        assert 'DPoP realm="munjigi", error="use_dpop_nonce"' in refused.headers["www-authenticate"]
        told = key.proof("GET", USERINFO, now, token=token, nonce=refused.headers["dpop-nonce"])
        assert (await client.get("/userinfo", headers={**bare, "DPoP": told})).status_code == 200


async def test_refresh_tokens_of_a_public_client_are_bound(provider: Provider, clock: FakeClock) -> None:
    app, key, thief = await register(provider, "app", "none"), Key(), Key()
    tokens = await bound(provider, app, key)
    for wrong in ({}, {"DPoP": proof(provider, thief)}):
        refused = await ask(provider, "/token", renewal(tokens), app, **wrong)
        assert refused.json()["error"] == "invalid_grant"
    renewed = (await ask(provider, "/token", renewal(tokens), app, DPoP=proof(provider, key))).json()
    assert claims(renewed["access_token"])["cnf"] == {"jkt": key.thumbprint}
    # its answer may have been lost: the same key gets the same successor
    lost = await ask(provider, "/token", renewal(tokens), app, DPoP=proof(provider, key))
    assert lost.json()["refresh_token"] == renewed["refresh_token"]
    # another key ends nothing by it, whenever it comes
    clock.advance(60)
    assert (await ask(provider, "/token", renewal(tokens), app, DPoP=proof(provider, thief))).status_code == 400
    again = await ask(provider, "/token", renewal(renewed), app, DPoP=proof(provider, key))
    assert again.status_code == 200
    # the right key uses it twice: now two have it (S3)
    assert (await ask(provider, "/token", renewal(tokens), app, DPoP=proof(provider, key))).status_code == 400
    assert (await ask(provider, "/token", renewal(again.json()), app, DPoP=proof(provider, key))).status_code == 400


async def test_a_client_with_a_secret_may_change_its_key(provider: Provider) -> None:
    app, other = await register(provider, "app", "client_secret_basic"), Key()
    tokens = await bound(provider, app, Key())
    said = (await ask(provider, "/introspect", {"token": tokens["refresh_token"]}, app)).json()
    assert (said["active"], "cnf" in said) == (True, False)
    renewed = (await ask(provider, "/token", renewal(tokens), app, DPoP=proof(provider, other))).json()
    assert claims(renewed["access_token"])["cnf"] == {"jkt": other.thumbprint}


async def test_a_code_may_be_bound_before_it_is_redeemed(provider: Provider) -> None:
    app, key = await register(provider, "app", "none"), Key()
    form = redemption(app, await code(provider, app, dpop_jkt=key.thumbprint))
    for wrong in ({}, {"DPoP": proof(provider, Key())}):
        assert (await ask(provider, "/token", form, app, **wrong)).json()["error"] == "invalid_grant"
    redeemed = await ask(provider, "/token", form, app, DPoP=proof(provider, key))
    assert redeemed.status_code == 200
    # a replay without the key ends nothing
    assert (await ask(provider, "/token", form, app, DPoP=proof(provider, Key()))).status_code == 400
    again = renewal(redeemed.json())
    assert (await ask(provider, "/token", again, app, DPoP=proof(provider, key))).status_code == 200


async def test_a_thumbprint_that_is_none_is_told_to_the_client(provider: Provider) -> None:
    app = await register(provider, "app", "none")
    browser = provider.browser()
    answer = await browser.get(app.request(dpop_jkt="short"))
    assert answer.status_code == 303
    assert "error=invalid_request" in answer.headers["location"]


async def test_userinfo_wants_the_key_of_a_bound_token(provider: Provider) -> None:
    app, key = await register(provider, "app", "none"), Key()
    token = (await bound(provider, app, key))["access_token"]
    now = provider.parts.clock.timestamp()
    good = key.proof("GET", USERINFO, now, token=token)
    async with provider.client() as client:
        for headers, error in (
            ({"Authorization": f"Bearer {token}"}, "invalid_token"),
            ({"Authorization": f"Bearer {token}", "DPoP": good}, "invalid_token"),
            ({"Authorization": f"DPoP {token}"}, "invalid_dpop_proof"),
            ({"Authorization": f"DPoP {token}", "DPoP": key.proof("GET", USERINFO, now)}, "invalid_dpop_proof"),
            (
                {"Authorization": f"DPoP {token}", "DPoP": key.proof("POST", USERINFO, now, token=token)},
                "invalid_dpop_proof",
            ),
            (
                {"Authorization": f"DPoP {token}", "DPoP": Key().proof("GET", USERINFO, now, token=token)},
                "invalid_dpop_proof",
            ),
        ):
            refused = await client.get("/userinfo", headers=headers)
            assert refused.status_code == 401
            challenge = refused.headers["www-authenticate"]
            assert challenge == f'DPoP realm="munjigi", error="{error}", algs="ES256 PS256"', headers
        shown = {"Authorization": f"DPoP {token}", "DPoP": good}
        assert (await client.get("/userinfo", headers=shown)).status_code == 200
        assert (await client.get("/userinfo", headers=shown)).status_code == 401, "a proof is good once"


async def test_a_free_token_is_no_bound_one(provider: Provider) -> None:
    app, key = await register(provider, "app", "client_secret_basic"), Key()
    token = (await ask(provider, "/token", redemption(app, await code(provider, app)), app)).json()["access_token"]
    made = key.proof("GET", USERINFO, provider.parts.clock.timestamp(), token=token)
    async with provider.client() as client:
        refused = await client.get("/userinfo", headers={"Authorization": f"DPoP {token}", "DPoP": made})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        assert (await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_without_valkey_nothing_is_taken(provider: Provider, valkey: Valkey) -> None:
    app, key = await register(provider, "app", "client_secret_basic"), Key()
    form = redemption(app, await code(provider, app))
    await valkey.config_set("maxmemory", "1")  # it answers, and writes nothing
    await valkey.config_set("maxmemory-policy", "noeviction")
    try:
        assert (await ask(provider, "/token", form, app, DPoP=proof(provider, key))).status_code >= 500
    finally:
        await valkey.config_set("maxmemory", "0")
    assert (await ask(provider, "/token", form, app, DPoP=proof(provider, key))).status_code == 200
