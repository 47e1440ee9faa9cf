"""What people say of a way in decides whether its phase reaches more of them: the marks, through to the acts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from config.connections import Valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from idp.programme_worker import build_worker
from idp.rollout.changes import By
from idp.rollout.leading import Leading
from idp.rollout.methods import Method as Way
from idp.rollout.phases import Demand, NotNow, Phase, Thresholds, Why
from idp.rollout.programme import Programme
from idp.storage import feedback, phase_people, phase_records, programmes
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import HOUSE, add_person
from tests.idp.rollout.values import DAY, NOW, programme

BY = By("an admin", "enough of them like it", "a correlation")


@pytest.fixture
def leading(clock: FakeClock) -> Leading:
    return Leading(programmes, phase_records, phase_people, clock, SystemEntropy())


async def piloting(database: OpenDatabase, *names: str) -> tuple[Programme, Phase, list[UUID]]:
    """A phase of passkeys that pilots with a mean of 3.5 to reach, and people whom it has taken in."""
    made, cohort, one = programme(
        kind="passwordless",
        state="piloting",
        share=25,
        begun_at=NOW,
        demand=Demand(methods=("passkey",)),
        thresholds=Thresholds(min_feedback=3.5),
    )
    async with database("idp").begin() as tx:
        people = [(await add_person(tx, name)).id for name in names]
        await programmes.add(tx, made, [cohort], [one], NOW)
        for person in people:
            await phase_people.ask(tx, [one.id], person, NOW)
    return made, one, people


async def say(
    database: OpenDatabase, person: UUID, score: int, way: Way = "passkey", after: timedelta = timedelta(0)
) -> None:
    async with database("idp").begin() as tx:
        await feedback.add(
            tx,
            ident=uuid4(),
            user_id=person,
            organisation_id=HOUSE,
            method=way,
            at=NOW + after,
            score=score,
            sealed_text=None,
        )


async def test_a_phase_is_widened_once_the_mean_is_reached_and_not_before(
    leading: Leading, database: OpenDatabase, clock: FakeClock
) -> None:
    made, one, (mina, jun) = await piloting(database, "mina", "jun")
    async with database("idp").begin() as tx:
        stranger = (await add_person(tx, "stranger")).id

    async def widen() -> Phase:
        async with database("idp").begin() as tx:
            return await leading.act(tx, made, one.id, "widen", BY, share=100)

    clock.advance(60)
    with pytest.raises(NotNow) as held:
        await widen()
    assert held.value.why is Why.FEEDBACK, "nobody said anything yet"
    await say(database, mina, 3)
    await say(database, mina, 5, after=-DAY)  # before it began
    await say(database, jun, 5, "password")  # of another way in
    await say(database, stranger, 5)  # whom it has not reached
    async with database("idp").connect() as tx:
        (view,) = await leading.look(tx, made)
    assert view.measured.feedback == 3.0
    assert view.acts["widen"] is Why.FEEDBACK
    with pytest.raises(NotNow):
        await widen()
    await say(database, jun, 4)  # (3 + 4) / 2
    widened = await widen()
    assert (widened.share, widened.state) == (100, "running")
    async with database("idp").connect() as tx:
        (event, *_) = await phase_records.events(tx, one.id, None, 10)
    assert event.act == "widen"


async def test_the_worker_holds_back_at_the_date_until_the_mean_is_reached(
    database: OpenDatabase, settings: Settings, valkey: Valkey, clock: FakeClock
) -> None:
    made, one, (mina, jun) = await piloting(database, "mina", "jun")
    async with database("idp").begin() as tx:
        claimed = await programmes.find(tx, made.id, claim=True)
        assert claimed is not None
        await Leading(programmes, phase_records, phase_people, clock, SystemEntropy()).start(tx, claimed, BY)
    worker = build_worker(settings, database("idp"), valkey, clock)
    await say(database, mina, 2)
    clock.advance(8 * 86400)

    async def at() -> tuple[str, list[str]]:
        clock.advance(60)
        await worker.step()
        async with database("idp").connect() as tx:
            (phase,) = await programmes.phases(tx, made.id)
            events = await phase_records.events(tx, one.id, None, 10)
        return phase.state, [str(event.details.get("because", event.act)) for event in events]

    assert await at() == ("piloting", ["feedback"])
    assert await at() == ("piloting", ["feedback"]), "it is recorded once"
    await say(database, jun, 5)  # (2 + 5) / 2
    state, acts = await at()
    assert (state, acts[0]) == ("enforced", "enforce")
