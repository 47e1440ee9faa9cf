"""A client under the FAPI 2.0 Security Profile, from its pushed request to its tokens and their renewal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from tests.clock import FakeClock
from tests.idp.endpoints.test_dpop import claims
from tests.idp.keyed import TOKEN, USERINFO, ask, changed, redemption, register, renewal
from tests.idp.keys import Key, certificate, client_cert
from tests.idp.provider import App, Provider, running_provider
from tests.idp.signing_app import parameters_of, redeemed_at

PAR = "http://localhost:9000/par"


@pytest.fixture(autouse=True)
def _later(provider: Provider, clock: FakeClock) -> None:
    """The memory of proofs begins a few seconds after the first node does."""
    clock.advance(42)


class Bank:
    """A client that does all that the profile asks for: it proves itself and its tokens' key by keys of its own."""

    def __init__(self, provider: Provider, app: App, **headers: str) -> None:
        self.provider = provider
        self.app = app
        self.own = Key(kid="own")
        self.tokens_key = Key()
        self.nonce: str | None = None
        self.headers = headers

    async def registered(self, **metadata: Any) -> Bank:
        said = {
            "profile": "fapi2",
            "dpop_bound_access_tokens": True,
            "jwks": {"keys": [self.own.registered]},
            **metadata,
        }
        await register(self.provider, self.app.client_id, "private_key_jwt", **said)
        self.provider.parts.clients.on_reset()
        return self

    async def post(self, path: str, form: dict[str, str], *, prove: bool = True) -> httpx2.Response:
        """As its library does: a nonce that is wanted is used at once."""
        clock = self.provider.parts.clock
        for _ in range(2):
            proofs = {}
            if prove:
                made = self.tokens_key.proof(
                    "POST", f"http://localhost:9000{path}", clock.timestamp(), nonce=self.nonce
                )
                proofs = {"DPoP": made}
            shown = self.own.assertion(self.app.client_id, self.provider.parts.issuer, clock.timestamp())
            answer = await ask(self.provider, path, {**form, **shown}, None, **proofs, **self.headers)
            self.nonce = answer.headers.get("dpop-nonce", self.nonce)
            if answer.json().get("error") != "use_dpop_nonce":
                break
        return answer

    async def code(self, *, prove: bool = True) -> str:
        """Of somebody who signs in."""
        pushed = await self.post("/par", parameters_of(self.app), prove=prove)
        assert pushed.status_code == 201, pushed.text
        browser, person = self.provider.browser(), await self.provider.person()
        await browser.follow(await browser.get(redeemed_at(self.app, pushed.json()["request_uri"])))
        await self.provider.prove(browser, person)
        return browser.query()["code"]


async def test_the_whole_way(provider: Provider, clock: FakeClock) -> None:
    bank = await Bank(provider, App("bank", None)).registered()
    answer = await bank.post("/token", redemption(bank.app, await bank.code()))
    tokens = answer.json()
    assert (answer.status_code, tokens["token_type"]) == (200, "DPoP")
    token = tokens["access_token"]
    assert claims(token)["cnf"] == {"jkt": bank.tokens_key.thumbprint}
    shown = bank.tokens_key.proof("GET", USERINFO, clock.timestamp(), token=token)
    async with provider.client() as client:
        told = await client.get("/userinfo", headers={"Authorization": f"DPoP {token}", "DPoP": shown})
        assert told.status_code == 200
        assert (await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    said = (await bank.post("/introspect", {"token": token}, prove=False)).json()
    assert (said["active"], said["token_type"]) == (True, "DPoP")


async def test_refresh_tokens_stay_and_are_good_with_their_key_alone(provider: Provider) -> None:
    bank = await Bank(provider, App("bank", None)).registered()
    tokens = (await bank.post("/token", redemption(bank.app, await bank.code()))).json()
    assert (await bank.post("/token", renewal(tokens), prove=False)).json()["error"] == "invalid_dpop_proof"
    for _ in range(2):
        renewed = (await bank.post("/token", renewal(tokens))).json()
        assert renewed["refresh_token"] == tokens["refresh_token"]
        assert claims(renewed["access_token"])["cnf"] == {"jkt": bank.tokens_key.thumbprint}


async def test_the_key_that_pushed_the_request_redeems_its_code(provider: Provider) -> None:
    bank = await Bank(provider, App("bank", None)).registered()
    form, own = redemption(bank.app, await bank.code()), bank.tokens_key
    bank.tokens_key = Key()
    assert (await bank.post("/token", form)).json()["error"] == "invalid_grant"
    bank.tokens_key = own
    assert (await bank.post("/token", form)).status_code == 200


async def test_a_key_that_is_named_and_another_that_is_proven(provider: Provider) -> None:
    bank = await Bank(provider, App("bank", None)).registered()
    named = parameters_of(bank.app, dpop_jkt=Key().thumbprint)
    refused = await bank.post("/par", named)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert (await bank.post("/par", {**named, "dpop_jkt": bank.tokens_key.thumbprint})).status_code == 201


async def test_what_is_not_pushed_is_refused(provider: Provider) -> None:
    bank = await Bank(provider, App("bank", None)).registered()
    browser = provider.browser()
    await browser.get(bank.app.request())
    location = httpx2.URL((await browser.get(bank.app.request())).headers["location"])
    assert location.params["error"] == "invalid_request"


async def test_an_assertion_is_for_the_issuer_alone(provider: Provider, clock: FakeClock) -> None:
    bank = await Bank(provider, App("bank", None)).registered()
    for audience in (TOKEN, PAR, [provider.parts.issuer], "https://elsewhere.example"):
        shown = bank.own.assertion("bank", audience, clock.timestamp())
        refused = await ask(provider, "/par", {**parameters_of(bank.app), **shown})
        assert refused.json()["error"] == "invalid_client", audience


async def test_an_algorithm_outside_the_profile_is_none(provider: Provider) -> None:
    bank = await Bank(provider, App("bank", None)).registered(token_endpoint_auth_signing_alg="RS256")
    refused = await bank.post("/par", parameters_of(bank.app))
    assert refused.status_code in (400, 401)


async def test_a_client_that_cannot_be_held_to_it_gets_nothing(provider: Provider) -> None:
    app = await register(provider, "app", "client_secret_basic", profile="fapi2")
    provider.parts.clients.on_reset()
    refused = await ask(provider, "/par", parameters_of(app), app)
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


async def test_tokens_may_be_bound_to_a_certificate_instead(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> None:
    behind = changed(settings, client_certificate_header=True, trusted_proxies=("127.0.0.1/32",))
    async with running_provider(behind, database("idp"), valkey, clock) as provider:
        clock.advance(42)
        found = certificate(Key(), clock.now())
        bank = await Bank(provider, App("bank", None), **{"Client-Cert": client_cert(found)}).registered(
            dpop_bound_access_tokens=False, tls_client_certificate_bound_access_tokens=True
        )
        form = redemption(bank.app, await bank.code(prove=False))
        certified, bank.headers = bank.headers, {}
        assert (await bank.post("/token", form, prove=False)).json()["error"] == "invalid_request"
        bank.headers = certified
        tokens = (await bank.post("/token", form, prove=False)).json()
        assert tokens["token_type"] == "Bearer"
        assert set(claims(tokens["access_token"])["cnf"]) == {"x5t#S256"}
