"""What comes back from an upstream is believed only if it is the answer: all else is refused, by its own code."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import OctKey
from starlette.responses import JSONResponse, RedirectResponse, Response

from config import outbound
from idp.endpoints.upstream import callback
from idp.federation.provider import secret_context
from idp.federation.upstream import LARGEST, RETRY
from idp.storage import upstream_providers
from jose.published_keys import AGAIN_AFTER
from tests.clock import FakeClock
from tests.house import free_port
from tests.idp.federation.conftest import Acme, button, code_of, onward
from tests.idp.federation.upstream import SECRET, Upstream, new_key, running_upstream
from tests.idp.login_pages.test_sign_in import open_sign_in, person
from tests.idp.people import BEGUN
from tests.idp.provider import CALLBACK, Provider

UNSOUND = (502, "MJ-SIGNIN-062")
UNREACHABLE = (503, "MJ-SIGNIN-061")
REFUSED = (403, "MJ-SIGNIN-060")
OVER = (400, "MJ-IDP-001")
Signer = Callable[[Upstream, dict[str, Any]], str]


@pytest.fixture(autouse=True)
async def mina(acme: Acme, provider: Provider) -> None:
    """Her account at the upstream is linked: a sound answer signs her in."""
    await acme.link(await person(provider))


def told(page: httpx2.Response) -> tuple[int, str]:
    return page.status_code, code_of(page)


async def nobody_is_in(acme: Acme) -> bool:
    return await acme.rows("SELECT 1 FROM idp.session") == []


def _by_none(upstream: Upstream, claims: dict[str, Any]) -> str:
    header = base64.urlsafe_b64encode(msgspec.json.encode({"alg": "none", "kid": upstream.kid})).rstrip(b"=").decode()
    return f"{header}.{upstream.signed(claims).split('.')[1]}."


def _by_the_secret(upstream: Upstream, claims: dict[str, Any]) -> str:
    return jws.serialize_compact(
        {"alg": "HS256", "kid": upstream.kid}, msgspec.json.encode(claims), OctKey.import_key(SECRET), ["HS256"]
    )


def _by_the_public_key_as_secret(upstream: Upstream, claims: dict[str, Any]) -> str:
    header = base64.urlsafe_b64encode(msgspec.json.encode({"alg": "HS256", "kid": upstream.kid})).rstrip(b"=").decode()
    signed = f"{header}.{upstream.signed(claims).split('.')[1]}"
    mac = hmac.digest(upstream.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _by_no_named_key(upstream: Upstream, claims: dict[str, Any]) -> str:
    return jws.serialize_compact({"alg": "ES256"}, msgspec.json.encode(claims), upstream.key, ["ES256"])


def _by_an_embedded_key(upstream: Upstream, claims: dict[str, Any]) -> str:
    own = new_key()
    header = {"alg": "ES256", "kid": upstream.kid, "jwk": own.as_dict(private=False)}
    return jws.serialize_compact(header, msgspec.json.encode(claims), own, ["ES256"])


def _by_another_key(upstream: Upstream, claims: dict[str, Any]) -> str:
    return jws.serialize_compact({"alg": "ES256", "kid": upstream.kid}, msgspec.json.encode(claims), new_key())


def _broken(upstream: Upstream, claims: dict[str, Any]) -> str:
    head, payload, signature = upstream.signed(claims).split(".")
    other = base64.urlsafe_b64encode(msgspec.json.encode({**claims, "amr": ["mfa"]})).rstrip(b"=").decode()
    assert other != payload
    return f"{head}.{other}.{signature}"


SIGNERS: dict[str, Signer] = {
    "none": _by_none,
    "HS256 by the client's secret": _by_the_secret,
    "HS256 by the public key": _by_the_public_key_as_secret,
    "a key of its own in the header": _by_an_embedded_key,
    "another key of the same name": _by_another_key,
    "another payload": _broken,
    "an access token": lambda upstream, claims: upstream.signed(claims, typ="at+jwt"),
    "a logout token": lambda upstream, claims: upstream.signed(claims, typ="logout+jwt"),
    "no key": _by_no_named_key,
    "not a token": lambda _upstream, _claims: "a.b",
    "too long": lambda upstream, claims: upstream.signed({**claims, "more": "x" * 17_000}),
}


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=list(SIGNERS))
async def test_whatever_is_not_signed_by_its_keys_is_refused(acme: Acme, provider: Provider, signer: Signer) -> None:
    acme.upstream.sign = lambda claims: signer(acme.upstream, claims)
    page = await acme.arrive(provider.browser())
    assert told(page) == UNSOUND
    assert await nobody_is_in(acme)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://another.example"},
        {"iss": None},
        {"aud": "somebody else"},
        {"aud": []},
        {"aud": ["munjigi at acme", "somebody else"]},
        {"azp": "somebody else"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 0},
        {"exp": "2099-01-01"},
        {"iat": 1},
        {"iat": None},
        {"sub": ""},
        {"sub": None},
        {"sub": "가"},
        {"sub": "x" * 256},
        {"at_hash": "another"},
        {"amr": "pwd"},
    ],
    ids=str,
)
async def test_claims_that_do_not_answer_are_refused(acme: Acme, provider: Provider, claims: dict[str, Any]) -> None:
    acme.upstream.claims |= claims
    assert told(await acme.arrive(provider.browser())) == UNSOUND
    assert await nobody_is_in(acme)


@pytest.mark.parametrize("at", [0, 1])
async def test_a_token_is_expired_at_exp_not_after_it(
    acme: Acme, provider: Provider, clock: FakeClock, at: int
) -> None:
    acme.upstream.claims |= {"exp": clock.timestamp() + at}
    browser = provider.browser()
    page = await acme.arrive(browser)
    assert browser.address.startswith(CALLBACK) if at else told(page) == UNSOUND


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize("aud", ["munjigi at acme", ["munjigi at acme"]])
async def test_the_other_algorithms_are_taken(acme: Acme, provider: Provider, algorithm: str, aud: object) -> None:
    acme.upstream.algorithm, acme.upstream.key = algorithm, new_key(algorithm)
    acme.upstream.claims |= {"aud": aud, "azp": "munjigi at acme", "at_hash": None}
    browser = provider.browser()
    await acme.arrive(browser)
    assert browser.address.startswith(CALLBACK)


async def test_an_algorithm_that_the_upstream_does_not_name_is_not_taken(acme: Acme, provider: Provider) -> None:
    acme.upstream.metadata["id_token_signing_alg_values_supported"] = ["RS256"]
    assert told(await acme.arrive(provider.browser())) == UNSOUND


async def test_a_replay_does_nothing(acme: Acme, provider: Provider) -> None:
    browser = provider.browser()
    back = acme.upstream.answer(await acme.leave(browser))
    await browser.follow(await browser.get(back))
    assert browser.address.startswith(CALLBACK)
    asked = len(acme.upstream.asked)
    assert told(await browser.get(back)) == OVER
    assert len(acme.upstream.asked) == asked
    assert len(await acme.rows("SELECT 1 FROM idp.session")) == 1


async def test_of_the_same_answer_twice_at_once_one_counts(acme: Acme, provider: Provider) -> None:
    browser = provider.browser()
    back = acme.upstream.answer(await acme.leave(browser))
    answers = await asyncio.gather(*(browser.get(back) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400]
    assert acme.upstream.asked.count("/token") == 1


async def test_another_browsers_answer_is_refused_and_uses_nothing_up(acme: Acme, provider: Provider) -> None:
    """Somebody's own answer in another's browser would sign that one in as them."""
    browser, victim = provider.browser(), provider.browser()
    back = acme.upstream.answer(await acme.leave(browser))
    await open_sign_in(victim, acme.app)
    for stranger in (victim, provider.browser()):
        assert told(await stranger.get(back)) == OVER
    assert await acme.attempts() == 1
    await browser.follow(await browser.get(back))
    assert browser.address.startswith(CALLBACK)


@pytest.fixture
async def evil(acme: Acme, provider: Provider, clock: FakeClock) -> AsyncIterator[Upstream]:
    """Another upstream of the same organisation."""
    async with running_upstream(clock) as running:
        ident = uuid4()
        registered = replace(
            acme.registered,
            id=ident,
            issuer=running.issuer,
            sealed_secret=provider.parts.envelope.seal(SECRET.encode(), secret_context(ident)),
            domains=(),
        )
        async with provider.parts.database.begin() as tx:
            assert await upstream_providers.add(tx, registered, BEGUN)
        provider.parts.offers.on_reset()
        running.metadata["id"] = str(ident)
        yield running


async def test_the_answer_of_another_upstream_is_not_this_ones(acme: Acme, provider: Provider, evil: Upstream) -> None:
    """Mix-up (RFC 9207, RFC 9700 section 4.4): the other one answers our question, or is asked for its own by ours."""
    browser = provider.browser()
    back = acme.upstream.answer(await acme.leave(browser), iss=evil.issuer)
    assert told(await browser.get(back)) == UNSOUND
    assert acme.upstream.asked.count("/token") == 0
    other_way = acme.upstream.answer(await acme.leave(browser)).replace(str(acme.registered.id), evil.metadata["id"])
    assert told(await browser.get(other_way)) == OVER
    assert evil.asked == []
    assert await acme.attempts() == 2  # neither used a question up


@pytest.mark.parametrize("says_so", [True, False])
async def test_an_answer_says_of_whom_it_is_where_that_is_promised(
    acme: Acme, provider: Provider, says_so: bool
) -> None:
    acme.upstream.metadata["authorization_response_iss_parameter_supported"] = says_so
    browser = provider.browser()
    back = acme.upstream.answer(await acme.leave(browser)).partition("&iss=")[0]
    page = await browser.follow(await browser.get(back))
    assert told(page) == UNSOUND if says_so else browser.address.startswith(CALLBACK)


async def test_a_refusal_is_told_and_the_login_goes_on(acme: Acme, provider: Provider) -> None:
    browser = provider.browser()
    browser.cookies["mj-locale"] = "en"
    back = acme.upstream.answer(await acme.leave(browser), error="access_denied").replace("code=", "nothing=")
    page = await browser.get(back)
    assert told(page) == REFUSED
    assert "Your organisation&#39;s sign-in said no" in page.text
    browser.cookies["mj-locale"] = "ko"
    assert "locale=" not in page.text  # the address answers only once
    assert "조직의 로그인에서 거절했어요" in (await refused(acme, browser)).text
    page = await browser.follow(await browser.get(onward(page)))
    assert browser.address.startswith("http://localhost:9000/sign-in?")
    [record, _] = await acme.rows("SELECT details FROM audit.record WHERE kind = 'sign_in_failed'")
    assert record.details["code"] == "MJ-SIGNIN-060"
    assert "access_denied" in record.details["why"]


async def refused(acme: Acme, browser: Any) -> httpx2.Response:
    back = acme.upstream.answer(await acme.leave(browser), error="access_denied")
    page: httpx2.Response = await browser.get(back)
    return page


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: JSONResponse({"error": "invalid_client"}, 401), REFUSED),
        (lambda: JSONResponse({"error": "server_error"}, 500), UNREACHABLE),
        (lambda: RedirectResponse("http://127.0.0.1:1/"), UNREACHABLE),
        (lambda: Response(b"x" * (LARGEST + 1)), UNREACHABLE),
        (lambda: Response(b"{}", headers={"Content-Encoding": "gzip"}), UNREACHABLE),
        (lambda: JSONResponse({"access_token": "t", "token_type": "Bearer"}), UNSOUND),
        (lambda: JSONResponse({"access_token": "t", "token_type": "mac", "id_token": "a.b.c"}), UNSOUND),
        (lambda: Response(b"[" * 100_000), UNSOUND),
    ],
)
async def test_what_its_token_endpoint_may_not_say(
    acme: Acme, provider: Provider, answer: Callable[[], Response], expected: tuple[int, str]
) -> None:
    acme.upstream.token_answer = answer
    assert told(await acme.arrive(provider.browser())) == expected
    assert await nobody_is_in(acme)


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
async def test_the_client_proves_itself_as_it_is_registered(acme: Acme, provider: Provider, method: Any) -> None:
    await acme.put(auth_method=method, sealed_secret=None if method == "none" else acme.registered.sealed_secret)
    browser = provider.browser()
    page = await acme.arrive(browser)
    assert told(page) == REFUSED if method == "none" else browser.address.startswith(CALLBACK)


async def test_userinfo_about_somebody_else_is_refused(acme: Acme, provider: Provider) -> None:
    await acme.put(just_in_time=True)
    acme.upstream.claims["sub"] = "u-2"
    acme.upstream.told["sub"] = "u-1"
    assert told(await acme.arrive(provider.browser())) == UNSOUND
    assert len(await acme.links()) == 1


async def test_a_new_key_is_fetched_but_not_too_often(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    await acme.arrive(provider.browser())
    assert acme.upstream.asked.count("/jwks") == 1
    acme.upstream.rotate()
    assert told(await acme.arrive(provider.browser())) == UNSOUND
    assert acme.upstream.asked.count("/jwks") == 1  # a moment ago
    clock.advance(AGAIN_AFTER)
    browser = provider.browser()
    page = await acme.arrive(browser)
    assert page.status_code in (200, 303), page.text
    assert acme.upstream.asked.count("/jwks") == 2
    acme.upstream.sign = lambda claims: acme.upstream.signed(claims, kid="nobody's")
    clock.advance(AGAIN_AFTER)
    for _ in range(3):
        assert told(await acme.arrive(provider.browser())) == UNSOUND
    assert acme.upstream.asked.count("/jwks") == 3
    assert acme.upstream.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://another.example"},
        {"token_endpoint": None},
        {"token_endpoint": "http://acme.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "https://user@acme.example/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    ],
    ids=str,
)
async def test_a_discovery_document_that_leads_astray(acme: Acme, provider: Provider, metadata: dict[str, Any]) -> None:
    acme.upstream.metadata |= metadata
    browser = provider.browser()
    page = await browser.get(button(await open_sign_in(browser, acme.app), acme.registered.id))
    assert told(page) == UNSOUND


async def test_a_closed_port(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    upstreams, acme.upstream.port = acme.upstream.port, free_port()
    async with provider.parts.database.begin() as tx:
        await upstream_providers.remove(tx, acme.registered)
        closed = replace(acme.registered, issuer=acme.upstream.issuer, id=uuid4(), domains=())
        assert await upstream_providers.add(tx, closed, BEGUN)
    provider.parts.offers.on_reset()
    acme.registered, acme.upstream.port = closed, upstreams
    browser = provider.browser()
    way = button(await open_sign_in(browser, acme.app), acme.registered.id)
    page = await browser.get(way)
    assert told(page) == UNREACHABLE
    clock.advance(RETRY)
    assert told(await browser.get(way)) == UNREACHABLE
    await browser.follow(await browser.get(onward(page)))
    assert browser.address.startswith("http://localhost:9000/sign-in?")


async def test_an_upstream_that_hangs_keeps_nobody(
    acme: Acme, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.upstream.hangs = asyncio.Event()
    monkeypatch.setattr(outbound, "PATIENCE", 0.2)
    browser = provider.browser()
    assert told(await browser.get(button(await open_sign_in(browser, acme.app), acme.registered.id))) == UNREACHABLE
    assert await acme.attempts() == 0


async def test_so_many_false_answers_of_one_address(
    acme: Acme, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback, "UPSTREAM_OF_ADDRESS", replace(callback.UPSTREAM_OF_ADDRESS, attempts=3))
    browser = provider.browser()
    await acme.arrive(browser)
    assert browser.address.startswith(CALLBACK)  # given back
    browser = provider.browser("203.0.113.7")
    assert [told(await refused(acme, browser)) for _ in range(3)] == [REFUSED] * 3
    asked = len(acme.upstream.asked)
    assert told(await refused(acme, browser)) == (429, "MJ-IDP-102")
    assert len(acme.upstream.asked) == asked


async def test_only_the_latest_questions_of_a_login_wait(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    browser = provider.browser()
    way = button(await open_sign_in(browser, acme.app), acme.registered.id)
    for _ in range(12):
        clock.advance(1)
        latest = (await browser.get(way)).headers["location"]
    assert await acme.attempts() == 8
    await acme.come_back(browser, latest)
    assert browser.address.startswith(CALLBACK)
    assert await acme.attempts() == 0  # they went with the login


async def test_a_question_waits_for_ten_minutes(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    browser = provider.browser()
    back = acme.upstream.answer(await acme.leave(browser))
    clock.advance(600)
    assert told(await browser.get(back)) == OVER


async def test_odd_callbacks(acme: Acme, provider: Provider) -> None:
    browser = provider.browser()
    back = acme.upstream.answer(await acme.leave(browser))
    path = back.partition("?")[0]
    assert told(await browser.get(f"{back}&state=twice")) == (400, "MJ-IDP-104")
    for query in ("", "?state=", "?state=unknown&code=x", "?code=x", "?state=%00"):
        assert told(await browser.get(path + query)) == OVER
    assert told(await browser.get("/sign-in/upstream/nobody/callback?state=x")) in (OVER, (404, "MJ-IDP-003"))
    assert await acme.attempts() == 1


async def test_a_provider_that_was_switched_off_meanwhile(acme: Acme, provider: Provider) -> None:
    browser = provider.browser()
    back = acme.upstream.answer(await acme.leave(browser))
    await acme.put(enabled=False)
    assert told(await browser.get(back)) == OVER
    assert await nobody_is_in(acme)
