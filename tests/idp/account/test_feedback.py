"""Somebody says how signing in was, or does not want to, by a page without scripts; and how long it took is kept."""

from __future__ import annotations

from sqlalchemy import text

from idp.rollout.feedback import EVERY
from tests.idp.account.conftest import Arrive
from tests.idp.conftest import OpenDatabase


async def test_a_mark_and_a_few_words_are_taken_once(arrive: Arrive, database: OpenDatabase) -> None:
    mina = await arrive(with_totp=True)
    assert "How was signing in?" in (await mina.get("/account")).text
    page = await mina.get("/account/feedback")
    assert "a password and an authenticator app" in page.text
    wrong = await mina.post("/account/feedback", act="say", text="<b>slow</b>")
    assert wrong.status_code == 422
    assert "Choose one of the marks" in wrong.text
    assert "&lt;b&gt;slow&lt;/b&gt;" in wrong.text
    kept = await mina.post("/account/feedback", act="say", score="2", text="<b>slow</b>")
    assert "Only administrators see what you said" in kept.text
    assert "How was signing in?" not in (await mina.get("/account")).text
    assert "You told us already" in (await mina.get("/account/feedback")).text
    await mina.post("/account/feedback", act="say", score="5")
    async with database("owner").connect() as tx:
        rows = (await tx.execute(text("SELECT method, score, sealed_text FROM idp.feedback"))).all()
        details = await tx.scalar(text("SELECT details FROM audit.record WHERE kind = 'feedback_given'"))
    assert [(row.method, row.score) for row in rows] == [("password_app", 2)]
    assert b"slow" not in rows[0].sealed_text
    assert details == {"way": "password_app", "score": 2}


async def test_who_does_not_want_to_say_is_left_alone(arrive: Arrive) -> None:
    mina = await arrive()
    page = await mina.post("/account/feedback", act="skip", score="1")
    assert page.status_code == 200
    assert "How was signing in?" not in page.text
    assert "feedback_given" not in await mina.kinds()
    mina.provider.parts.clock.advance(60)  # type: ignore[attr-defined] # the tests' clock
    assert "You told us already" in (await mina.get("/account/feedback")).text
    assert EVERY.days == 30


async def test_a_form_of_somebody_else_is_refused(arrive: Arrive, database: OpenDatabase) -> None:
    mina = await arrive()
    assert (await mina.post("/account/feedback", hop="x", act="say", score="5")).status_code == 403
    assert (await mina.post("/account/feedback", hop="x", act="say")).status_code == 403
    async with database("owner").connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM idp.feedback")) == 0


async def test_how_long_it_took_is_in_the_history(arrive: Arrive, database: OpenDatabase) -> None:
    await arrive()
    async with database("owner").connect() as tx:
        [seconds] = (await tx.execute(text("SELECT seconds FROM idp.sign_in_history"))).scalars()
    assert 0 <= seconds < 60
