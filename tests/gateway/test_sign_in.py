"""The gateway as a relying party: what it asks, and what it takes for an answer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import func, select

from config.problem import Problem
from gateway.callers.identity import Identity
from gateway.exchange import Forward
from gateway.relying_party.sign_in import Led
from gateway.session_pages import ways
from gateway.session_pages.ways import Way
from gateway.storage.tables import sign_in
from jose.keys import KeyRing, SigningKey
from tests.gateway.rig import ISSUER, METADATA, Rig, head

PAGE = {"accept": "text/html"}


def cookie_of(response: httpx2.Response, name: str) -> str | None:
    for line in response.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        if pair.startswith(f"{name}="):
            assert {"HttpOnly", "Path=/", "Secure", "SameSite=lax"} <= set(attributes), line
            assert not any(attribute.startswith("Domain") for attribute in attributes)
            return pair.partition("=")[2]
    return None


class Browser:
    """One browser at the own pages, up to the moment it comes back."""

    def __init__(self, rig: Rig, client: httpx2.AsyncClient) -> None:
        self.rig = rig
        self.client = client
        self.cookies: dict[str, str] = {}
        self.asked: dict[str, str] = {}

    async def set_out(self, target: str = "/.munjigi/sign-in?return_to=/cart") -> None:
        response = await self.client.get(target, headers=PAGE)
        assert response.status_code == 302
        url = urlsplit(response.headers["location"])
        assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/authorize"
        self.asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = ways.cookie_name(self.asked["state"])
        self.cookies[name] = cookie_of(response, name) or ""

    @property
    def cookie(self) -> str:
        """The Cookie header for the own pages."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def begun(self, led: Led) -> None:
        """A sign-in that a test began by hand."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(led.url).query).items()}
        self.cookies[ways.cookie_name(led.state)] = ways.write(Way(led.browser_secret, 1, "/"))

    async def come_back(self, *, cookie: str | None = None, **changed: str | None) -> httpx2.Response:
        sent: dict[str, Any] = {"code": "code-1", "state": self.asked["state"], "iss": ISSUER, **changed}
        return await self.client.get(
            "/.munjigi/callback",
            params={name: value for name, value in sent.items() if value is not None},
            headers={**PAGE, "cookie": self.cookie if cookie is None else cookie},
        )

    def provider_answers(self, **id_token: Any) -> None:
        self.rig.will_answer(self.rig.token(), id_token=self.rig.id_token(self.asked["nonce"], **id_token))


@pytest.fixture
async def browser(rig: Rig) -> Any:
    async with rig.browser() as client:
        yield Browser(rig, client)


async def test_what_is_asked(browser: Browser) -> None:
    await browser.set_out("/.munjigi/sign-in?return_to=/cart&acr_values=urn:munjigi:acr:2&max_age=60")
    asked = browser.asked
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == "http://shop.localhost:8080/.munjigi/callback"
    assert asked["code_challenge_method"] == "S256"
    assert (asked["acr_values"], asked["max_age"]) == ("urn:munjigi:acr:2", "60")
    assert {len(asked[name]) for name in ("state", "nonce", "code_challenge")} == {43}


async def test_the_way_there_and_back(rig: Rig, browser: Browser) -> None:
    await browser.set_out()
    browser.provider_answers()
    response = await browser.come_back()
    assert (response.status_code, response.headers["location"]) == (302, "/cart")
    secret = cookie_of(response, "__Host-munjigi")
    assert secret is not None
    (request,) = rig.asked
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    assert form["grant_type"] == "authorization_code"
    assert form["redirect_uri"] == browser.asked["redirect_uri"]
    verifier = form["code_verifier"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert challenge == browser.asked["code_challenge"]
    assert request.headers["authorization"].startswith("Basic ")
    await rig.project()
    verdict = await rig.ask(head(headers=[(b"cookie", b"__Host-munjigi=" + secret.encode())]))
    assert isinstance(verdict, Forward)
    caller = rig.cookies.find(hashlib.sha256(secret.encode()).digest(), rig.clock.timestamp())
    assert caller is not None
    identity: Identity = caller.identity
    assert (identity.name, identity.locale) == ("김문지", "ko")


async def test_a_state_is_taken_once(rig: Rig, browser: Browser) -> None:
    await browser.set_out()
    browser.provider_answers()
    browser.provider_answers()
    first, second = await asyncio.gather(browser.come_back(), browser.come_back())
    assert [cookie_of(one, "__Host-munjigi") is None for one in (first, second)].count(True) == 1
    assert len(rig.asked) == 1


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"state": "x" * 43}, 400),
        ({"state": None}, 400),
        ({"cookie": "__Host-munjigi-signin=" + "x" * 43}, 400),
        ({"cookie": ""}, 400),
        ({"iss": "http://evil.example"}, 502),
        ({"iss": None}, 502),
        ({"code": None, "error": "access_denied"}, 403),
    ],
)
async def test_what_is_not_the_answer_is_refused(
    rig: Rig, browser: Browser, changed: dict[str, Any], status: int
) -> None:
    await browser.set_out()
    response = await browser.come_back(**changed)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert rig.asked == []
    assert cookie_of(response, "__Host-munjigi") is None


async def test_a_doubled_parameter_is_refused(rig: Rig, browser: Browser) -> None:
    await browser.set_out()
    state = browser.asked["state"]
    response = await browser.client.get(
        f"/.munjigi/callback?code=a&code=b&state={state}&iss={ISSUER}",
        headers={"cookie": browser.cookie},
    )
    assert cookie_of(response, "__Host-munjigi") is None
    assert response.headers["location"].startswith("/.munjigi/sign-in?")
    assert rig.asked == []


async def test_a_sign_in_is_over_exactly_after_ten_minutes(rig: Rig, browser: Browser) -> None:
    await browser.set_out()
    rig.clock.advance(600)
    browser.provider_answers()
    response = await browser.come_back()
    assert response.headers["location"] == "/.munjigi/sign-in?return_to=%2Fcart&again=1"
    rig.answers.clear()
    await browser.set_out()
    rig.clock.advance(599)
    browser.provider_answers()
    assert (await browser.come_back()).status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"aud": "another-client"},
        {"azp": "another-client"},
        {"iss": "http://evil.example"},
        {"sub": "lee"},
        {"sid": "session-2"},
        {"exp": 1.0},
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(browser: Browser, wrong: dict[str, Any]) -> None:
    await browser.set_out()
    browser.provider_answers(**wrong)
    assert (await browser.come_back()).status_code == 502


async def test_an_id_token_of_a_stranger_is_refused(rig: Rig, browser: Browser) -> None:
    await browser.set_out()
    rig.will_answer(rig.token(), id_token=rig.id_token(browser.asked["nonce"]))
    rig.provider.learn(METADATA, KeyRing.of(SigningKey.generate()).jwks())
    assert (await browser.come_back()).status_code == 502


@pytest.mark.parametrize("query", ["acr_values=urn:munjigi:acr:2", "max_age=60"])
async def test_a_step_up_that_was_not_taken_is_no_sign_in(rig: Rig, browser: Browser, query: str) -> None:
    await browser.set_out(f"/.munjigi/sign-in?{query}")
    browser.provider_answers(auth_time=rig.clock.timestamp() - 100)
    assert (await browser.come_back()).status_code == 403


async def test_two_tabs_of_one_browser_both_come_back(browser: Browser) -> None:
    await browser.set_out("/.munjigi/sign-in?return_to=/one")
    first = dict(browser.asked)
    await browser.set_out("/.munjigi/sign-in?return_to=/two")
    second, browser.asked = browser.asked, first
    browser.provider_answers()
    assert (await browser.come_back()).headers["location"] == "/one"
    browser.asked = second
    assert browser.asked["state"] != first["state"]
    browser.provider_answers()
    assert (await browser.come_back()).headers["location"] == "/two"


async def test_the_secret_of_another_sign_in_finishes_none(browser: Browser) -> None:
    await browser.set_out("/.munjigi/sign-in?return_to=/one")
    other = browser.cookies.popitem()[1]
    await browser.set_out("/.munjigi/sign-in?return_to=/two")
    browser.cookies = dict.fromkeys(browser.cookies, other)
    assert (await browser.come_back()).headers["location"].startswith("/.munjigi/sign-in?return_to=")


async def test_the_return_path_stays_on_this_host(browser: Browser) -> None:
    await browser.set_out("/.munjigi/sign-in?return_to=//evil.example")
    browser.provider_answers()
    assert (await browser.come_back()).headers["location"] == "/"


async def test_a_new_cookie_replaces_the_old_one(rig: Rig, browser: Browser) -> None:
    await rig.project()
    old = await rig.cookie()
    await browser.set_out()
    browser.provider_answers()
    await browser.come_back(cookie=f"{browser.cookie}; {old.decode()}")
    rig.cookies.forget(hashlib.sha256(b"c" * 43).digest())
    assert not isinstance(await rig.ask(head(headers=[(b"cookie", old)])), Forward)


async def test_the_provider_away_is_said_so(rig: Rig, browser: Browser) -> None:
    await browser.set_out()
    rig.answers.append(httpx2.ConnectError("away"))
    response = await browser.come_back()
    assert response.status_code == 503
    assert "MJ-GATEWAY-224" in response.text


async def test_one_address_begins_so_many_sign_ins_and_no_more(rig: Rig, browser: Browser) -> None:
    rig.beginnings.attempts = 3
    for _ in range(3):
        await browser.set_out()
    refused = await browser.client.get("/.munjigi/sign-in")
    assert (refused.status_code, refused.json()["code"]) == (429, "MJ-GATEWAY-225")
    assert 0 < int(refused.headers["retry-after"]) <= 600
    async with rig.database.connect() as tx:
        assert await tx.scalar(select(func.count()).select_from(sign_in)) == 3
    await rig.beginnings.count("192.0.2.7")  # another address may
    for ending in range(3):
        await rig.beginnings.count(f"2001:db8::{ending}")
    with pytest.raises(Problem):  # one subscriber's addresses count together
        await rig.beginnings.count("2001:db8::9")


async def test_without_a_count_nobody_begins(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(rig.beginnings, "_counted", away)
    refused = await browser.client.get("/.munjigi/sign-in")
    assert (refused.status_code, refused.json()["code"]) == (503, "MJ-GATEWAY-224")


async def test_the_cookie_that_a_new_one_replaces_counts_no_more(rig: Rig, browser: Browser) -> None:
    await rig.project()
    old = await rig.cookie()
    assert isinstance(await rig.ask(head(headers=[(b"cookie", old)])), Forward)
    await browser.set_out()
    browser.provider_answers()
    response = await browser.client.get(
        "/.munjigi/callback",
        params={"code": "code-1", "state": browser.asked["state"], "iss": ISSUER},
        headers={**PAGE, "cookie": f"{browser.cookie}; {old.decode()}"},
    )
    assert response.status_code == 302
    assert not isinstance(await rig.ask(head(headers=[(b"cookie", old)])), Forward)


async def test_a_step_up_in_another_tab_is_finished_by_that_person_alone(rig: Rig, browser: Browser) -> None:
    """A page goes on in their name afterwards; nobody is taken in, and the browser keeps the cookie that it has."""
    led = await rig.flow.begin(
        authority="shop.localhost:8080",
        address="127.0.0.1",
        return_to="/.munjigi/done",
        person="somebody else",
    )
    browser.begun(led)
    browser.provider_answers()
    response = await browser.come_back()
    assert (response.status_code, "MJ-GATEWAY-226" in response.text) == (403, True)
    assert cookie_of(response, "__Host-munjigi") is None


async def test_a_step_up_of_the_same_person_ends_at_the_page_that_tells(rig: Rig, browser: Browser) -> None:
    led = await rig.flow.begin(
        authority="shop.localhost:8080",
        address="127.0.0.1",
        return_to="/.munjigi/done",
        person="kim",
    )
    browser.begun(led)
    browser.provider_answers()
    response = await browser.come_back()
    assert response.headers["location"] == "/.munjigi/done"
