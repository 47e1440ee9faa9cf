"""The authorization endpoint: pages before the redirect URI is trusted, redirects after, a login if all is well."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.idp.provider import CALLBACK, Provider


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": "nobody"}, "MJ-IDP-010"),
        ({"client_id": None}, "MJ-IDP-010"),
        ({"client_id": "a\0b"}, "MJ-IDP-010"),
        ({"redirect_uri": "https://evil.example/"}, "MJ-IDP-011"),
        ({"redirect_uri": CALLBACK + "/"}, "MJ-IDP-011"),
        ({"redirect_uri": None}, "MJ-IDP-011"),
    ],
)
async def test_whoever_cannot_be_trusted_is_not_redirected_to(
    provider: Provider, changed: dict[str, str | None], code: str
) -> None:
    app, browser = await provider.register(), provider.browser()
    page = await browser.get(app.request(**changed))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert code in page.text
    assert "https://evil.example" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    korean = await browser.get(app.request(**changed), **{"Accept-Language": "ko"})
    assert 'lang="ko"' in korean.text
    program = await browser.get(app.request(**changed), Accept="*/*")
    assert program.headers["content-type"] == "application/problem+json"
    assert program.json()["code"] == code


async def test_errors_go_to_the_client_with_state_and_issuer(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    answer = await browser.get(app.request(code_challenge_method="plain"))
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    told = dict(parse_qsl(location.query))
    assert told.pop("error_description")
    assert told == {"error": "invalid_request", "state": "a state", "iss": "http://localhost:9000"}


async def test_a_doubled_parameter_is_refused(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    answer = await browser.get(app.request() + "&nonce=another")
    assert dict(parse_qsl(urlsplit(answer.headers["location"]).query))["error"] == "invalid_request"
    assert (await browser.get(app.request() + "&redirect_uri=" + CALLBACK)).status_code == 400
    assert (await browser.get(app.request() + "&x=1" * 70)).status_code == 400


async def test_a_form_serves_as_well_as_a_query(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    form = dict(parse_qsl(urlsplit(app.request()).query))
    # from another site: OpenID Connect Core 1.0, section 3.1.2.1, lets clients post
    answer = await browser.post("/authorize", form, Origin="https://app.example", **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/authorize/continue?hop=")


async def test_prompt_none_without_a_session(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    await browser.follow(await browser.get(app.request(prompt="none")))
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["error"] == "login_required"
    assert browser.query()["iss"] == "http://localhost:9000"


async def test_every_answer_has_the_headers_of_safety(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    for path in (app.request(), "/jwks", "/nowhere", "/authorize", "/.well-known/openid-configuration"):
        headers = (await browser.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "content-security-policy" in headers
        assert len(headers["munjigi-correlation-id"]) == 16
    assert (await browser.send("PUT", "/token", {})).status_code == 405
