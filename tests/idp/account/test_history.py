"""What came of every sign-in is shown to its person, by day, with places, and leads on to "this wasn't me"."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from idp.devices.sign_in_history import CameFrom, Outcome, SignInHistory, Visited
from idp.endpoints.account.history import ROWS, WorldMap, by_day, radius, read_cursor, ways
from idp.storage import sign_in_history
from idp.sweeper import build_sweeper
from tests.clock import FakeClock
from tests.idp.account.conftest import PASSWORD, Arrive, digits, hidden
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import Provider

SEOUL = CameFrom(None, "Chrome · Windows", "Chrome", "203.0.113.7", "KR", "Example Telecom")


async def note(provider: Provider, user: UUID, outcome: Outcome, visit: CameFrom = SEOUL) -> None:
    parts = provider.parts
    history = SignInHistory(sign_in_history, parts.clock, parts.entropy)
    async with parts.database.begin() as tx:
        await history.note(tx, user, outcome, visit, amr=("pwd",), client_id="app")


async def test_a_sign_in_is_told_with_its_session_and_its_end(arrive: Arrive, clock: FakeClock) -> None:
    mina = await arrive()
    page = (await mina.get("/account/history")).text
    assert "Sunday, 22 November 2026" in page
    assert "18:00" in page, "on the clock of the organisation"
    assert "Signed in" in page
    assert "This is your session now." in page
    assert "the app · password" in page
    clock.advance(60)
    await mina.post("/account/session/end")
    code = await mina.provider.sign_in(mina.browser, mina.app, mina.id)
    assert code
    page = (await mina.get("/account/history")).text
    assert "you signed out" in page
    assert page.count("<li>") == 2


async def test_a_wrong_password_a_wrong_code_and_a_kept_session_are_told(
    arrive: Arrive, provider: Provider, clock: FakeClock
) -> None:
    jun = await arrive("jun", with_totp=True)
    stranger = provider.browser("10.0.0.9")
    page = await stranger.follow(await stranger.get(jun.app.request()))
    form = {"hop": hidden(page), "login": "jun", "password": "guessed"}
    page = await stranger.follow(await stranger.post("/sign-in", form))
    form = {"hop": hidden(page), "login": "jun", "password": PASSWORD}
    page = await stranger.follow(await stranger.post("/sign-in", form))
    page = await stranger.follow(await stranger.post("/factor", {"hop": hidden(page), "code": "000000"}))
    page = await stranger.follow(await stranger.post("/factor", {"hop": hidden(page), "code": digits(provider)}))
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "keep"}
    await stranger.follow(await stranger.post("/takeover", form))

    history = (await jun.get("/account/history")).text
    assert history.count("Did not get in") == 2
    assert history.count("Kept the other session") == 1
    assert "10.0.0.9" in history
    assert "local network" in history
    failed = (await jun.get("/account/history?outcome=failed")).text
    assert failed.count("Did not get in") == 2
    assert "Kept the other session" not in failed
    assert "Sign-ins of the last 30 days that went nowhere: 3" in (await jun.get("/account")).text


async def test_a_takeover_is_told(arrive: Arrive) -> None:
    mina = await arrive()
    await mina.move("10.0.0.2")
    told = (await mina.get("/account/history")).text
    assert "Signed in, took over" in told
    assert "it was taken over" in told


async def test_a_login_that_was_left_at_the_choice_is_told(
    arrive: Arrive, provider: Provider, database: OpenDatabase, clock: FakeClock
) -> None:
    mina = await arrive()
    gone = provider.browser("10.0.0.9")
    await gone.follow(await gone.get(mina.app.request()))
    await provider.prove(gone, mina.id)
    clock.advance(provider.parts.settings.idp.login_lifetime + 1)
    parts = provider.parts
    await build_sweeper(parts.settings, database("worker"), parts.valkey, clock).step()
    page = (await mina.get("/account/history?outcome=unchanged")).text
    assert "Went away" in page
    assert "10.0.0.9" in page


async def test_pages_follow_one_another_by_their_address(arrive: Arrive, provider: Provider, clock: FakeClock) -> None:
    mina = await arrive()
    for _ in range(ROWS + 5):
        clock.advance(1)
        await note(provider, mina.id, "failed")
    first = (await mina.get("/account/history?outcome=failed")).text
    assert first.count("Did not get in</span>") == ROWS
    older = re.search(r'href="(/account/history\?[^"]*)" rel="next"', first)
    assert older
    second = (await mina.get(older[1].replace("&amp;", "&"))).text
    assert second.count("Did not get in</span>") == 5
    assert 'rel="next"' not in second
    assert not set(re.findall(r"not-me\?id=([0-9a-f-]+)", first)) & set(re.findall(r"not-me\?id=([0-9a-f-]+)", second))


@pytest.mark.parametrize("before", ["", "x", "12", "99999999999999999.zz", "-1.00", "1" * 40 + ".0", "١.00"])
async def test_a_cursor_that_we_did_not_write_shows_the_first_page(arrive: Arrive, before: str) -> None:
    assert read_cursor(before) is None
    mina = await arrive()
    page = await mina.get(f"/account/history?before={before}&outcome=nonsense")
    assert page.status_code == 200
    assert "This is your session now." in page.text


async def test_this_was_not_me_leads_to_the_page_that_locks(arrive: Arrive, provider: Provider) -> None:
    mina, jun = await arrive(), await arrive("jun")
    ident = re.findall(r"not-me\?id=([0-9a-f-]+)", (await mina.get("/account/history")).text)[0]
    asked = await mina.get(f"/account/history/not-me?id={ident}")
    assert "Lock it now." in asked.text
    # another person's row is nobody's
    assert (await jun.browser.get(f"/account/history/not-me?id={ident}")).status_code == 303
    stolen = await jun.browser.post("/account/history/not-me", {"hop": await jun.hop(), "id": ident})
    assert stolen.headers["location"] == "/account/history"
    gone_on = await mina.browser.post("/account/history/not-me", {"hop": await mina.hop(), "id": ident})
    assert gone_on.status_code == 303
    assert gone_on.headers["location"].startswith("http://localhost:9000/not-me?token=")
    assert await mina.session() is not None, "nothing is locked before that page was answered"
    shown = await mina.browser.get(gone_on.headers["location"])
    assert shown.status_code == 200


async def test_the_map_shows_countries_and_the_list_everything(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    await note(provider, mina.id, "signed_in")
    await note(provider, mina.id, "failed", CameFrom(None, "", "", "2001:db8::1", "DE", ""))
    await note(provider, mina.id, "failed", CameFrom(None, "", "", "192.0.2.1", "", ""))
    page = (await mina.get("/account/places")).text
    assert page.count("<circle") == 2
    assert 'class="visited"' in page
    assert 'class="tried"' in page
    assert page.count("<tr>") == 5, "the head, this machine, Korea, Germany, nobody knows where"
    assert "South Korea 1" in page
    assert "unknown place" in page
    assert len(page) < 50_000


def test_the_world() -> None:
    world = WorldMap.load()
    assert len(world.outline) < 8_000
    assert len(world.countries) > 230
    now = FakeClock().now()
    point = world.points([Visited("KR", 4, 0, now), Visited("local network", 9, 0, now), Visited("", 1, 1, now)])
    assert [(round(one.x), round(one.y)) for one in point] == [(616, 95)]
    assert radius(0) < radius(1) < radius(100) == radius(10_000) == 14
    for lon, lat in world.countries.values():
        assert -180 <= lon <= 180
        assert -60 <= lat <= 84


def test_ways() -> None:
    assert ways(("pwd", "otp", "mfa")) == ["password", "totp"]
    assert ways(("swk", "user", "hwk")) == ["passkey"]


def test_days_are_those_of_the_persons_clock() -> None:
    assert by_day([], "Asia/Seoul", "ko") == []
