"""Each day is counted once, whoever counts, as the history has it; logins that were left are counted, too."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from config.connections import Transaction
from config.entropy import SystemEntropy
from idp.devices.sign_in_history import CameFrom, Outcome, SignInHistory
from idp.rollout.daily import KEPT, LAST, NO_TIME, Cell, bucket, by_method, median, middle
from idp.storage import logins, sign_in_days, sign_in_history
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import HOUSE, add_person

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DAY = date(2026, 11, 22)


@given(st.floats(1, 60_000))
@UNHURRIED
def test_a_bucket_stands_for_its_time(seconds: float) -> None:
    assert 0 <= bucket(seconds) <= LAST
    assert abs(middle(bucket(seconds)) / seconds - 1) < 0.1


def test_the_ends_of_the_scale() -> None:
    assert (bucket(None), bucket(0.0), bucket(1e9)) == (NO_TIME, 0, LAST)
    assert median({NO_TIME: 5}) is None
    assert median({NO_TIME: 5, bucket(8.0): 1, bucket(64.0): 2}) == middle(bucket(64.0))


def cell(day: date, method: str, outcome: str, took: int = NO_TIME, attempts: int = 1) -> Cell:
    return Cell(day=day, method=method, outcome=outcome, took=took, attempts=attempts)  # type: ignore[arg-type] # a word


def test_days_and_methods_are_in_order() -> None:
    later = DAY + timedelta(days=1)
    cells = [
        cell(later, "passkey", "got_in", bucket(4.0), 2),
        cell(DAY, "password", "failed", attempts=3),
        cell(DAY, "password", "got_in", bucket(16.0)),
        cell(DAY, "password", "got_in", bucket(17.0)),
        cell(DAY, "", "left", attempts=9),
    ]
    nobody, password, passkey = by_method(cells)
    assert (nobody.day, nobody.method, nobody.left) == (DAY, "", 9)
    assert (password.got_in, password.failed, password.median_seconds) == (2, 3, middle(bucket(16.0)))
    assert (passkey.day, passkey.got_in, passkey.given_up) == (later, 2, 0)


async def note(
    tx: Transaction, user: UUID, at: datetime, outcome: Outcome, amr: tuple[str, ...], seconds: float | None = None
) -> None:
    history = SignInHistory(sign_in_history, FakeClock(at), SystemEntropy())
    visit = CameFrom(None, "Chrome · Android", "Chrome", "203.0.113.7", "KR", "")
    await history.note(tx, user, outcome, visit, amr=amr, client_id="app", seconds=seconds)


async def test_days_that_are_over_are_counted_once_and_todays_are_seen(database: OpenDatabase) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    pool = database("worker")
    async with database("idp").begin() as tx:
        mina = (await add_person(tx)).id
        for days, outcome, amr, seconds in (
            (3, "signed_in", ("pwd",), 9.0),
            (3, "taken_over", ("pwd", "otp", "mfa"), 30.0),
            (3, "failed", ("otp",), None),
            (3, "kept", ("pwd",), None),
            (1, "abandoned", ("pwd",), None),
            (0, "signed_in", ("pwd",), 12.0),
        ):
            await note(tx, mina, noon - timedelta(days=days), outcome, amr, seconds)  # type: ignore[arg-type] # words

    async def everything() -> list[Cell]:
        async with database("idp").connect() as tx:
            return list(await sign_in_days.cells(tx, [HOUSE], DAY - timedelta(days=9), DAY + timedelta(days=1)))

    before = await everything()
    assert Counter((one.method, one.outcome) for one in before) == {
        ("password", "got_in"): 2,
        ("password_app", "got_in"): 1,
        ("other", "failed"): 1,
        ("password", "given_up"): 1,
    }

    async def count() -> int:
        total = 0
        while True:
            async with pool.begin() as tx:
                counted = await sign_in_days.measure_next(tx, DAY)
            if not counted:
                return total
            total += counted

    assert sum(await asyncio.gather(*(count() for _ in range(3)))) == 4
    assert await everything() == before
    async with database("owner").connect() as tx:
        rows = (await tx.execute(text("SELECT day, platform, method FROM idp.sign_in_day ORDER BY 1, 3"))).all()
        measured = (await tx.execute(text("SELECT day FROM idp.measured_day ORDER BY 1"))).scalars().all()
    assert [(row.day.day, row.platform) for row in rows] == [(19, "mobile")] * 3 + [(21, "mobile")]
    assert [day.day for day in measured] == [19, 20, 21]
    async with database("idp").connect() as tx:
        assert await sign_in_days.cells(tx, [UUID(int=9)], DAY - timedelta(days=9), DAY + timedelta(days=1)) == []
        everybody = await sign_in_days.cells(tx, None, DAY - timedelta(days=9), DAY + timedelta(days=1))
    assert everybody == before
    async with pool.begin() as tx:
        assert await sign_in_days.sweep(tx, noon + KEPT) == 4


async def test_who_leaves_at_the_first_page_is_counted_as_it_is_forgotten(
    database: OpenDatabase, clock: FakeClock
) -> None:
    async with database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.client (client_id, name, auth_method, redirect_uris, post_logout_redirect_uris,"
                " grant_types, scopes, updated_at) VALUES ('app', '{}', 'none', '{}', '{}', '{}', '{}', now())"
            )
        )
        for number in range(5):
            await tx.execute(
                text(
                    "INSERT INTO idp.login (id, request, client_id, locale, created_at, expires_at, browser_hash, amr,"
                    " came_from, takeover_factor, takes_over, kept, factor_passed, wrong_factors, consent,"
                    " overtaken, given_up, told, remember)"
                    " VALUES (gen_random_uuid(), '{}', 'app', 'ko', :at, :over, decode(repeat('01', 32), 'hex'), '{}',"
                    " CAST(:came AS jsonb), false, false, false, false, 0, 'unasked', false, false, false, false)"
                ),
                {
                    "at": clock.now() - timedelta(hours=1),
                    "over": clock.now() + timedelta(seconds=number - 3),
                    "came": '{"device": "Safari · iPhone"}' if number else None,
                },
            )
    for wanted in (4, 0):
        async with database("worker").begin() as tx:
            assert await logins.sweep(tx, clock.now()) == wanted
    clock.advance(60)
    async with database("worker").begin() as tx:
        assert await logins.sweep(tx, clock.now()) == 1
    async with database("idp").connect() as tx:
        assert sum(one.attempts for one in await sign_in_days.cells(tx, None, DAY, DAY + timedelta(days=1))) == 5
        rows = await tx.execute(text("SELECT platform, attempts, outcome FROM idp.sign_in_day ORDER BY 1"))
        assert [tuple(row) for row in rows] == [("mobile", 4, "left"), ("other", 1, "left")]
