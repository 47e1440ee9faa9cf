"""The pages of the account as a browser without scripts shows them."""

from __future__ import annotations

import re

import pytest

from idp.credentials.remembered import new_remembered
from idp.storage import devices, preferences, remembered
from notifications.notice import NoticeKind
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, Resident
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import App, Provider

PAGES = (
    "/account",
    "/account/session",
    "/account/devices",
    "/account/history",
    "/account/places",
    "/account/apps",
    "/account/requests",
    "/account/password",
    "/account/factors",
    "/account/notices",
    "/account/language",
    "/account/feedback",
    "/account/confirm",
)


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_is_signed_in(provider: Provider, app: App, path: str) -> None:
    page = await provider.browser().get(path)
    assert page.status_code == 401
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_every_page_is_shown_in_both_languages(arrive: Arrive, path: str, locale: str) -> None:
    mina = await arrive()
    page = await mina.get(f"{path}?locale={locale}")
    assert page.status_code == 200
    assert f'<html lang="{locale}">' in page.text
    assert len(re.findall("<h1", page.text)) == 1
    assert " style=" not in page.text, "the policy of the page lets no inline style through"


async def test_the_page_speaks_the_persons_language_unless_the_browser_was_told_otherwise(arrive: Arrive) -> None:
    mina = await arrive()
    assert '<html lang="en">' in (await mina.get("/account")).text
    del mina.browser.cookies["mj-locale"]
    assert '<html lang="ko">' in (await mina.get("/account")).text
    kept = await mina.post("/account/language", language="en", time_zone="Europe/Berlin")
    assert "Saved." in kept.text
    assert mina.browser.cookies["mj-locale"] == "en"
    page = await mina.get("/account")
    assert "English · Europe/Berlin" in page.text
    assert "22 Nov 2026, 10:00" in page.text, "09:00 UTC on the clock of Berlin"
    assert (await mina.kinds())[-1] == "preferences_changed"
    for wrong in ({"language": "de", "time_zone": ""}, {"language": "en", "time_zone": "Mars/Base"}):
        assert "Choose a language" in (await mina.post("/account/language", **wrong)).text
    back = await mina.post("/account/language", language="ko", time_zone="")
    assert '<html lang="ko">' in back.text


async def test_the_overview_says_how_things_stand(arrive: Arrive, provider: Provider) -> None:
    page = (await (await arrive("jun", with_totp=True)).get("/account")).text
    assert "You use an authenticator app." in page
    assert "Changed 22 Nov 2026, 18:00." in page
    assert "Devices: 1, remembered browsers: 0" in page
    assert "Nothing unusual in the last 30 days." in page
    assert "jun@mail.example" in page
    mina = await arrive()
    assert "You have no second factor yet." in (await mina.get("/account")).text


async def test_signing_out_ends_the_session_and_forgets_browsers_if_wanted(
    arrive: Arrive, provider: Provider, clock: FakeClock
) -> None:
    mina = await arrive()
    session = await mina.session()
    assert session is not None
    assert session.visitor.device_id is not None
    assert "the app" in (await mina.get("/account/session")).text
    async with provider.parts.database.begin() as tx:
        kept = new_remembered(mina.provider.parts.entropy.uuid(), mina.id, session.visitor.device_id, "x", clock.now())
        await remembered.remember(tx, kept)
    assert "Devices: 1, remembered browsers: 1" in (await mina.get("/account")).text
    gone = await mina.post("/account/session/end", forget="yes")
    assert "You are signed out" in gone.text
    assert "What was remembered is forgotten too" in gone.text
    assert "__Host-munjigi-session" not in mina.browser.cookies
    assert await mina.session() is None
    assert (await mina.kinds())[-2:] == ["session_ended", "sign_out"]
    async with provider.parts.database.connect() as tx:
        assert await remembered.remembered_of(tx, mina.id, clock.now()) == []


async def test_a_device_gets_a_name_and_loses_it(arrive: Arrive) -> None:
    mina = await arrive()
    session = await mina.session()
    assert session is not None
    ident = str(session.visitor.device_id)
    page = await mina.post("/account/devices/rename", id=ident, name="  <My>\u0000 desk\u202e  ")
    assert "The name is changed." in page.text
    assert "&lt;My&gt; desk" in page.text
    assert "this device" in page.text
    assert "My desk" not in (await mina.post("/account/devices/rename", id=ident, name="")).text
    assert (await mina.get(f"/account/devices/one?id={ident}")).status_code == 200


async def test_another_device_is_forgotten_and_the_session_here_lives_on(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    first = await mina.session()
    assert first is not None
    await mina.move("10.0.0.2")
    second = await mina.session()
    assert second is not None
    assert second.visitor.device_id != first.visitor.device_id
    ident = str(first.visitor.device_id)
    asked = await mina.get(f"/account/devices/remove?id={ident}")
    assert "This cannot be undone." in asked.text
    assert "You are signed out at once." not in asked.text
    assert "The device was removed." in (await mina.post("/account/devices/remove", id=ident)).text
    assert await mina.session() == second
    assert (await mina.kinds())[-1] == "device_removed"
    again = await mina.post("/account/devices/remove", id=ident)
    assert again.status_code == 404
    assert "This device was removed already." in again.text
    async with provider.parts.database.connect() as tx:
        assert [one.id for one in await devices.of(tx, mina.id)] == [second.visitor.device_id]


async def test_the_removal_of_this_device_ends_the_session(arrive: Arrive) -> None:
    mina = await arrive()
    session = await mina.session()
    assert session is not None
    ident = str(session.visitor.device_id)
    assert "You are signed out at once." in (await mina.get(f"/account/devices/remove?id={ident}")).text
    gone = await mina.post("/account/devices/remove", id=ident)
    assert "You are signed out" in gone.text
    assert not {"__Host-munjigi-session", "__Host-munjigi-device"} & set(mina.browser.cookies)
    assert await mina.session() is None
    assert (await mina.kinds())[-2:] == ["device_removed", "session_ended"]


async def test_notices_are_chosen_and_those_that_protect_are_shown_as_such(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    page = (await mina.get("/account/notices")).text
    assert "Notices go to mina@mail.example." in page
    assert page.count('type="checkbox"') == 3
    assert page.count(" checked") == 3
    assert "cannot be turned off" in page
    form = {"mail.new_device": "yes", "mail.takeover": "", "mail.attempt": "yes"}
    kept = await mina.post("/account/notices", **form)
    assert "Saved." in kept.text
    assert kept.text.count(" checked") == 2
    async with provider.parts.database.connect() as tx:
        assert not await preferences.wants(tx, mina.id, NoticeKind.SESSION_ENDED)
        assert await preferences.wants(tx, mina.id, NoticeKind.NEW_DEVICE)
        assert await preferences.wants(tx, mina.id, NoticeKind.TAKEOVER)
    assert (await mina.kinds()).count("preferences_changed") == 1


async def test_an_app_is_disconnected_and_told_while_the_session_lives_on(
    arrive: Arrive, provider: Provider, database: OpenDatabase
) -> None:
    mina = await arrive()
    async with database("owner").begin() as tx:
        await tx.exec_driver_sql("UPDATE idp.client SET backchannel_logout_uri = 'https://app.example/logout'")
    page = await mina.get("/account/apps")
    assert "the app" in page.text
    assert "connected" in page.text
    assert "your name, login name, language and time zone" in page.text
    assert "your mail address" not in page.text, "it was not granted"
    asked = await mina.get("/account/apps/disconnect?id=app")
    assert "You are signed out of that app." in asked.text
    done = await mina.post("/account/apps/disconnect", id="app")
    assert "The app is disconnected." in done.text
    assert "not connected now" in done.text
    assert await mina.session() is not None
    assert (await mina.kinds())[-1] == "token_revoked"
    async with database("owner").connect() as tx:
        deliveries = (await tx.exec_driver_sql("SELECT client_id, stream_id, facts FROM idp.delivery")).all()
    assert [(row.client_id, row.stream_id, row.facts["sub"]) for row in deliveries] == [("app", None, str(mina.id))]
    assert (await mina.post("/account/apps/disconnect", id="app")).status_code == 404


async def test_the_access_tokens_of_a_disconnected_app_end_at_once_and_no_others(
    arrive: Arrive, provider: Provider
) -> None:
    mina = await arrive()
    another = await provider.register("another")

    async def token(app: App) -> str:
        await mina.browser.follow(await mina.browser.get(app.request()))
        given = (await provider.redeem(app, mina.browser.query()["code"])).json()
        return str(given["access_token"])

    async def counts(given: str) -> bool:
        async with provider.client() as client:
            return (await client.get("/userinfo", headers={"Authorization": f"Bearer {given}"})).status_code == 200

    first, second, others = await token(mina.app), await token(mina.app), await token(another)
    assert [await counts(one) for one in (first, second, others)] == [True, True, True]
    await mina.post("/account/apps/disconnect", id="app")
    assert [await counts(one) for one in (first, second, others)] == [False, False, True]
    live = await mina.session()
    assert live is not None
    assert len(live.revoked_tokens) == 3, "by the grants that they came of: that of the arrival, and these two"
    assert await counts(await token(mina.app)), "whoever signs in to it again is connected again"


async def test_a_disconnected_app_renews_nothing_and_redeems_nothing(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    tokens = await provider.redeem(mina.app, await provider_code(mina))
    refresh = tokens.json()["refresh_token"]
    in_flight = await provider_code(mina)
    await mina.post("/account/apps/disconnect", id="app")
    assert (await provider.refresh(mina.app, refresh)).json()["error"] == "invalid_grant"
    assert (await provider.redeem(mina.app, in_flight)).json()["error"] == "invalid_grant"
    assert await mina.session() is not None


async def provider_code(mina: Resident) -> str:
    await mina.browser.follow(await mina.browser.get(mina.app.request()))
    code: str = mina.browser.query()["code"]
    return code
