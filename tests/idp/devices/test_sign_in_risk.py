"""What is usual, learned from the history on a real PostgreSQL: each row once, in order, by one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select

from config.connections import Database
from config.recollection import Recollection
from config.sections.engines import Role
from idp.devices.sign_in_history import CameFrom, Outcome, SignIn
from idp.devices.sign_in_learning import AT_ONCE, learn
from idp.devices.sign_in_risk import ENOUGH_SEEN, NOT_ODD, SignInRisk
from idp.risk_worker import catch_up
from idp.storage import sign_in_history, sign_in_risk
from idp.storage.account_tables import sign_in_learning
from tests.clock import FakeClock
from tests.idp.people import add_person

Open = Callable[[Role], Database]
PHONE = uuid4()
HOME = CameFrom(PHONE, "Chrome · Android", "Chrome", "198.51.100.7", "KR", "Home Telecom")
ABROAD = CameFrom(None, "Opera · Linux", "Opera", "203.0.113.9", "BR", "Elsewhere")


async def come(
    database: Database, user: UUID, clock: FakeClock, visit: CameFrom = HOME, outcome: Outcome = "signed_in"
) -> None:
    clock.advance(60)
    async with database.begin() as tx:
        await sign_in_history.add(
            tx,
            SignIn(
                id=uuid4(),
                user_id=user,
                at=clock.now(),
                outcome=outcome,
                amr=("pwd",),
                client_id="app",
                sid=None,
                device_id=visit.device_id,
                device_label=visit.device_label,
                browser=visit.browser,
                place=visit.place,
                network=visit.network,
                ip=visit.ip,
            ),
        )


async def somebody(database: Database, name: str = "mina") -> UUID:
    async with database.begin() as tx:
        return (await add_person(tx, name)).id


async def crowded(database: Database, clock: FakeClock, number: int = ENOUGH_SEEN) -> UUID:
    """So many sign-ins of somebody else."""
    other = await somebody(database, "other")
    for _ in range(number):
        await come(database, other, clock, CameFrom(uuid4(), "Safari · macOS", "Safari", "192.0.2.1", "KR", "Cable"))
    return other


async def test_learns_each_row_once_however_many_learn(database: Open, clock: FakeClock) -> None:
    idp = database("idp")
    user = await somebody(idp)
    for _ in range(5):
        await come(idp, user, clock)
    await come(idp, user, clock, ABROAD, "failed")
    clock.advance(60)
    stop = asyncio.Event()
    assert sum(await asyncio.gather(*(catch_up(idp, clock, stop) for _ in range(4)))) == 5
    assert await catch_up(idp, clock, stop) == 0
    async with idp.connect() as tx:
        learned = await sign_in_risk.learned(tx)
        assert (await tx.execute(select(func.count()).select_from(sign_in_learning))).scalar_one() == 1
    assert learned is not None
    assert round(learned.population.sign_ins) == 5
    assert set(learned.population.counts["country"]) == {"KR"}


async def test_what_is_not_settled_yet_is_learned_later(database: Open, clock: FakeClock) -> None:
    idp = database("idp")
    await come(idp, await somebody(idp), clock)
    async with idp.begin() as tx:
        assert await learn(tx, sign_in_risk, clock.now()) == 0
    clock.advance(30)
    async with idp.begin() as tx:
        assert await learn(tx, sign_in_risk, clock.now()) == 1


async def test_more_than_a_batch_is_learned_in_several(database: Open, clock: FakeClock) -> None:
    idp = database("idp")
    await crowded(idp, clock, AT_ONCE + 3)
    clock.advance(60)
    assert await catch_up(idp, clock, asyncio.Event()) == AT_ONCE + 3


async def test_nobody_is_odd_before_enough_was_seen_and_then_whoever_comes_from_abroad(
    database: Open, clock: FakeClock
) -> None:
    idp = database("idp")
    user = await somebody(idp)
    await crowded(idp, clock, ENOUGH_SEEN - 31)
    for _ in range(30):
        await come(idp, user, clock)
    risks = SignInRisk(sign_in_risk, Recollection(clock))

    async def of(who: UUID, visit: CameFrom) -> int:
        clock.advance(61)  # what was learned is read once a minute
        await catch_up(idp, clock, asyncio.Event())
        async with idp.connect() as tx:
            return (await risks.of(tx, who, visit, clock.now())).risk

    assert await of(user, ABROAD) == NOT_ODD.risk
    for _ in range(5):
        await come(idp, user, clock)
    assert await of(user, ABROAD) > 60
    assert await of(user, HOME) < 10
    assert await of(await somebody(idp, "new"), ABROAD) == 0
    assert await of(uuid4(), ABROAD) == 0


async def test_failures_count_for_an_hour(database: Open, clock: FakeClock) -> None:
    idp = database("idp")
    user = await somebody(idp)
    await come(idp, user, clock)
    for _ in range(3):
        await come(idp, user, clock, ABROAD, "failed")
    async with idp.connect() as tx:
        at = clock.now() + timedelta(seconds=1)
        assert (await sign_in_risk.usual(tx, user, at)).failed == 3
        assert (await sign_in_risk.usual(tx, user, at + timedelta(hours=1))).failed == 0
        latest = (await sign_in_risk.usual(tx, user, at)).latest
    assert [one.device for one in latest] == [str(PHONE)]
