"""A header that proved a client is believed again without looking: never longer, nor for more, than it proves."""

from __future__ import annotations

from collections.abc import Callable

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from idp.clients.client import hash_secret
from tests.clock import FakeClock
from tests.idp.grants.programs import change
from tests.idp.keyed import ask, changed, register
from tests.idp.keys import Key, certificate, client_cert
from tests.idp.provider import App, Provider, running_provider

REVOCATION = {"token": "nobody's"}


async def test_nothing_else_of_a_request_may_speak_against_it(provider: Provider) -> None:
    app = await provider.register()
    await provider.register("other")
    for more, error in (
        ({}, None),
        ({"client_id": "app"}, None),
        ({"client_id": "other"}, "invalid_request"),
        ({"client_secret": "x"}, "invalid_request"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({}, None),
    ):
        answer = await ask(provider, "/revoke", {**REVOCATION, **more}, app)
        assert answer.json().get("error") == error, more


async def test_it_is_over_with_the_secret(provider: Provider) -> None:
    app = await provider.register()
    assert (await ask(provider, "/revoke", REVOCATION, app)).status_code == 200
    await change(provider, app, secret_hash=hash_secret("another"))
    assert (await ask(provider, "/revoke", REVOCATION, app)).status_code == 401
    assert (await ask(provider, "/revoke", REVOCATION, App("app", "another"))).status_code == 200


async def test_one_that_proved_nothing_is_not_remembered(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> None:
    """A client that proves itself by its certificate may send any header beside it."""
    here = changed(settings, client_certificate_header=True, trusted_proxies=("127.0.0.1/32",))
    key = Key()
    shown = {"Client-Cert": client_cert(certificate(key, clock.now()))}
    async with running_provider(here, database("idp"), valkey, clock) as provider:
        await register(provider, "bank", "self_signed_tls_client_auth", jwks={"keys": [key.registered]})
        bank = App("bank", "whatever")
        assert (await ask(provider, "/revoke", REVOCATION, bank, **shown)).status_code == 200
        assert (await ask(provider, "/revoke", REVOCATION, bank)).status_code == 401
