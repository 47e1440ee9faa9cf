"""How an answer reaches the client: JARM's signed modes, and the fragment (OAuth 2.0 Multiple Response Type Encoding
Practices). `query` and `form_post` stand beside."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from idp.clients.metadata import ClientMetadata
from tests.clock import FakeClock
from tests.idp.endpoints.test_form_post import fields
from tests.idp.endpoints.test_signed_answers import read
from tests.idp.provider import CALLBACK, Provider


async def test_jarm_2_1_a_code_comes_as_one_signed_jwt(provider: Provider, clock: FakeClock) -> None:
    app = await provider.register(metadata=ClientMetadata(authorization_signed_response_alg="RS256"))
    user, browser = await provider.person(), provider.browser()
    await browser.follow(await browser.get(app.request(response_mode="jwt")))
    await provider.prove(browser, user)
    assert browser.address.startswith(f"{CALLBACK}?")
    assert set(browser.query()) == {"response"}
    said = await read(provider, browser.query()["response"], "RS256", "JWT")
    assert {name: said[name] for name in ("iss", "aud", "state")} == {
        "iss": provider.parts.issuer,
        "aud": "app",
        "state": "a state",
    }
    expires_at = said["exp"]
    assert isinstance(expires_at, int)
    assert 0 < expires_at - clock.timestamp() <= 600
    assert set(said) == {"iss", "aud", "state", "exp", "code"}
    assert (await provider.redeem(app, str(said["code"]))).status_code == 200

    await browser.follow(await browser.get(app.request(response_mode="fragment", prompt="none")))
    address = urlsplit(browser.address)
    assert not address.query
    given = dict(parse_qsl(address.fragment))
    assert set(given) == {"code", "state", "iss"}
    assert (await provider.redeem(app, given["code"])).status_code == 200


async def test_jarm_2_3_3_an_error_comes_signed_in_a_form(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    for page in (
        await browser.get(app.request(response_mode="form_post.jwt", scope="profile")),
        await browser.follow(await browser.get(app.request(response_mode="form_post.jwt", prompt="none"))),
    ):
        sent = fields(page)
        assert set(sent) == {"response"}
        said = await read(provider, sent["response"], "ES256", "JWT")
        assert said["error"] in ("invalid_scope", "login_required")
        assert set(said) == {"iss", "aud", "state", "exp", "error", "error_description"}
