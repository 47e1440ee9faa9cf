"""Clients that prove themselves by a key of their own, at every endpoint that asks them to (RFC 7523)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qsl

import msgspec
import pytest
import structlog
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from tests.clock import FakeClock
from tests.idp.keyed import TOKEN, ask, changed, code, redemption, register, renewal
from tests.idp.keys import Key
from tests.idp.provider import Provider, running_provider

ISSUER = "http://localhost:9000"


@pytest.fixture(autouse=True)
def _later(provider: Provider, clock: FakeClock) -> None:
    """The memory of assertions begins a few seconds after the first node does."""
    clock.advance(42)


async def test_a_login_a_refresh_introspection_and_revocation_by_its_key(provider: Provider, clock: FakeClock) -> None:
    key = Key(kid="one")
    app = await register(provider, "app", "private_key_jwt", jwks={"keys": [key.registered]})

    def proven(audience: str = ISSUER) -> dict[str, str]:
        return key.assertion("app", audience, clock.timestamp())

    tokens = (await ask(provider, "/token", {**redemption(app, await code(provider, app)), **proven()})).json()
    tokens = (await ask(provider, "/token", {**renewal(tokens), **proven(TOKEN)})).json()
    said = await ask(provider, "/introspect", {"token": tokens["access_token"], **proven()})
    assert said.json()["active"]
    assert (await ask(provider, "/revoke", {"token": tokens["refresh_token"], **proven()})).status_code == 200
    assert (await ask(provider, "/token", {**renewal(tokens), **proven()})).json()["error"] == "invalid_grant"


async def test_a_code_survives_a_client_that_did_not_prove_itself(provider: Provider, clock: FakeClock) -> None:
    key, now = Key(kid="one"), clock.timestamp()
    app = await register(provider, "app", "private_key_jwt", jwks={"keys": [key.registered]})
    await register(provider, "other", "private_key_jwt", jwks={"keys": [key.registered]})
    form = redemption(app, await code(provider, app))
    good = key.assertion("app", ISSUER, now)
    for wrong, error in (
        ({"client_id": "app"}, "invalid_client"),
        ({"client_id": "app", "client_secret": "x"}, "invalid_client"),
        (Key(kid="one").assertion("app", ISSUER, now), "invalid_client"),
        (key.assertion("app", "https://elsewhere.example", now), "invalid_client"),
        (key.assertion("nobody", ISSUER, now), "invalid_client"),
        ({**good, "client_assertion": "x"}, "invalid_client"),
        (
            {**good, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            "invalid_client",
        ),
        ({"client_assertion": good["client_assertion"]}, "invalid_client"),
        ({"client_assertion_type": good["client_assertion_type"]}, "invalid_client"),
        ({**good, "client_secret": "x"}, "invalid_request"),
        ({**good, "client_id": "other"}, "invalid_request"),
        (key.assertion("other", ISSUER, now), "invalid_grant"),
    ):
        answer = await ask(provider, "/token", {**form, **wrong})
        assert answer.json()["error"] == error, wrong
        assert "key" not in answer.json().get("error_description", ""), "which part was wrong is nobody's business"
    async with provider.client() as client:
        both = await client.post("/token", data={**form, **good}, auth=("app", "x"))
    assert both.json()["error"] == "invalid_request"
    assert (await ask(provider, "/token", {**form, **good, "client_id": "app"})).status_code == 200


async def test_an_assertion_of_a_client_with_a_secret_proves_nothing(provider: Provider, clock: FakeClock) -> None:
    key = Key(kid="one")
    await register(provider, "app", "client_secret_basic", jwks={"keys": [key.registered]})
    form = {"grant_type": "refresh_token", "refresh_token": "x", **key.assertion("app", ISSUER, clock.timestamp())}
    assert (await ask(provider, "/token", form)).json()["error"] == "invalid_client"


async def test_an_assertion_is_good_once_at_whichever_node(
    provider: Provider, settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> None:
    key = Key(kid="one")
    await register(provider, "app", "private_key_jwt", jwks={"keys": [key.registered]})
    shown = {"token": "x", **key.assertion("app", ISSUER, clock.timestamp(), exp=clock.timestamp() + 3600)}
    async with running_provider(settings, database("idp"), valkey, clock) as other:
        asked = (ask(node, "/revoke", shown) for node in (provider, other) * 4)
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
        clock.advance(299)
        assert (await ask(other, "/revoke", shown)).status_code == 401
        clock.advance(1)
        assert (await ask(other, "/revoke", shown)).status_code == 401


async def test_what_valkey_lost_is_no_refusal_and_is_worth_another_try(
    provider: Provider, valkey: Valkey, clock: FakeClock
) -> None:
    key = Key(kid="one")
    app = await register(provider, "app", "private_key_jwt", jwks={"keys": [key.registered]})
    form = redemption(app, await code(provider, app))
    used = key.assertion("app", ISSUER, clock.timestamp())
    await ask(provider, "/revoke", {"token": "x", **used})
    await valkey.flushdb()
    for path in ("/token", "/introspect", "/revoke", "/par"):
        answer = await ask(provider, path, {**form, "token": "x", **used})
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable"), path
        assert (answer.json()["code"], answer.headers["cache-control"]) == ("MJ-IDP-065", "no-store")
        assert "www-authenticate" not in answer.headers
    forged = Key(kid="one").assertion("app", ISSUER, clock.timestamp())
    assert (await ask(provider, "/token", {**form, **forged})).json()["error"] == "invalid_client"
    clock.advance(int(answer.headers["retry-after"]))
    anew = key.assertion("app", ISSUER, clock.timestamp())
    assert (await ask(provider, "/token", {**form, **anew})).status_code == 200
    assert (await ask(provider, "/token", {**form, **anew})).json()["error"] == "invalid_client"


async def test_what_it_was_proven_by_is_not_told_apart(provider: Provider, clock: FakeClock) -> None:
    """An unknown client, a wrong key and a used assertion have the same answer."""
    key, now = Key(kid="one"), clock.timestamp()
    await register(provider, "app", "private_key_jwt", jwks={"keys": [key.registered]})
    used = {"token": "x", **key.assertion("app", ISSUER, now)}
    await ask(provider, "/revoke", used)
    answers = [
        (await ask(provider, "/revoke", form)).json()
        for form in (
            used,
            {"token": "x", **key.assertion("nobody", ISSUER, now)},
            {"token": "x", **Key(kid="one").assertion("app", ISSUER, now)},
        )
    ]
    assert len({(answer["error"], answer["error_description"], answer["code"]) for answer in answers}) == 1


async def test_authlibs_own_client_is_believed(provider: Provider, clock: FakeClock) -> None:
    """Its assertions say that they are good for an hour."""
    key = Key()
    await register(provider, "app", "private_key_jwt", jwks={"keys": [key.registered]})
    signing = _Signing("app", ECKey.import_key(key.pem()))
    _, _, body = PrivateKeyJWT(TOKEN, alg="ES256")(signing, "POST", TOKEN, {}, "token=x")
    clock.advance(time.time() - clock.timestamp())  # it reads the real clock
    assert (await ask(provider, "/revoke", dict(parse_qsl(body)))).status_code == 200


class _Signing:
    """What `PrivateKeyJWT` reads of a session."""

    def __init__(self, client_id: str, key: ECKey) -> None:
        self.client_id = client_id
        self.client_secret = key


class Site:
    """Where a client has its keys: a real socket on this machine."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.asked = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = msgspec.json.encode({"keys": [key.registered for key in self.keys]})
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


async def test_a_client_that_replaces_its_key_is_believed_at_once(
    site: Site, settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> None:
    async with running_provider(settings, database("idp"), valkey, clock) as provider:
        clock.advance(42)
        old, new = Key(kid="old"), Key(kid="new")
        await register(provider, "app", "private_key_jwt", jwks_uri=f"http://keys.localhost:{site.port}/jwks")

        async def revoked_by(key: Key) -> int:
            form = {"token": "x", **key.assertion("app", ISSUER, clock.timestamp())}
            return (await ask(provider, "/revoke", form)).status_code

        site.keys = [old]
        assert [await revoked_by(old), await revoked_by(old), site.asked] == [200, 200, 1]
        site.keys = [new]
        clock.advance(30)
        assert [await revoked_by(new), site.asked] == [200, 2]
        assert [await revoked_by(old), site.asked] == [401, 2], "withdrawn, and not fetched for every stranger"


async def test_strangers_do_not_make_us_ask_our_own_network(provider: Provider, clock: FakeClock) -> None:
    await register(provider, "app", "private_key_jwt", jwks_uri="https://10.0.0.1/jwks")
    form = {"token": "x", **Key(kid="one").assertion("app", ISSUER, clock.timestamp())}
    with structlog.testing.capture_logs() as told:
        assert (await ask(provider, "/revoke", form)).status_code == 401
    assert [line["error"] for line in told if line["event"] == "keys_not_fetched"] == ["its address is not public"]


async def test_discovery_says_how(
    provider: Provider, settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> None:
    async with provider.client() as client:
        plain = (await client.get("/.well-known/openid-configuration")).json()
    for endpoint in ("token", "revocation", "introspection"):
        assert "private_key_jwt" in plain[f"{endpoint}_endpoint_auth_methods_supported"]
        assert "self_signed_tls_client_auth" not in plain[f"{endpoint}_endpoint_auth_methods_supported"]
        assert plain[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] == ["ES256", "RS256", "PS256"]
    assert "none" not in plain["introspection_endpoint_auth_methods_supported"]
    assert plain["dpop_signing_alg_values_supported"] == ["ES256", "PS256"]
    assert "mtls_endpoint_aliases" not in plain
    certified = changed(settings, client_certificate_header=True, mtls_origin="https://mtls.example")
    async with (
        running_provider(certified, database("idp"), valkey, clock) as other,
        other.client() as client,
    ):
        said = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert "self_signed_tls_client_auth" in said["token_endpoint_auth_methods_supported"]
    assert "tls_client_auth" not in said["token_endpoint_auth_methods_supported"], "no authority is trusted"
    assert said["tls_client_certificate_bound_access_tokens"]
    assert said["mtls_endpoint_aliases"]["token_endpoint"] == "https://mtls.example/token"
