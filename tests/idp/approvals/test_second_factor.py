"""A login in one browser, approved in another: once, with the right number, in time, by the device's key alone."""

from __future__ import annotations

import asyncio
import html
import json
import re
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import text

from config import key_space
from config.connections import Valkey
from idp.credentials.approval_limits import UNANSWERED_OF_PERSON
from idp.factors.push_approval import LIFETIME
from idp.factors.recovery_code import digest_of, new_codes
from idp.storage import factors, recovery_codes, sessions
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, hidden
from tests.idp.approvals.conftest import Approving
from tests.idp.approvals.devices import ORIGIN, SoftDevice, as_json, number
from tests.idp.authenticator import UP, SoftAuthenticator
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import letters
from tests.idp.login_pages.test_account import make_passkey
from tests.idp.login_pages.test_forbidden_ways import begun, forbid
from tests.idp.login_pages.test_sign_in import open_sign_in, submit
from tests.idp.provider import CALLBACK


async def test_the_number_that_both_screens_show_lets_the_login_go_on(approving: Approving) -> None:
    browser, page = await approving.elsewhere()
    assert "Approve on another device" in page.text
    assert await approving.phone.questions() == [], "nothing rings before whoever signs in wants it"
    page = await approving.ask(browser, page)
    state = await browser.get(f"/factor/push/state?hop={hidden(page)}")
    assert as_json(state) == {"state": "pending"}
    question = await approving.question()
    assert number(page) in question.choices
    assert len(question.choices) == 3
    shown = (await approving.phone.browser.get(f"/approvals/{question.id}")).text
    assert "Are you signing in to the app?" in shown
    assert "10.0.0.9" in shown
    early = await approving.take(browser, page)
    assert "One more check" in early.text, "nobody goes on before there is a word"

    assert await approving.phone.answer(question, "approve", number(page)) == "approved"
    assert as_json(await browser.get(f"/factor/push/state?hop={hidden(page)}")) == {"state": "approved"}
    done = await approving.take(browser, page)
    assert "You are signed in somewhere else" in done.text, "it stands for the session that the login faces"
    form = {"hop": hidden(done), "session": hidden(done, "session"), "choice": "take_over"}
    await browser.follow(await browser.post("/takeover", form))
    assert browser.address.startswith(CALLBACK)
    parts = approving.provider.parts
    async with parts.database.connect() as tx:
        session = await sessions.live_of(tx, approving.person.id, parts.clock.now())
    assert session is not None
    assert session.amr == ("pwd", "swk", "mca", "mfa")
    assert await approving.kinds() == ["factor_enrolled", "approval_asked", "approval_given", "factor_passed"]


async def test_an_approval_is_used_once_and_answered_once(approving: Approving) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    question = await approving.question()
    told = await asyncio.gather(*(approving.phone.answer(question, "approve", number(page)) for _ in range(4)))
    assert sorted(told) == ["approved", "over", "over", "over"]
    assert await approving.phone.answer(question, "deny") == "over", "nobody takes a word back"
    await approving.take(browser, page)
    again = await approving.provider.browser("10.0.0.9").get(f"/factor/push/state?hop={hidden(page)}")
    assert again.status_code == 400, "another browser knows nothing of it"
    other, other_page = await approving.elsewhere()
    await approving.take(other, other_page)
    assert "One more check" in (await other.get(other.address)).text, "another login of the same person"


async def test_a_login_that_went_on_another_way_asks_no_more(approving: Approving) -> None:
    parts, person = approving.provider.parts, approving.person.id
    made = new_codes(parts.entropy)
    async with parts.database.begin() as tx:
        digests = [digest for code in made if (digest := digest_of(person, code)) is not None]
        await recovery_codes.replace(tx, person, digests, parts.clock.now())
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    question = await approving.question()
    await browser.follow(await browser.post("/factor", {"hop": hidden(page), "recovery_code": made[0]}))
    assert await approving.phone.questions() == []
    assert await approving.phone.answer(question, "approve", number(page)) == "over"


async def test_a_wrong_number_ends_it(approving: Approving) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    question = await approving.question()
    wrong = next(choice for choice in question.choices if choice != number(page))
    assert await approving.phone.answer(question, "approve", wrong) == "mismatched"
    assert await approving.phone.answer(question, "approve", number(page)) == "over"
    page = await approving.take(browser, page)
    assert "Another number was picked there" in page.text
    assert "asked often" in page.text, "and nobody is asked again for a while"
    assert "Recovery code" in page.text, "other ways stay"
    assert await approving.kinds() == ["factor_enrolled", "approval_asked", "approval_mismatched", "approval_refused"]


async def test_a_denial_ends_it_and_no_more_questions_come(approving: Approving) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    assert await approving.phone.answer(await approving.question(), "deny") == "denied"
    page = await approving.take(browser, page)
    assert "It was denied on the other device" in page.text
    page = await approving.ask(browser, page)
    assert await approving.phone.questions() == []
    assert (await approving.kinds())[-2:] == ["approval_denied", "approval_withheld"]
    history = (await approving.phone.browser.get("/account/history")).text
    assert "10.0.0.9" in history


async def test_a_question_lasts_two_minutes(approving: Approving, clock: FakeClock) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    question = await approving.question()
    clock.advance(LIFETIME.total_seconds() - 0.001)
    assert len(await approving.phone.questions()) == 1
    clock.advance(0.001)
    assert await approving.phone.questions() == []
    assert await approving.phone.answer(question, "approve", number(page)) == "over"
    assert (await approving.phone.browser.get(f"/approvals/{question.id}")).status_code == 410
    page = await approving.take(browser, page)
    assert "There was no answer in time" in page.text
    page = await approving.ask(browser, page)
    question = await approving.question()
    assert await approving.phone.answer(question, "approve", number(page)) == "approved"
    clock.advance(LIFETIME.total_seconds())
    page = await approving.take(browser, page)
    assert "One more check" in page.text, "nor does a word last longer than its question"


async def test_forged_and_borrowed_signatures_count_for_nothing(approving: Approving) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    question, phone = await approving.question(), approving.phone
    right = number(page)
    stranger = SoftDevice(phone.browser)
    assert await stranger.answer(question, "approve", right) == "signature"
    assert await phone.answer(question, "approve", right, signature="AAAA") == "signature"
    assert await phone.answer(question, "approve", right, signature="") == "signature"
    # of a "no", or of another number, nobody makes a "yes"
    wrong = next(choice for choice in question.choices if choice != right)
    assert await phone.answer(question, "deny", "", decision="approve", picked=right) == "signature"
    assert await phone.answer(question, "approve", wrong, picked=right) == "signature"
    for changed in ({"nonce": "x"}, {"app": "bank"}, {"message": "x"}, {"key": "0" * 64}):
        assert await phone.answer(replace(question, **changed), "approve", right) == "signature"
    assert await phone.answer(question, "approve", right) == "approved", "none of them ended it"
    assert [details["why"] for kind, details in await approving.records() if kind == "approval_refused"] == [
        "signature"
    ] * 9


async def test_an_answer_of_one_question_is_no_answer_to_the_next(approving: Approving) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    first = await approving.question()
    lines = ("munjigi-approval", ORIGIN, first.id, first.nonce, "approve", number(page), first.app)
    kept = approving.phone.sign(*lines, sha256(b"").hexdigest(), first.key)
    page = await approving.ask(browser, page)
    second = await approving.question()
    assert second.id != first.id
    assert await approving.phone.answer(second, "approve", number(page), signature=kept) == "signature"
    assert await approving.phone.answer(first, "approve", number(page)) == "over", "the second took its place"


async def test_no_browser_approves_its_own_login(approving: Approving, clock: FakeClock) -> None:
    phone, browser = approving.phone, approving.phone.browser
    browser.cookies.pop("__Host-munjigi-session")
    page = await submit(browser, await open_sign_in(browser, approving.app))
    assert "Approve on another device" not in page.text
    assert "@mail.example" in page.text, "whose only device this is gets a code by mail here"

    # a browser that hides its device cookie while it signs in, and shows it when it answers
    device = browser.cookies.pop("__Host-munjigi-device")
    page = await submit(browser, await open_sign_in(browser, approving.app))
    page = await approving.ask(browser, page)
    browser.cookies["__Host-munjigi-device"] = device
    question = await approving.question()
    assert await phone.answer(question, "approve", number(page)) == "own_browser"


async def test_only_the_device_of_the_person_sees_a_question(approving: Approving, arrive: Arrive) -> None:
    sora = await arrive("sora", address="10.0.0.77")
    other = SoftDevice(sora.browser)
    await other.enrol()
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    question = await approving.question()
    assert await other.questions() == []
    assert (await other.browser.get(f"/approvals/{question.id}")).status_code == 410
    assert await other.answer(question, "approve", number(page)) == "over"
    nobody = approving.provider.browser()
    nobody.cookies["mj-locale"] = "en"
    assert "does not approve sign-ins yet" in (await nobody.get("/approvals")).text
    assert (await nobody.post(f"/approvals/{question.id}", {"decision": "deny"})).headers["location"].endswith("over")
    foreign = await nobody.post(f"/approvals/{question.id}", {}, **{"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert len(await approving.phone.questions()) == 1


async def test_this_was_not_me_locks_the_account(approving: Approving, database: OpenDatabase) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    question = await approving.question()
    assert await approving.phone.answer(question, "not_me") == "not_me"
    async with database("idp").connect() as tx:
        state = (await tx.execute(text("SELECT state, lock_reason FROM idp.user_account"))).one()
    assert tuple(state) == ("locked", "not_me")
    assert await approving.person.session() is None, "whatever is signed in has ended"
    assert [letter.kind for letter in await letters(approving.provider.parts.settings)][-1] == "account_locked"
    assert (await approving.kinds())[-1] == "approval_not_me"
    assert "account_locked" in [kind for kind, _ in await approving.records()]
    gone = await approving.take(browser, page)
    assert "One more check" not in gone.text
    assert await approving.phone.questions() == [], "a locked person's devices are nobody's"


async def test_nobody_is_worn_down(approving: Approving, clock: FakeClock) -> None:
    browser, page = await approving.elsewhere()
    for _ in range(UNANSWERED_OF_PERSON.attempts):
        page = await approving.ask(browser, page)
        assert len(await approving.phone.questions()) == 1, "one question at a time"
        clock.advance(LIFETIME.total_seconds())
    page = await approving.take(browser, page)
    assert "asked often" in page.text
    other, other_page = await approving.elsewhere("10.0.0.10")
    assert "asked often" in other_page.text, "it is counted for the person, not for a browser"
    await approving.ask(other, other_page)
    assert await approving.phone.questions() == []
    told = [details for kind, details in await approving.records() if kind == "approval_withheld"]
    assert told == [{"limit": "approval-unanswered"}]


async def test_whoever_approves_is_asked_as_often_as_they_sign_in(approving: Approving) -> None:
    for _ in range(UNANSWERED_OF_PERSON.attempts + 1):
        browser, page = await approving.elsewhere()
        page = await approving.ask(browser, page)
        assert await approving.phone.answer(await approving.question(), "approve", number(page)) == "approved"


async def test_where_nothing_can_be_counted_nobody_is_asked(approving: Approving, valkey: Valkey) -> None:
    browser, page = await approving.elsewhere()
    digest = sha256(str(approving.person.id).encode()).hexdigest()[:32]
    await valkey.set(key_space.throttle(UNANSWERED_OF_PERSON.scope, digest), "no counter")  # each count is an error
    shown = await browser.get(browser.address)
    assert shown.status_code == 200
    assert "asked often" in shown.text, "the page is there, and offers its other ways"
    refused = await browser.post("/factor/push", {"hop": hidden(page)})
    assert refused.status_code == 503
    assert await approving.phone.questions() == []


async def test_the_session_that_is_faced_is_the_one_that_was_asked_about(
    approving: Approving, clock: FakeClock
) -> None:
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    asked = number(page)
    await approving.person.move("10.0.0.50")
    page = await approving.take(browser, page)
    assert "I approved it" not in page.text, "another session lives now: it is asked anew"
    assert await approving.phone.answer(await approving.question(), "approve", asked) == "approved"
    page = await approving.take(browser, page)
    assert "One more check" in page.text, "the word was about the session that has ended"


async def test_the_person_of_a_session_confirms_on_another_device(approving: Approving) -> None:
    """The session moves to the laptop; a change there is confirmed on the phone."""
    browser, page = await approving.elsewhere()
    page = await approving.ask(browser, page)
    await approving.phone.answer(await approving.question(), "approve", number(page))
    done = await approving.take(browser, page)
    form = {"hop": hidden(done), "session": hidden(done, "session"), "choice": "take_over"}
    await browser.follow(await browser.post("/takeover", form))
    shown = await browser.get("/account/confirm?to=/account/factors")
    assert "Approve on another device" in shown.text
    asked = {"hop": hidden(shown), "to": hidden(shown, "to")}
    shown = await browser.follow(await browser.post("/account/confirm/push", asked))
    assert as_json(await browser.get("/account/confirm/push/state")) == {"state": "pending"}
    early = await browser.follow(await browser.post("/account/confirm/push", {**asked, "act": "take"}))
    assert "I approved it" in early.text
    before = browser.cookies["__Host-munjigi-session"]
    question = await approving.question()
    assert await approving.phone.answer(question, "approve", number(shown)) == "approved"
    done = await browser.follow(await browser.post("/account/confirm/push", {**asked, "act": "take"}))
    assert browser.address.endswith("/account/factors")
    assert done.status_code == 200
    assert browser.cookies["__Host-munjigi-session"] != before, "the session goes on under a new cookie"


async def test_the_only_device_leads_its_person_through_a_new_sign_in(approving: Approving) -> None:
    shown = await approving.phone.browser.get("/account/confirm?to=/account/factors")
    assert "Approve on another device" not in shown.text
    assert "/account/sign-in?again=yes" in shown.text


async def test_where_an_approval_verifies_its_user_a_passkey_goes_with_it(approving: Approving, arrive: Arrive) -> None:
    parts = approving.provider.parts
    jun = await arrive("jun", with_totp=True)
    phone, key = SoftDevice(jun.browser), SoftAuthenticator()
    assert (await phone.enrol()).status_code == 200
    await make_passkey(phone.browser, key)
    approving = replace(approving, phone=phone, person=jun)
    await forbid(approving.provider, verified=True)
    browser, page = await begun(approving.provider, approving.app, "jun")
    page = await approving.ask(browser, page)
    question = await approving.question()
    shown = (await phone.browser.get(f"/approvals/{question.id}")).text
    asked = json.loads(html.unescape(re.findall(r"data-verify='([^']+)'", shown)[0]))
    assert asked["userVerification"] == "required"
    assert await phone.answer(question, "approve", number(page)) == "unverified"
    unverified = replace(key, flags=UP)
    assert await phone.answer(question, "approve", number(page), answer=unverified.get(asked)) == "unverified"
    shown = (await phone.browser.get(f"/approvals/{question.id}")).text
    asked = json.loads(html.unescape(re.findall(r"data-verify='([^']+)'", shown)[0]))
    assert await phone.answer(question, "approve", number(page), answer=key.get(asked)) == "approved"
    assert "You are signed in somewhere else" in (await approving.take(browser, page)).text
    assert (await jun.kinds()).count("approval_refused") == 2
    async with parts.database.begin() as tx:
        (own,) = await factors.passkeys(tx, jun.id)
        await factors.remove_passkey(tx, jun.id, own.credential_id)
    _, page = await begun(approving.provider, approving.app, "jun")
    assert "Approve on another device" not in page.text, "nobody approves who has no passkey"
    assert "one-time-code" in page.text
