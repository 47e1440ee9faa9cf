"""An identity provider as its process runs it, and what one login of a person's gave to one app there."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.settings import Settings
from idp.app import serve
from idp.grants.ciba import CIBA
from tests.fuzz.serving import served
from tests.idp.grants.programs import change
from tests.idp.provider import AFTER_LOGOUT, CALLBACK, SECRET, running_provider


@pytest.fixture
async def known(settings: Settings) -> dict[str, str]:
    """What is good at each endpoint: of an app that may ask with its secret in the form, and of a person's login.

    There is a `code` that nobody has used yet; the tokens came of another one.
    """
    own = settings.model_copy(update={"idp": settings.idp.model_copy(update={"code_lifetime": 600})})
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    try:
        async with running_provider(own, database, valkey, SystemClock()) as provider:
            app, person = await provider.register(auth_method="client_secret_post"), await provider.person()
            await change(provider, app, grant_types=("authorization_code", "refresh_token", CIBA))
            browser = provider.browser()
            code = await provider.sign_in(browser, app, person)
            proof = {"client_id": app.client_id, "client_secret": SECRET}
            form = {"redirect_uri": CALLBACK, "code_verifier": app.verifier, **proof}
            answer = await provider.post("/token", {"grant_type": "authorization_code", "code": code, **form})
            tokens = answer.json()
            begun = await provider.post("/bc-authorize", {"scope": "openid", "login_hint": "mina", **proof})
            await browser.follow(await browser.get(app.request()))
            return {
                **form,
                "code": browser.query()["code"],
                "grant_type": "refresh_token",
                "refresh_token": tokens["refresh_token"],
                "token": tokens["access_token"],
                "id_token_hint": tokens["id_token"],
                "post_logout_redirect_uri": AFTER_LOGOUT,
                "response_type": "code",
                "auth_req_id": begun.json()["auth_req_id"],
                "login_hint": "mina",
                "binding_message": "W4SCT",
                "requested_expiry": "60",
                "code_challenge": app.challenge,
                "code_challenge_method": "S256",
                "scope": "openid",
                "max_age": "60",
                "state": "a state",
            }
    finally:
        await valkey.aclose()
        await database.dispose()


@pytest.fixture
def client(settings: Settings, known: dict[str, str]) -> Iterator[httpx2.Client]:
    """Of the provider, over its socket."""
    socket = settings.var / "idp.sock"
    own = settings.model_copy(
        update={"idp": settings.idp.model_copy(update={"listen": f"unix:{socket}", "registration": "open"})}
    )
    with served(serve, own, socket, settings.idp.issuer) as client:
        yield client
