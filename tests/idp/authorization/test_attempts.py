"""Attempts that changed nothing: told once, to the session that they met; kept, refused, abandoned."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from idp.sweeper import build_sweeper
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import Letter, letters
from tests.idp.login_pages.test_sign_in import (
    PASSWORD,
    app,
    hidden,
    kinds,
    open_sign_in,
    person,
    sign_in,
    submit,
    submit_code,
)
from tests.idp.login_pages.test_takeover import at_takeover
from tests.idp.provider import App, Provider

__all__ = ["app"]


async def _events(database: OpenDatabase) -> list[dict[str, Any]]:
    async with database("owner").connect() as tx:
        query = text("SELECT key, payload FROM events.outbox WHERE topic = 'attempt' ORDER BY id")
        rows = (await tx.execute(query)).all()
    assert all(row.key == row.payload["sid"] for row in rows)
    return [row.payload for row in rows]


async def _told(provider: Provider) -> list[Letter]:
    return [letter for letter in await letters(provider.parts.settings) if letter.kind == "attempt"]


async def _sweep(provider: Provider, database: OpenDatabase, clock: FakeClock) -> None:
    parts = provider.parts
    await build_sweeper(parts.settings, database("worker"), parts.valkey, clock).step()


async def test_keep_is_told(provider: Provider, app: App, clock: FakeClock, database: OpenDatabase) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await at_takeover(provider, second, app)
    assert await _events(database) == []
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "keep"}
    await second.follow(await second.post("/takeover", form))
    (event,) = await _events(database)
    assert event == {
        "sid": hidden(page, "session"),
        "sub": str(user),
        "outcome": "kept",
        "device": "",
        "browser": "",
        "place": "local network",
        "network": "",
        "at": clock.timestamp(),
    }
    (letter,) = await _told(provider)
    assert letter.to == "mina@mail.example"
    assert letter.facts["outcome"] == "kept"
    assert letter.facts["place"] == "local network"
    assert letter.facts["at"] == clock.now().isoformat()
    assert letter.facts["not_me"].startswith("http://localhost:9000/not-me?token=")
    async with database("owner").connect() as tx:
        keys = (await tx.execute(text("SELECT told FROM idp.not_me_link WHERE sid IS NULL"))).scalars().all()
    assert keys[-1]["place"] == "local network"


async def test_a_device_is_told_of_once_in_ten_minutes(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    await person(provider)
    await sign_in(provider, app)

    async def keep(address: str) -> None:
        browser = provider.browser(address)  # without a cookie: it is the kind of browser and its network that count
        page = await at_takeover(provider, browser, app)
        form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "keep"}
        await browser.follow(await browser.post("/takeover", form))

    for _ in range(3):
        await keep("10.0.0.2")
    assert len(await _events(database)) == len(await _told(provider)) == 1
    await keep("10.0.0.3")
    assert len(await _told(provider)) == 2
    clock.advance(599)
    await keep("10.0.0.2")
    assert len(await _told(provider)) == 2
    clock.advance(1)
    await keep("10.0.0.2")
    assert len(await _told(provider)) == 3


async def test_wrong_second_factors_are_told_while_it_goes_on(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    await person(provider, with_totp=True)
    first = provider.browser()
    await submit_code(first, await submit(first, await open_sign_in(first, app)), clock)
    guesser = provider.browser("10.6.6.6")
    page = await submit(guesser, await open_sign_in(guesser, app))
    for number in range(1, 6):
        page = await submit_code(guesser, page, clock, "000000")
        assert [event["outcome"] for event in await _events(database)] == (["refused"] if number >= 3 else [])
    clock.advance(600)
    await _sweep(provider, database, clock)
    assert len(await _told(provider)) == 1  # this login has been told of
    assert (await kinds(provider, database))[-1] == "sign_in_abandoned"


async def test_giving_up_is_told(provider: Provider, app: App, clock: FakeClock, database: OpenDatabase) -> None:
    await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    await second.follow(await second.post("/factor", {"hop": hidden(page), "act": "give_up"}))
    assert second.query()["error"] == "access_denied"
    assert [event["outcome"] for event in await _events(database)] == ["refused"]


async def test_what_is_abandoned_is_told_when_its_time_is_over(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    at_factor, at_choice, nobody = (provider.browser(f"10.0.0.{n}") for n in (2, 3, 4))
    page = await submit(at_factor, await open_sign_in(at_factor, app))
    await at_factor.post("/factor", {"hop": hidden(page), "code": "x"})
    await at_takeover(provider, at_choice, app)
    await open_sign_in(nobody, app)  # without a password nothing was attempted
    clock.advance(599)
    await _sweep(provider, database, clock)
    assert await _events(database) == []
    clock.advance(1)
    await _sweep(provider, database, clock)
    assert sorted(event["outcome"] for event in await _events(database)) == ["abandoned", "refused"]
    assert sorted(letter.facts["outcome"] for letter in await _told(provider)) == ["abandoned", "refused"]
    assert (await kinds(provider, database)).count("sign_in_abandoned") == 2
    async with database("owner").connect() as tx:
        left = (await tx.execute(text("SELECT count(*) FROM idp.login"))).scalar_one()
        audited = (
            await tx.execute(text("SELECT subject, details FROM audit.record WHERE kind = 'sign_in_abandoned'"))
        ).all()
    assert left == 0
    assert {row.subject for row in audited} == {str(user)}
    assert {row.details["outcome"] for row in audited} == {"abandoned", "refused"}


async def test_a_refused_login_is_told(provider: Provider, app: App, clock: FakeClock, database: OpenDatabase) -> None:
    """Whoever has the password, and names somebody else by `id_token_hint`, learns only that it was right."""
    user = await person(provider)
    await person(provider, "jun")
    first = await sign_in(provider, app)
    thief = await sign_in(provider, app, "jun", "10.6.6.6")
    hint = (await provider.redeem(app, thief.query()["code"])).json()["id_token"]
    tries = [provider.browser("10.6.6.6") for _ in range(2)]
    for browser in tries:
        await submit(browser, await open_sign_in(browser, app, id_token_hint=hint))
        assert browser.query()["error"] == "login_required"
    (event,) = await _events(database)  # and not again within ten minutes
    assert (event["sub"], event["outcome"], event["place"]) == (str(user), "refused", "local network")
    (letter,) = await _told(provider)
    assert letter.facts["outcome"] == "refused"
    # in the browser of the session itself nobody else was there
    await submit(first, await open_sign_in(first, app, id_token_hint=hint))
    assert first.query()["error"] == "login_required"
    assert len(await _events(database)) == 1


async def test_whoever_does_not_go_on_after_the_password_is_told_of_with_the_moment_of_it(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    await person(provider)
    await sign_in(provider, app)
    clock.advance(60)
    thief = provider.browser("10.6.6.6")
    page = await open_sign_in(thief, app)
    form = {"hop": hidden(page), "failures": "0", "login": "mina", "password": PASSWORD}
    assert (await thief.post("/sign-in", form)).status_code == 303  # and it is not followed
    was_there = clock.now()
    clock.advance(600)
    await _sweep(provider, database, clock)
    (event,) = await _events(database)
    assert (event["outcome"], event["place"]) == ("abandoned", "local network")
    assert event["at"] == was_there.timestamp()
    (letter,) = await _told(provider)
    assert letter.facts["at"] == was_there.isoformat()
    # the ten minutes are counted from when it was told
    again = provider.browser("10.6.6.6")
    page = await submit(again, await open_sign_in(again, app))
    clock.advance(599)
    await again.follow(await again.post("/factor", {"hop": hidden(page), "act": "give_up"}))
    assert len(await _events(database)) == 1


async def test_what_is_left_unfinished_beside_the_session_in_its_own_browser_is_no_attempt(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    await person(provider, with_totp=True)
    own = provider.browser()
    early = await submit(own, await open_sign_in(own, app))  # a tab that stays at the question for the code
    assert hidden(early)
    clock.advance(1)
    await submit_code(own, await submit(own, await open_sign_in(own, app)), clock)
    assert own.query()["code"]
    await submit(own, await open_sign_in(own, app, prompt="login", acr_values="urn:munjigi:acr:2"))
    clock.advance(600)
    await _sweep(provider, database, clock)
    assert (await kinds(provider, database)).count("sign_in_abandoned") == 2
    assert await _events(database) == []


async def test_nobody_is_told_of_a_session_that_has_ended(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    await person(provider)
    first = await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    await at_takeover(provider, second, app)
    async with provider.parts.database.begin() as tx:
        sid = (await tx.execute(text("SELECT sid FROM idp.session"))).scalar_one()
        await provider.parts.one_session.end(tx, sid, "sign_out", correlation_id="test")
    assert first
    clock.advance(600)
    await _sweep(provider, database, clock)
    assert await _events(database) == []
    assert (await kinds(provider, database))[-1] == "sign_in_abandoned"


async def test_whoever_wants_no_notices_still_hears_of_it_in_the_open_page(
    provider: Provider, app: App, database: OpenDatabase
) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    async with database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.notice_setting (user_id, kind, channel, wanted, changed_at) "
                "VALUES (:user, 'attempt', 'mail', false, now())"
            ),
            {"user": user},
        )
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    await second.follow(await second.post("/factor", {"hop": hidden(page), "act": "give_up"}))
    assert len(await _events(database)) == 1
    assert await _told(provider) == []
