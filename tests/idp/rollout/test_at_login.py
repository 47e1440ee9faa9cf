"""What a phase demands at a login: in grace, after its date, by exception, with the password closed, rolled back."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pyotp
import pytest
from sqlalchemy import select

from idp.rollout.cohorts import AtRisk, bucket
from idp.rollout.exceptions import PhaseException
from idp.rollout.phases import Demand, Phase
from idp.storage import factors, phase_records, programmes, sessions
from idp.storage.rollout_tables import phase_person
from tests.clock import FakeClock
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.browser import Browser
from tests.idp.letters import letters
from tests.idp.login_pages.test_sign_in import hidden, kinds, open_sign_in, person, submit, submit_mailed_code
from tests.idp.provider import CALLBACK, App, Provider
from tests.idp.rollout.values import DAY, NOW, programme

LATER = "I have put them in a safe place"


@pytest.fixture
async def app(provider: Provider) -> App:
    return await provider.register()


async def begun(provider: Provider, **other: Any) -> Phase:
    """A programme whose one phase runs; its date of enforcement is a week from now."""
    made, cohort, one = programme(**{"state": "running", "begun_at": NOW, **other})
    async with provider.parts.database.begin() as tx:
        await programmes.add(tx, made, [cohort], [one], NOW)
    provider.parts.phases_in_force.on_reset()
    return one


async def becomes(provider: Provider, one: Phase, **other: Any) -> Phase:
    """The phase was changed; every node is told."""
    changed = replace(one, **other)
    async with provider.parts.database.begin() as tx:
        await programmes.put_phase(tx, changed, NOW)
    provider.parts.phases_in_force.on_reset()
    return changed


async def arrive(provider: Provider, app: App, browser: Browser | None = None) -> tuple[Browser, httpx2.Response]:
    """Name and password, and whatever is mailed."""
    browser = browser or provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    if "@mail.example" in page.text:
        page = await submit_mailed_code(provider, browser, page)
    return browser, page


def shown_secret(page: httpx2.Response) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)
    assert found, page.text
    return found[1].replace(" ", "")


async def by_app(browser: Browser, page: httpx2.Response, clock: FakeClock) -> httpx2.Response:
    code = pyotp.TOTP(shown_secret(page)).at(int(clock.timestamp()))
    return await browser.follow(await browser.post("/enrol", {"hop": hidden(page), "act": "app", "code": code}))


async def by_passkey(
    browser: Browser, page: httpx2.Response, authenticator: SoftAuthenticator | None = None
) -> httpx2.Response:
    found = re.search(r"data-passkey=\"create\" data-options='([^']*)'", page.text)
    assert found, page.text
    answer = (authenticator or SoftAuthenticator()).create(json.loads(html.unescape(found[1])))
    return await browser.follow(await browser.post("/enrol/passkey", {"hop": hidden(page), "answer": answer}))


async def act(browser: Browser, page: httpx2.Response, what: str) -> httpx2.Response:
    return await browser.follow(await browser.post("/enrol", {"hop": hidden(page), "act": what}))


async def standing(provider: Provider, user: UUID) -> Any:
    async with provider.parts.database.connect() as tx:
        return (await tx.execute(select(phase_person).where(phase_person.c.user_id == user))).one()


async def test_nobody_is_asked_where_no_phase_is_in_force(provider: Provider, app: App) -> None:
    await person(provider)
    await begun(provider, state="announced", begun_at=None)
    browser, _ = await arrive(provider, app)
    assert browser.address.startswith(CALLBACK)


async def test_in_grace_it_can_be_put_off_at_each_login(provider: Provider, app: App) -> None:
    user = await person(provider)
    await begun(provider)
    browser, page = await arrive(provider, app)
    assert browser.address.startswith("http://localhost:9000/enrol")
    assert "You have 7 days left." in page.text
    await act(browser, page, "later")
    assert browser.address.startswith(CALLBACK)
    assert (await standing(provider, user)).skipped == 1
    # within the session that began nobody is asked again; at the next login they are
    again = await browser.follow(await browser.get(app.request()))
    assert browser.address.startswith(CALLBACK), again.text
    other, page = await arrive(provider, app, provider.browser("10.0.0.7"))
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    await other.follow(await other.post("/takeover", form))
    assert other.address.startswith("http://localhost:9000/enrol")


async def test_an_app_is_connected_within_the_login_and_counts_for_it(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    user = await person(provider)
    one = await begun(provider)
    browser, page = await arrive(provider, app)
    wrong = await browser.post("/enrol", {"hop": hidden(page), "act": "app", "code": "000000"})
    assert wrong.status_code == 422
    assert shown_secret(wrong) == shown_secret(page), "what the app scanned stays good"
    page = await by_app(browser, wrong, clock)
    assert LATER in page.text
    assert page.text.count("<li><code>") == 10
    await act(browser, page, "go_on")
    assert browser.address.startswith(CALLBACK)
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, clock.now())
    assert session is not None
    assert set(session.amr) == {"pwd", "otp", "mfa"}
    found = await standing(provider, user)
    assert (found.method, found.enrolled_at, found.phase_id) == ("totp", NOW, one.id)
    assert "factor_enrolled" in await kinds(provider, database)
    assert [letter.kind for letter in await letters(provider.parts.settings)][-2:] == ["factor_changed", "new_device"]


async def test_after_the_date_nobody_goes_on_without(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider)
    one = await begun(provider)
    await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))
    browser, page = await arrive(provider, app)
    assert "You need this to sign in now." in page.text
    assert 'value="later"' not in page.text
    page = await act(browser, page, "later")  # a form that somebody made up
    assert browser.address.startswith("http://localhost:9000/enrol")
    await act(browser, page, "go_on")
    assert browser.address.startswith("http://localhost:9000/enrol")
    authenticator = SoftAuthenticator()
    page = await browser.get(browser.address)
    page = await by_passkey(browser, page, authenticator)
    await act(browser, page, "go_on")
    assert browser.address.startswith(CALLBACK)
    assert (await standing(provider, user)).method == "passkey"
    # from now on the second factor belongs to every login, although a passkey alone would not be asked for
    _, page = await arrive(provider, app, provider.browser())
    assert "One more check" in page.text


async def test_giving_up_ends_the_login(provider: Provider, app: App) -> None:
    await person(provider)
    one = await begun(provider)
    await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))
    browser, page = await arrive(provider, app)
    await act(browser, page, "give_up")
    assert browser.query()["error"] == "access_denied"


async def test_whoever_is_first_asked_late_has_grace(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    one = await begun(provider, grace_days=3)
    await becomes(
        provider, one, state="enforced", dates=replace(one.dates, begin_at=NOW - 2 * DAY, enforce_at=NOW - DAY)
    )
    browser, page = await arrive(provider, app)
    assert "You have 3 days left." in page.text
    await act(browser, page, "later")
    assert browser.address.startswith(CALLBACK)
    clock.advance(3 * 86400)
    provider.parts.phases_in_force.on_reset()
    _, page = await arrive(provider, app)
    assert "You need this to sign in now." in page.text


async def test_an_exception_holds_until_its_end(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider)
    one = await begun(provider)
    await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))
    exception = PhaseException(
        id=uuid4(), phase_id=one.id, user_id=user, until=NOW + 2 * DAY, why="on leave", who="an admin", granted_at=NOW
    )
    async with provider.parts.database.begin() as tx:
        await phase_records.grant(tx, exception)
    browser, _ = await arrive(provider, app)
    assert browser.address.startswith(CALLBACK)
    clock.advance(2 * 86400)
    provider.parts.phases_in_force.on_reset()
    _, page = await arrive(provider, app)
    assert "You need this to sign in now." in page.text


async def test_a_closed_password_lets_nobody_in_who_has_another_way_and_rolling_back_opens_it(
    provider: Provider, app: App, database: object
) -> None:
    user = await person(provider)
    demand = Demand(methods=("passkey",), close_password=True)
    one = await begun(provider, kind="passwordless", demand=demand)
    browser, page = await arrive(provider, app)
    assert "Sign in without your password" in page.text
    assert "authenticator app" not in page.text, "an app is not what this phase asks for"
    page = await by_passkey(browser, page)
    await act(browser, page, "go_on")
    assert browser.address.startswith(CALLBACK)
    # old and new work side by side until the date
    _, page = await arrive(provider, app, provider.browser())
    assert "no longer signs in by password" not in page.text
    enforced = await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))
    third = provider.browser()
    page = await submit(third, await open_sign_in(third, app))
    assert page.status_code == 422
    assert "no longer signs in by password" in page.text
    assert "MJ-SIGNIN-050" in page.text
    # and who does not know the password learns nothing
    wrong = await submit(third, await open_sign_in(third, app), password="another")
    nobody = await submit(third, await open_sign_in(third, app), name="nobody")
    for answer in (wrong, nobody):
        assert "no longer signs in by password" not in answer.text
        assert "This name and password do not go together." in answer.text
    # rolled back: the password works, and the passkey stays
    await becomes(provider, enforced, state="rolled_back")
    _, page = await arrive(provider, app, provider.browser())
    assert "no longer signs in by password" not in page.text
    async with provider.parts.database.connect() as tx:
        assert await factors.enrolled(tx, user) == ["passkey"]


async def test_whoever_has_no_other_way_is_led_to_one_and_not_locked_out(provider: Provider, app: App) -> None:
    await person(provider)
    demand = Demand(methods=("passkey",), close_password=True)
    one = await begun(provider, kind="passwordless", demand=demand)
    await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))
    browser, page = await arrive(provider, app)
    assert "You need this to sign in now." in page.text
    await act(browser, await by_passkey(browser, page), "go_on")
    assert browser.address.startswith(CALLBACK)


async def test_whoever_was_taken_in_stays_though_the_rule_is_true_no_more(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    user = await person(provider)
    one = await begun(
        provider, rule=AtRisk(("no_second_factor",)), demand=Demand(methods=("passkey",), second_factor=True)
    )
    browser, page = await arrive(provider, app)
    await act(browser, await by_passkey(browser, page), "go_on")
    await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))
    async with provider.parts.database.connect() as tx:
        assert await factors.enrolled(tx, user) == ["passkey"]
    _, page = await arrive(provider, app, provider.browser())
    assert "One more check" in page.text, "the phase still asks for a second factor"


async def test_a_session_is_asked_to_catch_up_after_the_date_and_silent_sign_in_is_refused(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    await person(provider)
    one = await begun(provider)
    browser, page = await arrive(provider, app)
    await act(browser, page, "later")
    await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))
    await browser.follow(await browser.get(app.request(prompt="none")))
    assert browser.query()["error"] == "interaction_required"
    page = await browser.follow(await browser.get(app.request()))
    assert browser.address.startswith("http://localhost:9000/enrol"), page.text
    clock.advance(16 * 60)
    page = await browser.follow(await browser.get(app.request()))
    assert browser.address.startswith("http://localhost:9000/sign-in"), "nobody binds a factor by a sign-in of long ago"


async def test_a_hop_of_another_step_sets_nothing_up(provider: Provider, app: App) -> None:
    await person(provider)
    await begun(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    answer = await browser.post("/enrol", {"hop": hidden(page), "act": "app", "code": "123456"})
    assert answer.status_code == 400


async def test_of_a_phase_of_a_part_nobody_else_is_asked(provider: Provider, app: App) -> None:
    user = await person(provider)
    away = next(ident for ident in iter(uuid4, None) if bucket(str(ident), user) >= 5000)
    await begun(provider, id=away, share=50, state="piloting")
    browser, _ = await arrive(provider, app)
    assert browser.address.startswith(CALLBACK)


async def test_the_account_says_what_is_coming_until_it_is_done(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    await begun(provider)
    browser, page = await arrive(provider, app)
    await act(browser, page, "later")
    overview = await browser.get("/account")
    assert "패스키나 인증 앱을 지금 만들어" in overview.text
    overview = await browser.get("/account?locale=en")
    assert "your organisation asks for a second step at sign-in" in overview.text
    assert "29 Nov 2026" in overview.text
