"""An access token in a posted form (RFC 6750, section 2.2): in one way alone, and never in the query."""

from __future__ import annotations

import httpx2
import pytest

from tests.clock import FakeClock
from tests.conformance.bank import Bank
from tests.idp.provider import Provider


@pytest.fixture
async def token(provider: Provider) -> str:
    app, person = await provider.register(), await provider.person()
    code = await provider.sign_in(provider.browser(), app, person)
    return str((await provider.redeem(app, code)).json()["access_token"])


async def ask(provider: Provider, method: str, url: str = "/userinfo", **rest: object) -> httpx2.Response:
    async with provider.client() as http:
        return await http.request(method, url, **rest)


async def test_in_the_form_or_in_the_header(provider: Provider, token: str) -> None:
    header = {"Authorization": f"Bearer {token}"}
    by_form = await ask(provider, "POST", data={"access_token": token})
    assert by_form.status_code == 200
    assert by_form.json() == (await ask(provider, "POST", headers=header)).json()
    assert (await ask(provider, "POST", headers=header, data={"more": "x"})).status_code == 200


async def test_in_one_way_alone(provider: Provider, token: str) -> None:
    header, form = {"Authorization": f"Bearer {token}"}, {"access_token": token}
    twice = f"access_token={token}&access_token={token}"
    for refused in (
        await ask(provider, "POST", headers=header, data=form),
        await ask(provider, "GET", f"/userinfo?access_token={token}", headers=header),
        await ask(provider, "POST", f"/userinfo?access_token={token}", data=form),
        await ask(provider, "POST", headers=[("Authorization", f"Bearer {token}")] * 2),
        await ask(
            provider, "POST", headers={"Content-Type": "application/x-www-form-urlencoded"}, content=twice.encode()
        ),
    ):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
        assert 'error="invalid_request"' in refused.headers["www-authenticate"]
        assert token not in refused.text


async def test_never_in_the_query_nor_in_another_kind_of_body(provider: Provider, token: str) -> None:
    for refused in (
        await ask(provider, "GET", f"/userinfo?access_token={token}"),
        await ask(provider, "POST", f"/userinfo?access_token={token}"),
        await ask(provider, "POST", json={"access_token": token}),
        await ask(provider, "POST", files={"access_token": (None, token)}),
        await ask(provider, "POST"),
    ):
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == 'Bearer realm="munjigi"'


async def test_a_token_that_is_bound_is_no_bearers(provider: Provider, clock: FakeClock) -> None:
    clock.advance(42)
    bank = await Bank(provider).registered()
    tokens = await bank.tokens()
    assert (await ask(provider, "POST", data={"access_token": tokens["access_token"]})).status_code == 401
