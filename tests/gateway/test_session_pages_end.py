"""The end of a session as pages: at its person's wish, after the fact, and when somebody else was at it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from gateway.exchange import Forward
from gateway.sessions.session_check import StoreUnreachable
from jose.keys import KeyRing
from tests.gateway.rig import ISSUER, METADATA, Rig, head
from tests.gateway.test_session_pages import ORIGIN, signed_in
from tests.gateway.test_sign_in import cookie_of


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[httpx2.AsyncClient]:
    async with rig.browser() as browser:
        yield browser


async def test_signing_out_ends_it_here_and_leads_to_the_provider(rig: Rig, client: httpx2.AsyncClient) -> None:
    cookie = await signed_in(rig)
    response = await client.post("/.munjigi/sign-out", headers={**cookie, **ORIGIN})
    assert response.status_code == 200
    assert cookie_of(response, "__Host-munjigi") == '""'
    url = urlsplit(response.headers["refresh"].removeprefix("0; url="))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/end-session"
    asked = parse_qs(url.query)
    assert asked["id_token_hint"] == ["id-token"]
    assert asked["post_logout_redirect_uri"] == ["http://shop.localhost:8080/.munjigi/signed-out"]
    verdict = await rig.ask(head(headers=[(b"cookie", cookie["cookie"].encode())]))
    assert not isinstance(verdict, Forward)


async def test_another_process_hears_of_a_sign_out(rig: Rig, client: httpx2.AsyncClient) -> None:
    cookie = await signed_in(rig)
    digest = hashlib.sha256(b"c" * 43).digest()
    await rig.cookies.load(digest)
    async with rig.database.begin() as tx:
        await rig.storage.end(tx, digest, reason="sign_out", now=rig.clock.now())
    assert rig.cookies.find(digest, rig.clock.timestamp()) is not None
    await rig.cookies.forget_ended_elsewhere(rig.clock.now())
    assert rig.cookies.find(digest, rig.clock.timestamp()) is None
    assert cookie


async def test_a_link_signs_nobody_out(rig: Rig, client: httpx2.AsyncClient) -> None:
    cookie = await signed_in(rig)
    page = await client.get("/.munjigi/sign-out", headers=cookie)
    assert "<form" in page.text
    assert isinstance(await rig.ask(head(headers=[(b"cookie", cookie["cookie"].encode())])), Forward)


@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_the_page_of_an_ended_session_says_why(rig: Rig, client: httpx2.AsyncClient, locale: str) -> None:
    cookie = await signed_in(rig)
    rig.session_event(state="ended", ended_by={"device": "Galaxy", "browser": "Chrome", "place": "Busan"})
    page = await client.get(f"/.munjigi/ended?return_to=/cart&locale={locale}", headers=cookie)
    assert "Galaxy" in page.text
    assert "/.munjigi/sign-in?return_to=/cart" in page.text
    assert f'lang="{locale}"' in page.text
    assert cookie_of(page, "__Host-munjigi") == '""'


@pytest.mark.parametrize("known", [True, False])
async def test_without_the_provider_a_sign_out_says_that_the_session_lives_and_is_repeated(
    rig: Rig, client: httpx2.AsyncClient, known: bool
) -> None:
    cookie = await signed_in(rig)
    rig.provider_is_there = False
    if not known:  # nobody ever answered here
        rig.provider._metadata = None
    leaving = await client.post("/.munjigi/sign-out", headers={**cookie, **ORIGIN})
    assert leaving.headers["refresh"] == "0; url=/.munjigi/signed-out?session=open"
    assert cookie_of(leaving, "__Host-munjigi") == '""'
    for locale, said in (("ko", "이 브라우저에서만"), ("en", "in this browser only")):
        page = await client.get(f"/.munjigi/signed-out?session=open&locale={locale}")
        assert said in page.text
        assert f'href="{ISSUER}/end-session"' in page.text
    assert "only" not in (await client.get("/.munjigi/signed-out?locale=en")).text

    await rig.sign_out.end_waiting()
    rig.provider.learn(METADATA, KeyRing.of(rig.key).jwks())
    rig.provider_is_there = True
    before = len(rig.asked)
    await rig.sign_out.end_waiting()
    (asked,) = rig.asked[before:]
    form = parse_qs(asked.content.decode())
    assert (str(asked.url), form["id_token_hint"]) == (f"{ISSUER}/end-session", ["id-token"])
    await rig.sign_out.end_waiting()
    assert len(rig.asked) == before + 1, "once it was heard it is not asked again"


async def test_a_sign_out_ends_the_session_even_if_the_browser_never_gets_there(
    rig: Rig, client: httpx2.AsyncClient
) -> None:
    await client.post("/.munjigi/sign-out", headers={**await signed_in(rig), **ORIGIN})
    assert [str(request.url) for request in rig.asked] == [f"{ISSUER}/end-session"]


@pytest.mark.parametrize("reason", ["takeover", "idle"])
async def test_whoever_lost_a_session_to_a_takeover_can_lock_the_account(
    rig: Rig, client: httpx2.AsyncClient, reason: str
) -> None:
    lock = f'href="{ISSUER}/not-me"'
    cookie = await signed_in(rig)
    assert lock in (await client.get("/.munjigi/not-me", headers=cookie)).text
    rig.session_event(state="ended", reason=reason)
    assert (lock in (await client.get("/.munjigi/not-me", headers=cookie)).text) == (reason == "takeover")
    ended = await client.get("/.munjigi/ended", headers=cookie)
    assert ('href="/.munjigi/not-me?taken-over"' in ended.text) == (reason == "takeover")
    assert lock in (await client.get("/.munjigi/not-me?taken-over")).text  # its cookie is deleted by then
    page = await client.get("/.munjigi/not-me")
    assert lock not in page.text
    assert f'href="{ISSUER}/recover"' in page.text


async def test_whoever_says_not_me_is_not_sent_away_because_a_store_is(
    rig: Rig, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = await signed_in(rig)
    monkeypatch.setattr(rig.sessions, "fill", unreachable)
    page = await client.get("/.munjigi/not-me", headers=cookie)
    assert (page.status_code, f'href="{ISSUER}/not-me"' in page.text) == (200, True)


async def test_not_me_is_a_button_where_the_session_lives_and_recovery_where_it_does_not(
    rig: Rig, client: httpx2.AsyncClient
) -> None:
    cookie = await signed_in(rig)
    page = await client.get("/.munjigi/not-me", headers=cookie)
    assert '<form method="post" action="/.munjigi/not-me">' in page.text
    rig.session_event(state="ended")
    page = await client.get("/.munjigi/not-me", headers=cookie)
    assert "<form" not in page.text
    assert f'href="{ISSUER}/recover"' in page.text


async def test_not_me_ends_the_session_and_recovery_comes_next(rig: Rig, client: httpx2.AsyncClient) -> None:
    cookie = await signed_in(rig)
    assert (
        await client.post("/.munjigi/not-me", headers={**cookie, "origin": "http://evil.example"})
    ).status_code == 403
    response = await client.post("/.munjigi/not-me", headers={**cookie, **ORIGIN})
    assert cookie_of(response, "__Host-munjigi") == '""'
    asked = parse_qs(urlsplit(response.headers["refresh"].removeprefix("0; url=")).query)
    assert (asked["id_token_hint"], asked["state"]) == (["id-token"], ["not_me"])
    assert not isinstance(await rig.ask(head(headers=[(b"cookie", cookie["cookie"].encode())])), Forward)
    back = await client.get("/.munjigi/signed-out?state=not_me")
    assert f'href="{ISSUER}/recover"' in back.text
    assert "recover" not in (await client.get("/.munjigi/signed-out")).text


async def test_signing_out_needs_no_store_of_sessions(
    rig: Rig, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = await signed_in(rig)
    monkeypatch.setattr(rig.sessions, "fill", unreachable)
    response = await client.post("/.munjigi/sign-out", headers={**cookie, **ORIGIN})
    assert response.status_code == 200
    assert f"{ISSUER}/end-session" in response.headers["refresh"]
    async with rig.database.connect() as tx:
        stored = await rig.storage.find(tx, hashlib.sha256(b"c" * 43).digest())
    assert stored is not None
    assert stored.ended_at is not None


async def unreachable(sid: str) -> None:
    raise StoreUnreachable
