"""RFC 9101: requests that their client signed, by value and by reference."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from config import outbound
from jose.published_keys import AGAIN_AFTER
from tests.clock import FakeClock
from tests.idp.provider import CALLBACK, App, Provider
from tests.idp.signing_app import (
    parameters_of,
    public_jwks,
    push,
    register_with,
    request_object,
    told,
)

KEY = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)


@dataclass
class Site:
    """A web server on this machine that answers every path with the same."""

    answer: bytes = b""
    status: str = "200 OK"
    asked: int = 0
    port: int = field(default=0)

    def url(self, path: str = "/request.jwt") -> str:
        return f"http://localhost:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # whoever asked gave up
            writer.close()
            return
        self.asked += 1
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.answer)}\r\nConnection: close\r\n"
        writer.write(head.encode() + b"Location: http://localhost:1/\r\n\r\n" + self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def running_site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        await server.wait_closed()


def by_value(app: App, token: str, **more: str | None) -> str:
    """The address of a request that stands in an object; beside it only what OAuth asks for."""
    left_out = {name: None for name in parameters_of(app) if name != "client_id"}
    return app.request(**{**left_out, "request": token, **more})


async def test_each_algorithm_serves(provider: Provider) -> None:
    app = await register_with(provider, jwks=public_jwks(KEY, RSA))
    for key, alg in ((KEY, "ES256"), (RSA, "RS256"), (RSA, "PS256")):
        assert (await push(provider, app, request=request_object(provider, app, key, alg=alg))).status_code == 201


async def test_a_signed_request_is_all_that_counts(provider: Provider) -> None:
    app = await register_with(provider, jwks=public_jwks(KEY), require_signed_request_object=True)
    person, browser = await provider.person(), provider.browser()
    token = request_object(provider, app, KEY, max_age=0, claims={"userinfo": {"email": None}})
    await browser.follow(await browser.get(by_value(app, token, state="another", redirect_uri="https://evil.example/")))
    await provider.prove(browser, person)
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["state"] == "a state"
    assert (await provider.redeem(app, browser.query()["code"])).status_code == 200


async def test_one_that_is_not_signed_is_not_heard_where_it_must_be(provider: Provider) -> None:
    app = await register_with(provider, jwks=public_jwks(KEY), require_signed_request_object=True)
    assert told(await provider.browser().get(app.request()))["error"] == "invalid_request"
    assert (await push(provider, app)).json()["error"] == "invalid_request"
    signed = await push(provider, app, request=request_object(provider, app, KEY))
    assert signed.status_code == 201


UNUSABLE: tuple[dict[str, Any], ...] = (
    {"iss": "another"},
    {"iss": None},
    {"client_id": "another"},
    {"client_id": None},
    {"aud": "https://elsewhere.example"},
    {"aud": None},
    {"aud": ["https://elsewhere.example"]},
    {"exp": None},
    {"exp": "soon"},
    {"exp": True},
    {"nbf": "now"},
    {"nbf": -(10**400)},
    {"exp": 10**400, "nbf": 10**400},
    {"sub": "app"},
    {"request": "a.b.c"},
    {"request_uri": "urn:x"},
    {"scope": ["openid"]},
    {"state": True},
    {"resource": [1]},
    {"max_age": 10**4299},
    {"claims": {"userinfo": {"name": {"value": 10**30}}}},
)


async def test_what_makes_an_object_unusable(provider: Provider) -> None:
    app = await register_with(provider, jwks=public_jwks(KEY))
    for changed in UNUSABLE:
        token = request_object(provider, app, KEY, **changed)
        assert (await push(provider, app, request=token)).json()["error"] == "invalid_request_object", changed
    alone = await provider.browser().get(by_value(app, token))
    assert alone.status_code == 400
    assert "MJ-IDP-013" in alone.text
    assert "location" not in alone.headers
    known = await provider.browser().get(by_value(app, token, redirect_uri=CALLBACK, state="outer"))
    assert (told(known)["error"], told(known)["state"]) == ("invalid_request_object", "outer")
    unknown = await provider.browser().get(by_value(app, token, redirect_uri="https://evil.example/"))
    assert "location" not in unknown.headers


async def test_how_it_must_be_signed(provider: Provider) -> None:
    app = await register_with(provider, jwks=public_jwks(KEY, RSA), request_object_signing_alg="ES256")
    stranger = ECKey.generate_key("P-256")
    sound = request_object(provider, app, KEY)
    secret = OctKey.import_key(b"a secret of 256 bits, let us say")
    head, payload, _signature = sound.split(".")
    refused = [
        request_object(provider, app, stranger),
        request_object(provider, app, stranger, header={"kid": KEY.thumbprint()}),
        request_object(provider, app, stranger, header={"jwk": stranger.as_dict(private=False)}),
        request_object(provider, app, RSA, alg="RS256"),
        request_object(provider, app, secret, alg="HS256"),  # type: ignore[arg-type]
        _confused(payload),
        request_object(provider, app, KEY, header={"typ": "at+jwt"}),
        f"{head}.{payload}.",
        "eyJhbGciOiJub25lIn0." + payload + ".",
        sound[:-4] + "AAAA",
        "x",
        "..",
        "a" * 20_000,
    ]
    for token in refused:
        answer = await push(provider, app, request=token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")
    assert (await push(provider, app, request=sound)).status_code == 201
    without_kid = request_object(provider, app, KEY, header={"kid": None, "typ": "JWT"})
    assert (await push(provider, app, request=without_kid)).status_code == 201


async def test_it_expires_exactly_then(provider: Provider, clock: FakeClock) -> None:
    app = await register_with(provider, jwks=public_jwks(KEY))
    token = request_object(provider, app, KEY)
    early = request_object(provider, app, KEY, nbf=int(clock.timestamp()) + 11)
    assert (await push(provider, app, request=early)).json()["error"] == "invalid_request_object"
    clock.advance(59.9)
    assert (await push(provider, app, request=token)).status_code == 201
    clock.advance(0.1)
    assert (await push(provider, app, request=token)).json()["error"] == "invalid_request_object"


async def test_both_ways_at_once_are_refused(provider: Provider) -> None:
    app = await register_with(provider, jwks=public_jwks(KEY))
    token = request_object(provider, app, KEY)
    both = await provider.browser().get(by_value(app, token, request_uri="urn:x", redirect_uri=CALLBACK))
    assert told(both)["error"] == "invalid_request"
    doubled = await provider.browser().get(by_value(app, token, redirect_uri=CALLBACK) + "&request=" + token)
    assert told(doubled)["error"] == "invalid_request"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine may be busy, and no test is about how long an answer may take."""
    monkeypatch.setattr(outbound, "PATIENCE", 120.0)
    monkeypatch.setattr(outbound, "TIMEOUTS", httpx2.Timeout(60.0))


@pytest.mark.usefixtures("patient")
async def test_by_reference(provider: Provider) -> None:
    async with running_site() as site:
        app = await register_with(provider, jwks=public_jwks(KEY), request_uris=(site.url(),))

        async def asked(uri: str) -> dict[str, str]:
            left_out = {name: None for name in parameters_of(app) if name not in ("client_id", "redirect_uri")}
            answer = await provider.browser().get(app.request(**{**left_out, "request_uri": uri}))
            location = answer.headers["location"]
            return {} if location.startswith("/authorize/continue") else told(answer)

        site.answer = request_object(provider, app, KEY).encode()
        assert await asked(site.url()) == {}
        for unregistered in (site.url("/request.jwt?x"), site.url("/other"), site.url() + "#x", "urn:x", "http://["):
            assert (await asked(unregistered))["error"] == "invalid_request_uri"
        assert site.asked == 1
        for status, body in (("404 Not Found", b""), ("302 Found", b""), ("200 OK", b"x" * 20_000)):
            site.status, site.answer = status, body
            assert (await asked(site.url()))["error"] == "invalid_request_uri"
        site.status, site.answer = "200 OK", b"no object"
        assert (await asked(site.url()))["error"] == "invalid_request_object"
    assert (await asked(site.url()))["error"] == "invalid_request_uri"


@pytest.mark.usefixtures("patient")
async def test_keys_that_are_published(provider: Provider, clock: FakeClock) -> None:
    async with running_site() as site:
        site.answer = _encoded(public_jwks(KEY))
        app = await register_with(provider, jwks_uri=site.url("/jwks"))
        assert (await push(provider, app, request=request_object(provider, app, KEY))).status_code == 201
        assert (await push(provider, app, request=request_object(provider, app, KEY))).status_code == 201
        assert site.asked == 1
        # a new key is fetched, though not at once again
        newer = ECKey.generate_key("P-256")
        site.answer = _encoded(public_jwks(KEY, newer))
        assert (await push(provider, app, request=request_object(provider, app, newer))).status_code == 400
        clock.advance(AGAIN_AFTER)
        assert (await push(provider, app, request=request_object(provider, app, newer))).status_code == 201
        assert site.asked == 2
        site.status = "500 Away"
        clock.advance(301)
        assert (await push(provider, app, request=request_object(provider, app, newer))).status_code == 201
        clock.advance(3600)
        assert (await push(provider, app, request=request_object(provider, app, newer))).status_code == 400


def _confused(payload: str) -> str:
    """Signed by HS256 with the public key as its secret (RFC 8725, section 2.1)."""
    protected = _base64url(b'{"alg":"HS256","kid":"' + KEY.thumbprint().encode() + b'"}')
    digest = hmac.digest(KEY.as_pem(private=False), f"{protected}.{payload}".encode(), "sha256")
    return f"{protected}.{payload}.{_base64url(digest)}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _encoded(document: object) -> bytes:
    return msgspec.json.encode(document)
