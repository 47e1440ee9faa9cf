"""People are asked once in a while for each way in; what they write lies sealed, and is shown without whose it is."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from idp.rollout.feedback import EVERY, KEPT, LONGEST, Feedback, Marks
from idp.storage import feedback
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import HOUSE, add_person


@pytest.fixture
def kept(settings: Settings) -> Feedback:
    return Feedback(feedback, Envelope.load(settings), SystemEntropy())


async def test_once_in_a_while_for_each_way_in(kept: Feedback, database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        mina, jun = (await add_person(tx)).id, (await add_person(tx, "jun")).id
        assert await kept.take(tx, mina, HOUSE, "passkey", 4, "  좋아요\0 ", clock.now())
        assert not await kept.take(tx, mina, HOUSE, "passkey", 1, "again", clock.now())
        assert await kept.take(tx, mina, HOUSE, "password", None, "dropped", clock.now())
        assert not await kept.is_due(tx, mina, "password", clock.now())
        assert await kept.is_due(tx, jun, "passkey", clock.now())
        clock.advance(EVERY.total_seconds() - 1)
        assert not await kept.is_due(tx, mina, "passkey", clock.now())
        clock.advance(1)
        assert await kept.take(tx, mina, HOUSE, "passkey", 2, "x" * (LONGEST + 9), clock.now())
        later, first = await kept.page(tx, [HOUSE], None, 9)
        assert (first.score, first.text, first.method) == (4, "좋아요", "passkey")
        assert (later.score, len(later.text)) == (2, LONGEST)
        assert await kept.page(tx, [HOUSE], (later.at, later.id), 9) == [first]
        assert await kept.page(tx, [jun], None, 9) == []
        marks = await feedback.marks(tx, [HOUSE], clock.now() - KEPT)
        assert marks == {"passkey": Marks({4: 1, 2: 1})}
    async with database("owner").connect() as tx:
        sealed = (await tx.execute(text("SELECT sealed_text FROM idp.feedback WHERE score = 4"))).scalar_one()
        assert "좋아요".encode() not in sealed
    async with database("worker").begin() as tx:
        assert await feedback.sweep(tx, clock.now()) == 2


async def test_there_are_five_marks(kept: Feedback, database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        mina = (await add_person(tx)).id
        for score in (0, 6):
            with pytest.raises(ValueError):
                await kept.take(tx, mina, HOUSE, "passkey", score, "", clock.now())


def test_a_mean_has_an_interval_where_enough_said_something() -> None:
    assert (Marks({}).mean, Marks({}).interval) == (None, None)
    assert (Marks({5: 1}).mean, Marks({5: 1}).interval) == (5.0, None)
    marks = Marks({1: 10, 5: 30})  # mean 4, standard error 1.7541 / sqrt(40)
    assert marks.mean == 4.0
    assert marks.interval is not None
    assert (round(marks.interval.low, 3), round(marks.interval.high, 3)) == (3.456, 4.544)
    assert Marks({5: 3}).interval is not None
