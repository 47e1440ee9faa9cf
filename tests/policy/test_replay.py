"""Replays: what is recorded is decided again, counted exactly, and goes on where a process left it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.connections import Database
from config.entropy import SystemEntropy
from config.sections.engines import Role
from config.settings import Settings
from policy import artefact, replay, replaying, versions
from policy.any_version import AnyVersion
from policy.artefact import Policy, RuleEffect
from policy.decide import decide
from policy.decision import Decision, Effect, StepUp
from policy.recorded import Asked, Recorded
from policy.recording import blocks
from policy.replay import Counts, Fate, Findings, Tally, fate
from policy.replaying import HOLD, Replay, Replayer, as_recorded
from policy.request import AccessRequest
from policy.snapshot import compile_policy
from policy.storage.decisions import RecordedDecisions
from policy.storage.replays import KeptReplays
from policy.storage.versions import PolicyVersions
from tests.clock import FakeClock
from tests.policy import strategies
from tests.policy.samples import MONDAY_NOON, SUBJECT, policy, request, rule

Databases = Callable[[Role], Database]
NOON = datetime.fromtimestamp(MONDAY_NOON, UTC)
OLD = policy(rule("shop"), rule("vendors", role="vendor", path="/stock"))
NEW = policy(rule("shop", path="/shop/**"), rule("vendors", role="vendor", path="/stock"))
"""What customers may do outside of /shop, they lose."""


def recorded(asked: AccessRequest, made: Policy, ident: str, version: int = 1) -> Recorded:
    decision = decide(asked, compile_policy(made, version))
    return Recorded(
        at=asked.at, correlation_id=ident, effect=decision.effect, reasons=decision.reasons, version=version,
        method=asked.method, path=asked.path, route="r", zone=asked.zone, address=asked.facts.address,
        winner=decision.winner, risk=decision.risk, signals=decision.signals, obligations=decision.obligations,
        step_up=decision.step_up, sub=asked.subject.id, org=asked.subject.organisation,
        asked=Asked(asked.subject, asked.facts),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("was", "would_be", "expected"),
    [
        ("allow", "allow", None),
        ("allow", "deny", Fate.LOST),
        ("reduce", "deny", Fate.LOST),
        ("step_up", "deny", Fate.LOST),
        ("deny", "deny", None),
        ("deny", "allow", Fate.GAINED),
        ("deny", "step_up", Fate.GAINED),
        ("step_up", "allow", Fate.GAINED),
        ("allow", "step_up", Fate.ASKED_MORE),
        ("step_up", "step_up", None),
    ],
)
def test_what_becomes_of_somebody(was: str, would_be: str, expected: Fate | None) -> None:
    assert fate(Decision(Effect(was), (), 1), Decision(Effect(would_be), (), 2)) is expected


def test_obligations_and_harder_step_ups_are_changes_and_other_rules_are_none() -> None:
    allowed = Decision(Effect.ALLOW, (), 1, "a")
    assert fate(allowed, Decision(Effect.REDUCE, (), 2, "a", obligations=("mask:x",))) is Fate.CHANGED
    assert fate(allowed, Decision(Effect.ALLOW, (), 2, "b", risk=50)) is None
    asked = Decision(Effect.STEP_UP, (), 1, step_up=StepUp(2))
    assert fate(asked, Decision(Effect.STEP_UP, (), 2, step_up=StepUp(2, 60))) is Fate.ASKED_MORE


@given(strategies.policies(), strategies.policies(), st.lists(strategies.requests, max_size=20))
@settings(max_examples=50, deadline=None)
def test_counts_are_exact_in_every_grouping(old: Policy, new: Policy, asked: list[AccessRequest]) -> None:
    snapshot, tally = compile_policy(new, 2), Tally(Findings())
    expected: Counter[Fate | None] = Counter()
    for number, one in enumerate(asked):
        record = recorded(one, old, f"i-{number}")
        was, would_be = as_recorded(record), decide(one, snapshot)
        expected[fate(was, would_be)] += 1
        tally.add(record, was, would_be)
    found = tally.findings()
    assert found.same == expected[None]
    for each in Fate:
        assert getattr(found.totals, each.value) == expected[each]
        assert sum(member.count for group, member in found.groups if group.fate is each) == expected[each]
        for of in (found.people, found.zones, found.rules):
            assert sum(getattr(counts, each.value) for counts in of.values()) == expected[each]
    assert msgspec.convert(msgspec.to_builtins(found), Findings) == found


def test_memory_is_bounded_and_no_count_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_GROUPS", 10)
    tally = Tally(Findings())
    for number in range(100):
        one = recorded(request(id=f"u-{number}"), OLD, f"i-{number}")
        tally.add(one, as_recorded(one), Decision(Effect.DENY, (), 2))
    found = tally.findings()
    assert found.totals == Counts(lost=100)
    assert len(found.groups) <= 11
    assert sum(member.count for _, member in found.groups) == 100
    assert found.groups[0][0].sub == replay.TOGETHER
    again = Tally(found)  # as after a restart
    one = recorded(request(id="u-new"), OLD, "i-new")
    again.add(one, as_recorded(one), Decision(Effect.DENY, (), 2))
    assert len(again.findings().groups) <= 11
    assert found.people[replay.TOGETHER].lost == 91


@dataclass
class Place:
    """A policy service's database with two versions, records, and somebody who works on jobs."""

    database: Database
    clock: FakeClock
    numbers: tuple[int, int]

    def replayer(self) -> Replayer:
        compiled = AnyVersion(self.database, PolicyVersions())
        return Replayer(self.database, KeptReplays(), RecordedDecisions(), compiled, self.clock)

    async def record(self, segment: str, many: list[Recorded], of_one: int = 10) -> None:
        """As the worker keeps them, in small blocks."""
        lines = [msgspec.json.encode(one) for one in many]
        whole = [b"%d %d %b" % (number, len(body), body) for number, body in enumerate(lines, start=1)]
        async with self.database.begin() as tx:
            for start in range(0, len(whole), of_one):
                await RecordedDecisions().add(tx, blocks.pack(segment, whole[start : start + of_one]))

    async def ask(self, **more: object) -> UUID:
        job = Replay(
            id=SystemEntropy().uuid(), version=self.numbers[1], against=None, since=NOON - timedelta(days=1),
            until=NOON + timedelta(days=1), most=10**6, who="u-admin", why="", asked_at=self.clock.now(),
            state="waiting", of=0, done=0, segment="", sequence=0, findings=Findings(),
        )  # fmt: skip
        job = msgspec.structs.replace(job, **more)
        async with self.database.begin() as tx:
            assert await KeptReplays().ask(tx, job, replaying.MOST_UNFINISHED)
        return job.id

    async def found(self, ident: UUID) -> Replay:
        async with self.database.connect() as tx:
            job = await KeptReplays().find(tx, ident)
        assert job is not None
        return job


@pytest.fixture
async def place(settings: Settings, database: Databases, clock: FakeClock) -> Place:
    numbers = []
    act = versions.Act("u-admin", "a test", clock.now(), "c-1")
    async with database("policy").begin() as tx:
        for made in (OLD, NEW):
            saved = await PolicyVersions().save_draft(tx, artefact.encode(made), author=act.who, why=act.why, at=act.at)
            numbers.append(saved.number)
    return Place(database("policy"), clock, (numbers[0], numbers[1]))


def many(count: int) -> list[Recorded]:
    """Every other request is for what the draft takes away; every tenth is a vendor's."""
    return [
        recorded(
            request(
                path="/stock" if number % 10 == 0 else "/shop/a" if number % 2 else "/else",
                id=f"u-{number % 4}",
                roles=frozenset({"vendor"}) if number % 10 == 0 else SUBJECT.roles,
                at=MONDAY_NOON + number,
            ),
            OLD,
            f"i-{number:x}",
        )
        for number in range(count)
    ]


async def test_who_would_lose_is_told_by_person_role_zone_and_rule(place: Place) -> None:
    await place.record("gateway-1-1-1", many(60))
    await place.record("gateway-2-1-1", many(40))
    ident = await place.ask()
    assert await place.replayer().work()
    job = await place.found(ident)
    assert (job.state, job.done, job.of, job.trouble) == ("done", 100, 100, "")
    assert job.findings.totals == Counts(lost=40)
    assert job.findings.same == 60
    assert job.findings.roles == {"customer": Counts(lost=40)}
    assert job.findings.zones == {"shop": Counts(lost=40)}
    assert job.findings.rules == {"": Counts(lost=40)}
    assert sum(counts.lost for counts in job.findings.people.values()) == 40
    group, member = job.findings.groups[0]
    assert (group.was, group.would_be, group.rule, group.would_be_rule) == (Effect.ALLOW, Effect.DENY, "shop", "")
    assert member.examples[0].startswith("i-")
    assert not await place.replayer().work()


async def test_window_limit_and_the_version_to_compare_with(place: Place) -> None:
    await place.record("gateway-1-1-1", many(60))
    window = await place.ask(since=NOON + timedelta(seconds=15), until=NOON + timedelta(seconds=36))
    few = await place.ask(most=25)
    itself = await place.ask(against=place.numbers[1])
    worker = place.replayer()
    while await worker.work():
        pass
    job = await place.found(window)
    assert (job.done, job.findings.totals.lost + job.findings.same) == (21, 21)
    job = await place.found(few)
    assert (job.done, job.findings.totals.lost + job.findings.same) == (25, 25)
    job = await place.found(itself)
    assert (job.done, job.findings.same) == (60, 60), "by the same version on both sides nothing differs"


async def test_it_goes_on_where_a_process_left_it_and_counts_nothing_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "KEEP_EVERY", 0.0)
    await place.record("gateway-1-1-1", many(100))
    ident = await place.ask()
    decided = replaying._decide
    calls = 0

    def dies(*arguments):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        if calls == 6:
            raise OSError("the machine is gone")
        return decided(*arguments)

    monkeypatch.setattr(replaying, "_decide", dies)
    with pytest.raises(OSError, match="gone"):
        await place.replayer().work()
    job = await place.found(ident)
    assert (job.state, job.done, job.of) == ("running", 50, 100)
    assert not await place.replayer().work(), "whoever held it may live"
    place.clock.advance(HOLD.total_seconds())
    async with place.database.begin() as tx:  # meanwhile its blocks were put together
        store = RecordedDecisions()
        there = await store.of_segment(tx, "gateway-1-1-1")
        lines = [line for block in there for line in block.lines()]
        await store.replace(tx, "gateway-1-1-1", blocks.pack("gateway-1-1-1", lines))
    assert await place.replayer().work()
    job = await place.found(ident)
    assert (job.state, job.done, job.findings.totals.lost + job.findings.same) == ("done", 100, 100)


async def test_who_lost_their_hold_keeps_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "KEEP_EVERY", 0.0)
    await place.record("gateway-1-1-1", many(50))
    ident = await place.ask()
    decided = replaying._decide
    taken = False

    def slow(*arguments):  # type: ignore[no-untyped-def]
        nonlocal taken
        if not taken:
            taken = True
            place.clock.advance(HOLD.total_seconds() + 1)
            return asyncio.run_coroutine_threadsafe(overtaken(*arguments), loop).result()
        return decided(*arguments)

    async def overtaken(*arguments):  # type: ignore[no-untyped-def]
        assert await place.replayer().work()
        return decided(*arguments)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(replaying, "_decide", slow)
    await place.replayer().work()
    job = await place.found(ident)
    assert (job.state, job.done, job.findings.totals.lost + job.findings.same) == ("done", 50, 50)


async def test_asked_to_stop_it_lets_go_at_once(place: Place) -> None:
    await place.record("gateway-1-1-1", many(50))
    ident = await place.ask()
    stop = asyncio.Event()
    stop.set()
    await place.replayer().work(stop)
    assert (await place.found(ident)).state == "running"
    assert await place.replayer().work()
    assert (await place.found(ident)).state == "done"


async def test_a_version_that_cannot_be_compiled_fails_cleanly(place: Place) -> None:
    async with place.database.begin() as tx:
        broken = await PolicyVersions().save_draft(
            tx, b'{"roles":[],"zones":[],"rules":[{"nonsense":1}]}', author="a", why="b", at=place.clock.now()
        )
    ident = await place.ask(version=broken.number)
    assert await place.replayer().work()
    job = await place.found(ident)
    assert job.state == "failed"
    assert "nonsense" in job.trouble
    assert not await place.replayer().work()


async def test_so_many_wait_and_what_is_long_over_is_forgotten(place: Place) -> None:
    first = await place.ask()
    for _ in range(replaying.MOST_UNFINISHED - 1):
        await place.ask()
    with pytest.raises(AssertionError):
        await place.ask()
    worker = place.replayer()
    while await worker.work():
        pass
    assert (await place.found(first)).state == "done"
    place.clock.advance((replaying.KEPT + timedelta(days=1)).total_seconds())
    await worker.work()
    with pytest.raises(AssertionError):
        await place.found(first)


async def test_an_old_record_is_counted_as_skipped(place: Place) -> None:
    old = [msgspec.structs.replace(one, asked=None) for one in many(5)]
    await place.record("gateway-1-1-1", [*old, *many(3)])
    ident = await place.ask()
    await place.replayer().work()
    assert (await place.found(ident)).findings.skipped == 5


def test_rules_of_the_draft_are_what_is_counted() -> None:
    closed = policy(rule("closed", priority=1, effect=RuleEffect.DENY), rule("shop"))
    one, tally = recorded(request(), OLD, "i-1"), Tally(Findings())
    tally.add(one, as_recorded(one), decide(request(), compile_policy(closed, 2)))
    assert tally.findings().rules == {"closed": Counts(lost=1)}
