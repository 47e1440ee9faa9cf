"""Acts that another could turn against the person: password, factors, confirmation; and whoever tries them."""

from __future__ import annotations

import asyncio
import html
import json
import re
from typing import Any

import httpx2
import pyotp
import pytest

from idp.endpoints.account.confirm import page_of
from idp.storage import passwords, sessions
from tests.clock import FakeClock
from tests.idp.account.conftest import PASSWORD, Arrive, Resident, digits, hidden
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import Provider
from tests.idp.waiting import waiting

NEW = "seven blue lanterns by the gate"
DANGEROUS = {
    "/account/authenticator": {},
    "/account/authenticator/confirm": {"code": "000000"},
    "/account/phone": {"number": "010-1234-5678"},
    "/account/passkey": {"answer": "{}"},
    "/account/factors/remove": {"kind": "totp", "id": "00"},
    "/account/recovery-codes": {},
    "/account/devices/remove": {"id": "00000000-0000-4000-8000-000000000000"},
    "/account/notices": {},
}
HARMLESS = {
    "/account/session/end": {},
    "/account/devices/rename": {"id": "00000000-0000-4000-8000-000000000000", "name": "x"},
    "/account/factors/rename": {"kind": "totp", "id": "00", "name": "x"},
    "/account/devices/forget": {"series": "00000000-0000-4000-8000-000000000000"},
    "/account/history/not-me": {"id": "00000000-0000-4000-8000-000000000000"},
    "/account/apps/disconnect": {"id": "app"},
    "/account/requests": {"id": "00000000-0000-4000-8000-000000000000", "decision": "allow"},
    "/account/password": {"current": PASSWORD, "new": NEW},
    "/account/language": {"language": "en", "time_zone": ""},
    "/account/recovery/stop": {},
}
ALL = {
    **DANGEROUS,
    **HARMLESS,
    "/account/confirm": {"password": PASSWORD},
    "/account/confirm/passkey": {"answer": "{}"},
}


def options(page: httpx2.Response) -> dict[str, Any]:
    """What the page's script is to ask the browser's authenticator."""
    found = re.search(r"data-options='([^']*)'", page.text)
    assert found, page.text
    return dict(json.loads(html.unescape(found[1])))


async def make_passkey(mina: Resident, authenticator: SoftAuthenticator) -> httpx2.Response:
    page = await mina.get("/account/factors")
    return await mina.post("/account/passkey", answer=authenticator.create(options(page)), label="My \0key")


@pytest.mark.parametrize("path", ALL)
async def test_a_form_of_another_session_or_site_changes_nothing(arrive: Arrive, provider: Provider, path: str) -> None:
    mina, jun = await arrive(), await arrive("jun")
    before = await mina.session()
    stranger = await provider.browser().post(path, {**ALL[path], "hop": await mina.hop()})
    assert stranger.status_code == 401
    for hop in (await jun.hop(), "", "x"):
        assert (await mina.browser.post(path, {**ALL[path], "hop": hop})).status_code == 403
    form = {**ALL[path], "hop": await mina.hop()}
    assert (await mina.browser.post(path, form, **{"Sec-Fetch-Site": "same-site"})).status_code == 403
    assert (await mina.browser.post(path, form, **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert await mina.session() == before


@pytest.mark.parametrize("path", DANGEROUS)
async def test_what_is_dangerous_needs_a_fresh_proof(arrive: Arrive, clock: FakeClock, path: str) -> None:
    mina = await arrive()
    hop = await mina.hop()
    clock.advance(15 * 60 + 1)
    assert (await mina.browser.post(path, {**DANGEROUS[path], "hop": hop})).status_code == 403
    assert not {"factor_enrolled", "device_removed", "preferences_changed"} & set(await mina.kinds())


@pytest.mark.parametrize("path", [*DANGEROUS, *HARMLESS])
async def test_a_session_that_ends_changes_nothing_any_more(
    arrive: Arrive, provider: Provider, clock: FakeClock, database: OpenDatabase, path: str
) -> None:
    """S3: the form waits for the end that is under way, and is then nobody's."""
    mina = await arrive()
    hop = await mina.hop()
    trail = await mina.kinds()
    async with provider.parts.database.begin() as tx:
        live = await sessions.live_of(tx, mina.id, clock.now())
        assert live is not None
        await provider.parts.one_session.end(tx, live.sid, "takeover", correlation_id="test")
        changing = asyncio.create_task(mina.browser.post(path, {**ALL[path], "hop": hop}))
        await waiting(database("owner"), 1, or_done=changing)
    assert (await changing).status_code == 401
    assert await mina.kinds() == [*trail, "session_ended"]


async def test_a_new_password_ends_everything_that_stood_on_the_old_one(
    arrive: Arrive, provider: Provider, database: OpenDatabase
) -> None:
    mina = await arrive()
    refresh = (await provider.redeem(mina.app, await code(mina))).json()["refresh_token"]
    done = await mina.post("/account/password", current=PASSWORD, new=NEW)
    assert "Your password is changed" in done.text
    assert "__Host-munjigi-session" not in mina.browser.cookies
    assert await mina.session() is None
    assert (await provider.refresh(mina.app, refresh)).json()["error"] == "invalid_grant"
    assert (await mina.kinds())[-2:] == ["password_changed", "session_ended"]
    letters = await mina.letters()
    assert [letter.kind for letter in letters] == ["password_changed"], "and not of the end, too"
    assert letters[0].facts["not_me"].startswith("http://localhost:9000/not-me?token=")
    assert letters[0].facts["time_zone"] == "Asia/Seoul"
    async with provider.parts.database.connect() as tx:
        stored = await passwords.password_hash(tx, mina.id)
    assert (await provider.parts.passwords.verify(NEW, stored)).correct
    async with database("owner").connect() as tx:
        reason = (await tx.exec_driver_sql("SELECT end_reason FROM idp.session")).scalar_one()
    assert reason == "password_change"


async def code(mina: Resident) -> str:
    await mina.browser.follow(await mina.browser.get(mina.app.request()))
    return mina.browser.query()["code"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"current": "", "new": NEW}, "Type the password that you have now."),
        ({"current": "wrong", "new": NEW}, "This is not your password now."),
        ({"current": PASSWORD, "new": PASSWORD}, "This is the password that you have already."),
        ({"current": PASSWORD, "new": "short"}, 'aria-invalid="true"'),
        ({"current": PASSWORD, "new": "mina-mina-mina-2026!"}, 'aria-invalid="true"'),
    ],
)
async def test_what_is_wrong_with_a_new_password_is_said_beside_its_field(
    arrive: Arrive, typed: dict[str, str], said: str
) -> None:
    mina = await arrive()
    page = await mina.post("/account/password", **typed)
    assert page.status_code == 422
    assert said in page.text
    assert 'id="error-summary"' in page.text
    assert PASSWORD not in page.text
    assert await mina.session() is not None
    assert "password_changed" not in await mina.kinds()


async def test_guesses_at_the_old_password_are_counted(arrive: Arrive) -> None:
    mina = await arrive()
    hop = await mina.hop()
    form = {"hop": hop, "current": "wrong", "new": NEW}
    said = [(await mina.browser.post("/account/password", form)).text for _ in range(25)]
    assert "This is not your password now." in said[0]
    assert "There were many attempts" in said[-1]


async def test_whoever_has_a_factor_and_gave_it_just_now_is_not_asked_for_the_old_password(
    arrive: Arrive, clock: FakeClock
) -> None:
    jun = await arrive("jun", with_totp=True)
    assert 'name="current"' not in (await jun.get("/account/password")).text
    clock.advance(15 * 60 + 1)
    assert 'name="current"' in (await jun.get("/account/password")).text
    assert (await jun.post("/account/password", new=NEW)).status_code == 422
    done = await jun.post("/account/password", current=PASSWORD, new="a lantern!")
    assert "Your password is changed" in done.text


async def test_two_changes_at_once_change_it_once(arrive: Arrive) -> None:
    mina = await arrive()
    hop = await mina.hop()
    form = {"hop": hop, "current": PASSWORD, "new": NEW}
    answers = await asyncio.gather(*(mina.browser.post("/account/password", form) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert (await mina.kinds()).count("password_changed") == 1


async def test_a_login_that_proved_the_old_password_begins_nothing_with_it(
    arrive: Arrive, provider: Provider, clock: FakeClock
) -> None:
    """Somebody with the old password and the mailbox waits at the choice for the session to end."""
    mina = await arrive()
    thief = provider.browser("10.0.0.9")
    await thief.follow(await thief.get(mina.app.request()))
    page = await provider.prove(thief, mina.id)
    clock.advance(1)
    await mina.post("/account/password", current=PASSWORD, new=NEW)
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    over = await thief.post("/takeover", form)
    assert over.status_code == 400
    assert "MJ-IDP-001" in over.text
    assert await mina.session() is None


async def test_an_authenticator_app_is_connected_told_and_then_demanded(
    arrive: Arrive, provider: Provider, clock: FakeClock
) -> None:
    mina = await arrive()
    shown = await mina.post("/account/authenticator")
    assert "data:image/svg+xml" in shown.text
    found = re.search(r"<code>([A-Z2-7 ]{39})</code>", shown.text)
    assert found
    typed = pyotp.TOTP(found[1].replace(" ", "")).at(int(clock.timestamp()))
    wrong = await mina.post("/account/authenticator/confirm", code="000000")
    assert wrong.status_code == 422
    done = await mina.post("/account/authenticator/confirm", code=typed)
    assert "Your app is connected." in done.text
    assert (await mina.kinds())[-2:] == ["factor_failed", "factor_enrolled"]
    assert [(one.kind, one.facts["change"], one.facts["factor"]) for one in await mina.letters()] == [
        ("factor_changed", "enrolled", "totp")
    ]
    assert len(set(re.findall(r"<code>((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})</code>", done.text))) == 10
    # the session was begun by a password alone: from now on that is not enough to change anything
    assert "one more check" in (await mina.get("/account/factors")).text
    assert (await mina.post("/account/authenticator")).status_code == 403
    clock.advance(30)
    confirmed = await mina.post(
        "/account/confirm", code=pyotp.TOTP(found[1].replace(" ", "")).at(int(clock.timestamp())), to="/account/factors"
    )
    assert mina.browser.address.endswith("/account/factors")
    assert "one more check" not in confirmed.text
    session = await mina.session()
    assert session is not None
    assert session.acr == "urn:munjigi:acr:2"


async def test_a_passkey_is_made_and_the_removal_of_the_last_factor_is_said_clearly(
    arrive: Arrive, clock: FakeClock
) -> None:
    mina = await arrive()
    authenticator = SoftAuthenticator()
    assert "Your passkey is ready." in (await make_passkey(mina, authenticator)).text
    page = await mina.get("/account/factors")
    assert "My key" in page.text
    removal = re.search(r'href="(/account/factors/remove\?kind=passkey&amp;id=([0-9a-f]+))"', page.text)
    assert removal
    asked = await mina.get(html.unescape(removal[1]))
    assert "This is your last second factor." in asked.text
    assert '<button class="danger">' not in asked.text, "not before the proof"
    assert "/account/confirm?to=" in asked.text

    confirm = await mina.get(html.unescape(re.search(r'href="(/account/confirm[^"]*)"', asked.text)[1]))  # type: ignore[index]
    assert 'name="password"' not in confirm.text, "a password is no proof where there is a passkey"
    assert (await mina.post("/account/confirm", password=PASSWORD)).status_code == 403
    back = await mina.post(
        "/account/confirm/passkey", answer=authenticator.get(options(confirm)), to=html.unescape(hidden(confirm, "to"))
    )
    assert "This is your last second factor." in back.text
    assert '<button class="danger">' in back.text
    gone = await mina.post("/account/factors/remove", kind="passkey", id=removal[2])
    assert "The passkey was removed." in gone.text
    assert "Your password is all there is now." in gone.text
    assert (await mina.kinds())[-1] == "factor_removed"
    assert [one.facts["change"] for one in await mina.letters()] == ["enrolled", "removed"]
    again = await mina.post("/account/factors/remove", kind="passkey", id=removal[2])
    assert again.status_code == 422


async def test_another_persons_ids_are_nobodys(arrive: Arrive) -> None:
    mina, jun = await arrive(), await arrive("jun", with_totp=True)
    theirs = await jun.session()
    page = await jun.get("/account/factors")
    app_of_jun = re.search(r"kind=totp&amp;id=([0-9a-f-]+)", page.text)
    assert theirs is not None
    assert app_of_jun
    device = str(theirs.visitor.device_id)
    for path in (f"/account/devices/one?id={device}", f"/account/devices/remove?id={device}"):
        assert (await mina.get(path)).status_code == 404
    assert (await mina.post("/account/devices/rename", id=device, name="mine")).status_code == 404
    assert (await mina.post("/account/devices/remove", id=device)).status_code == 404
    assert (await mina.get(f"/account/factors/remove?kind=totp&id={app_of_jun[1]}")).status_code == 422
    assert (await mina.post("/account/factors/remove", kind="totp", id=app_of_jun[1])).status_code == 422
    assert await jun.session() == theirs
    assert "mine" not in (await jun.get("/account/devices")).text
    assert "You have no authenticator app yet." not in (await jun.get("/account/factors")).text


async def test_a_password_confirms_whoever_has_no_factor_and_the_cookie_is_new(
    arrive: Arrive, clock: FakeClock
) -> None:
    mina = await arrive()
    old = mina.browser.cookies["__Host-munjigi-session"]
    clock.advance(15 * 60 + 1)
    assert "confirm that it is you" in (await mina.get("/account/notices")).text
    wrong = await mina.post("/account/confirm", password="wrong", to="/account/notices")
    assert wrong.status_code == 422
    assert "This is not your password now." in wrong.text
    await mina.post("/account/confirm", password=PASSWORD, to="/account/notices")
    assert mina.browser.address.endswith("/account/notices")
    assert mina.browser.cookies["__Host-munjigi-session"] != old
    assert (await mina.kinds())[-2:] == ["factor_failed", "factor_passed"]
    assert "confirm that it is you" not in (await mina.get("/account/notices")).text
    mina.browser.cookies["__Host-munjigi-session"] = old
    assert (await mina.get("/account")).status_code == 401, "whoever had the old cookie has nothing"


async def test_guesses_at_the_proof_are_counted(arrive: Arrive, provider: Provider) -> None:
    jun = await arrive("jun", with_totp=True)
    hop = await jun.hop()
    answers = [await jun.browser.post("/account/confirm", {"hop": hop, "code": "000000"}) for _ in range(11)]
    assert [answer.status_code for answer in answers[:10]] == [422] * 10
    assert answers[10].status_code == 429
    assert "retry-after" in answers[10].headers
    right = await jun.browser.post("/account/confirm", {"hop": hop, "code": digits(provider)})
    assert right.status_code == 429


@pytest.mark.parametrize(
    ("to", "page"),
    [
        ("/account/factors", "/account/factors"),
        ("/account/devices/remove?id=00000000-0000-4000-8000-000000000000",) * 2,
        ("/account/factors/remove?kind=passkey&id=00ff",) * 2,
        ("https://evil.example/account", "/account"),
        ("//evil.example", "/account"),
        ("/account/../sign-in", "/account"),
        ("/account@evil.example", "/account"),
        ("/account\n", "/account"),
        ("/accountant", "/account"),
        (None, "/account"),
    ],
)
def test_a_proof_leads_on_to_a_page_of_the_account_alone(to: str | None, page: str) -> None:
    assert page_of(to) == page
