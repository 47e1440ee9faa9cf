"""The plans of RP-initiated logout and of back-channel logout: `oidcc-(backchannel-)rp-initiated-logout-...`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from joserfc import jwt

from idp.sessions.courier import TIMEOUTS
from tests.conformance.party import Party
from tests.idp.provider import AFTER_LOGOUT, Provider
from tests.idp.sessions.receiver import receiving


@pytest.fixture
async def party(provider: Provider) -> Party:
    return await Party.of(provider)


async def ended(party: Party) -> bool:
    """Whether nobody is signed in any more, as `prompt=none` tells the client."""
    return (await party.authorize(prompt="none")).get("error") == "login_required"


async def log_out(party: Party, **parameters: str) -> httpx2.Response:
    return await party.browser.get("/end-session?" + urlencode(parameters))


async def confirmed(party: Party, page: httpx2.Response) -> httpx2.Response:
    """The person is asked, and says yes."""
    assert page.status_code == 200
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    return await party.browser.post("/end-session/confirm", fields)


def arrived(answer: httpx2.Response) -> dict[str, str]:
    """What the client is told at its own address."""
    location = answer.headers["location"]
    assert location.partition("?")[0] == AFTER_LOGOUT
    return dict(parse_qsl(urlsplit(location).query))


async def test_oidcc_rp_initiated_logout(party: Party) -> None:
    hint = (await party.tokens())["id_token"]
    answer = await log_out(party, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT, state="a state")
    assert arrived(answer) == {"state": "a state"}
    assert await ended(party)


@pytest.mark.parametrize("wrong", ["https://app.example/elsewhere", AFTER_LOGOUT + "?query=added"])
async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(party: Party, wrong: str) -> None:
    """And query-added-to-post-logout-redirect-uri: a page, and no way on."""
    hint = (await party.tokens())["id_token"]
    answer = await log_out(party, id_token_hint=hint, post_logout_redirect_uri=wrong, state="a state")
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(party: Party) -> None:
    head, body, signature = (await party.tokens())["id_token"].split(".")
    hint = f"{head}.{body}.{'A' * len(signature)}"
    answer = await log_out(party, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT, state="a state")
    assert "location" not in answer.headers
    assert not await ended(party)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(party: Party) -> None:
    await party.tokens()
    page = await log_out(party, post_logout_redirect_uri=AFTER_LOGOUT, state="a state")
    assert "location" not in page.headers


@pytest.mark.parametrize("parameters", [{}, {"state": "a state"}])
async def test_oidcc_rp_initiated_logout_no_params_and_only_state(party: Party, parameters: dict[str, str]) -> None:
    await party.tokens()
    answer = await confirmed(party, await log_out(party, **parameters))
    assert "location" not in answer.headers or answer.headers["location"].startswith("/")
    assert await ended(party)


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(party: Party) -> None:
    answer = await log_out(party, id_token_hint=(await party.tokens())["id_token"], state="a state")
    assert not answer.headers.get("location", "").startswith("https:")
    assert await ended(party)


async def test_oidcc_rp_initiated_logout_no_state(party: Party) -> None:
    hint = (await party.tokens())["id_token"]
    assert arrived(await log_out(party, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT)) == {}
    assert await ended(party)


async def test_oidcc_backchannel_rp_initiated_logout(provider: Provider) -> None:
    parts = provider.parts
    async with receiving() as receiver, httpx2.AsyncClient(timeout=TIMEOUTS, trust_env=False) as http:
        party = await Party.of(provider, backchannel_logout_uri=receiver.address)
        tokens = await party.tokens()
        await log_out(party, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER_LOGOUT)
        courier = provider.courier(http)
        await courier.step()
        await courier.drain()
        (token,) = receiver.tokens()
        assert receiver.headers[0]["content-type"].startswith("application/x-www-form-urlencoded")
    read = jwt.decode(token, await party.jwks(), algorithms=["ES256", "RS256"])
    assert read.header["typ"] == "logout+jwt"
    claims: dict[str, Any] = read.claims
    now = parts.clock.timestamp()
    assert (claims["iss"], claims["sub"]) == (parts.issuer, tokens["claims"]["sub"])
    assert claims["aud"] in (party.app.client_id, [party.app.client_id])
    assert claims["iat"] <= now < claims["exp"] <= claims["iat"] + 120
    assert claims["sid"] == tokens["claims"]["sid"]
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert claims["jti"]
    assert "nonce" not in claims
