"""Which navigations a person did, and which a page did by itself (Fetch Metadata; S6)."""

from __future__ import annotations

import pytest

from gateway.header import Header
from gateway.inbound.manner import is_act, is_navigation
from tests.gateway.rig import NAVIGATION, Rig, head

CHROME = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"
CHROME_ON_IOS = b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 CriOS/140.0 Safari/604.1"
SITE, PERSON = (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-user", b"?1")


def agent(name: bytes) -> Header:
    return b"user-agent", name


@pytest.mark.parametrize("browser", [CHROME, FIREFOX])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_person_is_said_to_be_one(browser: bytes, method: str) -> None:
    said = head("/", method=method, headers=[*NAVIGATION, SITE, PERSON, agent(browser)])
    assert is_act(said)
    by_itself = head("/", method=method, headers=[*NAVIGATION, SITE, agent(browser)])
    assert is_navigation(by_itself)
    assert not is_act(by_itself), "a page that loads itself anew"


@pytest.mark.parametrize("browser", [SAFARI, CHROME_ON_IOS])
def test_what_never_says_so_counts_as_before(browser: bytes) -> None:
    assert is_act(head("/", headers=[*NAVIGATION, SITE, agent(browser)]))


def test_a_browser_that_says_nothing_counts_as_before() -> None:
    assert is_act(head("/", headers=[(b"accept", b"text/html"), agent(b"an old browser")]))
    assert not is_act(head("/", headers=[(b"accept", b"application/json")]))


@pytest.mark.parametrize("purpose", [b"prefetch", b"prefetch;prerender", b"prerender"])
def test_what_is_only_fetched_ahead_never_counts(purpose: bytes) -> None:
    assert not is_act(head("/", headers=[*NAVIGATION, SITE, PERSON, (b"sec-purpose", purpose)]))


async def test_a_page_that_reloads_itself_lets_the_idle_clock_run(rig: Rig) -> None:
    await rig.project(idle=600)
    cookie = (b"cookie", await rig.cookie())
    await rig.ask(head("/", headers=[cookie, *NAVIGATION, SITE, agent(CHROME)]))
    session = rig.sessions.cache.live["session-1"]
    assert session.idle_expires_at == rig.clock.timestamp() + 600
    await rig.ask(head("/", headers=[cookie, *NAVIGATION, SITE, PERSON, agent(CHROME)]))
    assert session.idle_expires_at == rig.clock.timestamp() + 1800
