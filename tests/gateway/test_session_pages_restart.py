"""A sign-in that comes back stale, or twice, begins anew by itself, never in circles; tabs do not hinder each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from gateway.session_pages import ways
from gateway.session_pages.ways import Way
from tests.gateway.rig import ISSUER, Rig

PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@dataclass
class Tabs:
    """One browser with its cookies, and as many tabs as a test opens."""

    rig: Rig
    client: httpx2.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)

    async def go(self, url: str) -> httpx2.Response:
        """Navigate; redirects are not followed."""
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.client.cookies.clear()
        response = await self.client.get(url, headers={**PAGE, **({"cookie": sent} if sent else {})})
        for line in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response

    async def set_out(self, target: str) -> dict[str, str]:
        """A tab goes to sign in; gives what it asks the identity provider."""
        response = await self.go(target)
        assert response.headers["location"].startswith(f"{ISSUER}/authorize?"), response.headers["location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}

    async def come_back(self, asked: dict[str, str], *, answers: bool = True) -> httpx2.Response:
        """The tab comes back from there."""
        if answers:
            self.rig.will_answer(self.rig.token(), id_token=self.rig.id_token(asked["nonce"]))
        return await self.go(f"/.munjigi/callback?code=code-1&state={asked['state']}&iss={ISSUER}")


@pytest.fixture
async def tabs(rig: Rig) -> AsyncIterator[Tabs]:
    await rig.project()
    async with rig.browser() as client:
        yield Tabs(rig, client)


def led(response: httpx2.Response) -> str:
    assert response.status_code == 302, response.text
    return str(response.headers["location"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_tabs_finish_in_either_order(tabs: Tabs, order: tuple[int, int]) -> None:
    asked = [await tabs.set_out(f"/.munjigi/sign-in?return_to=/{name}") for name in ("one", "two")]
    for number in order:
        assert led(await tabs.come_back(asked[number])) == ("/one", "/two")[number]
    assert (await tabs.go("/.munjigi/session")).json()["state"] == "live"


async def test_whoever_comes_back_twice_is_led_to_the_page_again(tabs: Tabs) -> None:
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/cart%3Fpage=2")
    assert led(await tabs.come_back(asked)) == "/cart?page=2"
    assert led(await tabs.come_back(asked, answers=False)) == "/cart?page=2"


async def test_a_page_of_the_provider_that_was_stale_leads_to_the_page_of_its_sign_in(tabs: Tabs) -> None:
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/cart%3Fpage=2&acr_values=urn:munjigi:acr:1")
    anew = await tabs.set_out(f"/.munjigi/sign-in?return_to=/&state={asked['state']}")
    assert anew["acr_values"] == "urn:munjigi:acr:1"
    assert led(await tabs.come_back(anew)) == "/cart?page=2"
    somebody_elses = await tabs.set_out("/.munjigi/sign-in?return_to=/home&state=unknown")
    assert led(await tabs.come_back(somebody_elses)) == "/home"


async def test_a_stale_sign_in_begins_anew_towards_its_page(tabs: Tabs) -> None:
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/cart&acr_values=urn:munjigi:acr:2&max_age=60")
    tabs.rig.clock.advance(601)
    again = led(await tabs.come_back(asked, answers=False))
    url = urlsplit(again)
    assert url.path == "/.munjigi/sign-in"
    assert parse_qs(url.query) == {
        "return_to": ["/cart"], "acr_values": ["urn:munjigi:acr:2"], "max_age": ["60"], "again": ["1"],
    }  # fmt: skip
    fresh = await tabs.set_out(again)
    assert (fresh["acr_values"], fresh["max_age"]) == ("urn:munjigi:acr:2", "60")


async def test_it_does_not_go_round_in_circles(tabs: Tabs) -> None:
    target = "/.munjigi/sign-in?return_to=/cart"
    for _ in range(ways.RESTARTS):
        asked = await tabs.set_out(target)
        tabs.rig.clock.advance(601)
        target = led(await tabs.come_back(asked, answers=False))
    asked = await tabs.set_out(target)
    tabs.rig.clock.advance(601)
    page = await tabs.come_back(asked, answers=False)
    assert page.status_code == 400
    assert "MJ-GATEWAY-220" in page.text
    assert "/.munjigi/sign-in?return_to=%2Fcart" in page.text


async def test_a_browser_without_cookies_is_told(tabs: Tabs) -> None:
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/cart")
    tabs.cookies.clear()
    page = await tabs.come_back(asked, answers=False)
    assert (page.status_code, "MJ-GATEWAY-220" in page.text) == (400, True)


async def test_a_sign_in_that_another_browser_began_begins_nothing(tabs: Tabs) -> None:
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/cart")
    await tabs.set_out("/.munjigi/sign-in?return_to=/other")
    del tabs.cookies[ways.cookie_name(asked["state"])]
    tabs.rig.clock.advance(601)
    page = await tabs.come_back(asked, answers=False)
    assert (page.status_code, "MJ-GATEWAY-220" in page.text) == (400, True)


async def test_a_stronger_sign_in_that_comes_back_twice_asks_again(tabs: Tabs) -> None:
    first = await tabs.set_out("/.munjigi/sign-in?return_to=/cart")
    await tabs.come_back(first)
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/.munjigi/done&acr_values=urn:munjigi:acr:2")
    tabs.rig.clock.advance(601)
    again = led(await tabs.come_back(asked, answers=False))
    assert again.startswith("/.munjigi/sign-in?return_to=%2F.munjigi%2Fdone&acr_values=")


async def test_the_window_of_a_sign_in_tells_the_page_that_waits(tabs: Tabs) -> None:
    nobody = await tabs.go("/.munjigi/done")
    assert "done.js" not in nobody.text
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/.munjigi/done")
    assert led(await tabs.come_back(asked)) == "/.munjigi/done"
    assert "done.js" in (await tabs.go("/.munjigi/done")).text


async def test_a_window_is_for_the_person_of_the_page_that_waits(tabs: Tabs) -> None:
    await tabs.come_back(await tabs.set_out("/.munjigi/sign-in?return_to=/"))
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/.munjigi/done")
    tabs.rig.will_answer(tabs.rig.token(sub="lee"), id_token=tabs.rig.id_token(asked["nonce"], sub="lee"))
    page = await tabs.come_back(asked, answers=False)
    assert (page.status_code, "MJ-GATEWAY-226" in page.text) == (403, True)


async def test_tabs_that_begin_at_the_same_moment_all_come_back_to_their_own_pages(tabs: Tabs) -> None:
    """Neither sees the cookie of the other: a browser that restores its tabs sends all of them before any answer."""
    asked = []
    for name in ("one", "two", "three"):
        before, tabs.cookies = tabs.cookies, {}
        asked.append(await tabs.set_out(f"/.munjigi/sign-in?return_to=/{name}"))
        tabs.cookies = before | tabs.cookies
    for name, one in zip(("one", "two", "three"), asked, strict=True):
        assert led(await tabs.come_back(one)) == f"/{name}"
    assert (await tabs.go("/.munjigi/session")).json()["state"] == "live"


async def test_a_way_is_forgotten_once_it_was_gone(tabs: Tabs) -> None:
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/cart")
    secret = tabs.cookies[ways.cookie_name(asked["state"])]
    response = await tabs.come_back(asked)
    (line,) = [one for one in response.headers.get_list("set-cookie") if ways.cookie_name(asked["state"]) in one]
    assert f"Max-Age={ways.USED_FOR}" in line
    assert tabs.cookies[ways.cookie_name(asked["state"])] != secret
    kept = ways.find(tabs.cookies, asked["state"])
    assert kept is not None
    assert (kept.secret, kept.return_to) == ("", "/cart")


async def test_nothing_is_left_of_the_ways_of_another_person(tabs: Tabs) -> None:
    await tabs.come_back(await tabs.set_out("/.munjigi/sign-in?return_to=/mine"))
    await tabs.set_out("/.munjigi/sign-in?return_to=/mine/too")
    asked = await tabs.set_out("/.munjigi/sign-in?return_to=/theirs")
    tabs.rig.will_answer(tabs.rig.token(sub="lee"), id_token=tabs.rig.id_token(asked["nonce"], sub="lee"))
    assert led(await tabs.come_back(asked, answers=False)) == "/theirs"
    assert ways.names(tabs.cookies) == []
    assert "__Host-munjigi" in tabs.cookies


async def test_a_browser_keeps_so_many_ways_and_the_newest_of_them(tabs: Tabs) -> None:
    asked = []
    for number in range(ways.REMEMBERED + 3):
        asked.append(await tabs.set_out(f"/.munjigi/sign-in?return_to=/{number}"))
        tabs.rig.clock.advance(1)
    assert len(ways.names(tabs.cookies)) == ways.REMEMBERED
    assert led(await tabs.come_back(asked[-1])) == f"/{ways.REMEMBERED + 2}"
    assert ways.find(tabs.cookies, asked[0]["state"]) is None


def test_the_cookies_stay_small_and_what_is_unsound_counts_for_nothing() -> None:
    many = {
        ways.cookie_name(str(number)): ways.write(Way("s" * 43, number + 1, "/" + "a" * 1000)) for number in range(9)
    }
    gone = ways.surplus(many)
    left = {name: value for name, value in many.items() if name not in gone}
    assert sum(len(name) + len(value) for name, value in left.items()) <= ways.SIZE_LIMIT
    assert ways.cookie_name("8") in left
    assert ways.surplus({**left, "another": "cookie"}) == []
    assert Way("s", 1, "/" + "a" * 2000).return_to != "/"
    long = {ways.cookie_name("x"): ways.write(Way("s", 1, "/" + "a" * 2000))}
    assert (way := ways.find(long, "x")) is not None
    assert way.return_to == "/"
    for unsound in ("", "%%%", "e30=", "WzFd", "x" * 5000, "가"):
        unread = {ways.cookie_name("x"): unsound}
        assert ways.find(unread, "x") is None
        assert ways.surplus(unread) == list(unread)
    assert Way("s", 1, "//evil.example").address() == "/.munjigi/sign-in?return_to=%2F"
    assert "s3cret" not in repr(Way("s3cret", 1, "/"))
