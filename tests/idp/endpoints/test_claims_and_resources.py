"""What a request names by `claims` and `resource`, from the authorization request to the tokens and past a refresh."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2

from idp.protocol.access_token import AUDIENCE
from tests.idp.provider import CALLBACK, FACTOR, App, Provider
from tests.idp.signing_app import register_with

API = "https://api.example/"
ONE, TWO = "urn:munjigi:acr:1", "urn:munjigi:acr:2"


def said(token: str) -> dict[str, Any]:
    """The claims of a token."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


async def userinfo(provider: Provider, token: str) -> httpx2.Response:
    async with provider.client() as client:
        return await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})


async def post_token(provider: Provider, app: App, form: list[tuple[str, str]]) -> httpx2.Response:
    """Ask the token endpoint with a parameter that stands several times."""
    async with provider.client() as client:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = str(httpx2.QueryParams(form))
        assert app.secret is not None
        auth = httpx2.BasicAuth(app.client_id, app.secret)
        return await client.post("/token", content=body, headers=headers, auth=auth)


async def test_claims_come_where_they_were_asked_for(provider: Provider) -> None:
    app, person, browser = await provider.register(), await provider.person(), provider.browser()
    claims = {"id_token": {"email": {"essential": True}}, "userinfo": {"preferred_username": None, "phone": None}}
    code = await provider.sign_in(browser, app, person, scope="openid", claims=json.dumps(claims))
    tokens = (await provider.redeem(app, code)).json()
    for _ in range(2):
        assert said(tokens["id_token"])["email"]
        assert "preferred_username" not in said(tokens["id_token"])
        shown = (await userinfo(provider, tokens["access_token"])).json()
        assert set(shown) == {"sub", "preferred_username"}
        tokens = (await provider.refresh(app, tokens["refresh_token"])).json()


async def test_an_essential_acr_is_reached_or_the_request_fails(provider: Provider) -> None:
    app, person, browser = await provider.register(), await provider.person(), provider.browser()

    def asking(*values: str) -> str:
        return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}}})

    await browser.follow(await browser.get(app.request(claims=asking(TWO))))
    await provider.prove(browser, person, "pwd", confirm=False)
    assert browser.address.startswith(FACTOR)  # one is not enough
    await provider.confirm(browser)
    id_token = (await provider.redeem(app, browser.query()["code"])).json()["id_token"]
    assert said(id_token)["acr"] == TWO
    nobody, without_factor = await provider.person("jun", with_mail=False), provider.browser()
    await without_factor.follow(await without_factor.get(app.request(claims=asking(TWO))))
    await provider.prove(without_factor, nobody, "pwd", confirm=False)
    assert without_factor.query()["error"] == "unmet_authentication_requirements"
    unknown = await provider.browser().get(app.request(claims=asking("phr")))
    assert "error=unmet_authentication_requirements" in unknown.headers["location"]


async def test_whoever_reached_more_also_reached_what_was_essential(provider: Provider) -> None:
    app, person, browser = await provider.register(), await provider.person(), provider.browser()
    asked = json.dumps({"id_token": {"acr": {"essential": True, "value": ONE}}})
    code = await provider.sign_in(browser, app, person, "pwd", "otp", "mfa", claims=asked)
    tokens = (await provider.redeem(app, code)).json()
    assert said(tokens["access_token"])["acr"] == TWO
    assert said(tokens["id_token"])["acr"] == ONE


async def test_nobody_else_is_answered_for_than_the_sub_that_was_named(provider: Provider) -> None:
    app, mina, jun = await provider.register(), await provider.person("mina"), await provider.person("jun")
    browser = provider.browser()
    asked = json.dumps({"id_token": {"sub": {"value": str(mina)}}})
    await browser.follow(await browser.get(app.request(claims=asked)))
    await provider.prove(browser, jun)
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["error"] == "login_required"
    assert await provider.sign_in(browser, app, mina, claims=asked)


async def test_tokens_are_good_where_the_request_said(provider: Provider) -> None:
    app = await register_with(provider, resources=(API, "https://other.example/"))
    person, browser = await provider.person(), provider.browser()
    await browser.follow(await browser.get(app.request() + f"&resource={API}&resource={AUDIENCE}"))
    await provider.prove(browser, person)
    code = [("grant_type", "authorization_code"), ("code", browser.query()["code"]), ("redirect_uri", CALLBACK)]
    code.append(("code_verifier", app.verifier))
    # what was not granted is refused, and consumes nothing
    refused = await post_token(provider, app, [*code, ("resource", "https://other.example/")])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert refused.json()["code"] == "MJ-IDP-040"
    both = await post_token(provider, app, [*code, ("resource", API), ("resource", AUDIENCE)])
    assert said(both.json()["access_token"])["aud"] == [API, AUDIENCE]
    assert (await userinfo(provider, both.json()["access_token"])).status_code == 200
    refresh = [("grant_type", "refresh_token"), ("refresh_token", both.json()["refresh_token"])]
    assert (await post_token(provider, app, [*refresh, ("resource", "https://x.example/")])).status_code == 400
    less = await post_token(provider, app, [*refresh, ("resource", API)])
    token = less.json()["access_token"]
    assert said(token)["aud"] == API
    # good there, and there alone; what stands behind it may still be asked
    assert (await userinfo(provider, token)).status_code == 401
    assert app.secret is not None
    known = await provider.post("/introspect", {"token": token}, httpx2.BasicAuth(app.client_id, app.secret))
    assert (known.json()["active"], known.json()["aud"]) == (True, API)
    whole = await provider.refresh(app, less.json()["refresh_token"])
    assert said(whole.json()["access_token"])["aud"] == [API, AUDIENCE]


async def test_details_that_are_asked_for_are_not_left_out_and_nothing_is_consumed(provider: Provider) -> None:
    """RFC 9396, section 5: at the token endpoint as at the authorization endpoint."""
    app = await provider.register()
    code = await provider.sign_in(provider.browser(), app, await provider.person())
    details = '[{"type": "payment_initiation"}]'
    refused = await provider.redeem(app, code, authorization_details=details)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")
    assert refused.json()["code"] == "MJ-IDP-066"
    tokens = (await provider.redeem(app, code)).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await provider.token(app, **again, authorization_details=details)).status_code == 400
    assert (await provider.token(app, **again)).status_code == 200


async def test_whoever_names_no_resource_gets_the_services(provider: Provider) -> None:
    app = await register_with(provider, resources=(API,))
    code = await provider.sign_in(provider.browser(), app, await provider.person())
    refused = await provider.redeem(app, code, resource=API)
    assert refused.json()["error"] == "invalid_target"
    assert said((await provider.redeem(app, code)).json()["access_token"])["aud"] == AUDIENCE
