"""Publishing, rolling back and loading, on the real engine and by the real roles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from audit import trail
from config.connections import Database
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from jose.keys import KeyRing, SigningKey
from jose.storage.keys import SigningKeys
from policy import demo, versions
from policy.artefact import Policy, RuleEffect
from policy.compiled_versions import take_up
from policy.decide import decide
from policy.decision import Effect
from policy.lint import Fault
from policy.live import LivePolicy
from policy.reasons import Reason
from policy.snapshot import Snapshot, compiled
from policy.storage.versions import PolicyVersions
from tests.clock import FakeClock
from tests.policy.samples import policy, request, rule

STORED = PolicyVersions()
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ACT = versions.Act("u-admin", "a test", AT, "correlation-1")
Databases = Callable[[Role], Database]


def with_rule(rule_id: str) -> Policy:
    """The shipped policy and one rule more."""
    shipped = demo.shipped_policy()
    return policy(
        *shipped.rules,
        rule(rule_id, "/extra", methods=("POST",)),
        zones=shipped.zones,
        roles=shipped.roles,
        inheritance=shipped.inheritance,
    )


async def ring(database: Databases, settings: Settings) -> KeyRing:
    async with database("policy").begin() as tx:
        return await SigningKeys(Envelope.load(settings)).ensure_active(tx, "policy", AT)


async def published(database: Databases, settings: Settings, *policies: Policy) -> list[int]:
    """Publish these one after the other."""
    keys = await ring(database, settings)
    numbers = []
    for each in policies:
        async with database("policy").begin() as tx:
            made, _ = await versions.draft(STORED, tx, each, ACT)
            numbers.append((await versions.publish(STORED, tx, made.number, keys.active, ACT)).number)
    return numbers


def live(database: Databases, settings: Settings, clock: FakeClock) -> LivePolicy:
    keys = SigningKeys(Envelope.load(settings))
    return LivePolicy(database("gateway"), STORED, lambda tx: keys.public_keys(tx, "policy"), clock)


async def test_the_shipped_policy_is_published_once_and_reaches_a_gateway(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    await demo.load(settings, clock)
    await demo.load(settings, clock)
    gateway = live(database, settings, clock)
    assert await gateway.refresh()
    assert gateway.snapshot.version == 1
    assert decide(request("GET", "/products"), gateway.snapshot).effect is Effect.ALLOW


async def test_without_a_version_everything_is_denied(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    gateway = live(database, settings, clock)
    assert not await gateway.refresh()
    decision = decide(request("GET", "/products"), gateway.snapshot)
    assert (decision.effect, decision.reasons) == (Effect.DENY, (Reason.NO_POLICY,))


async def test_publishing_retires_the_former_and_tells_the_outbox_and_the_audit(
    settings: Settings, database: Databases
) -> None:
    first, second = await published(database, settings, with_rule("one"), with_rule("two"))
    async with database("policy").begin() as tx:
        current, former = await STORED.current(tx), await STORED.find(tx, first)
    assert current is not None
    assert former is not None
    assert (current.number, former.state) == (second, "retired")
    async with database("owner").begin() as tx:
        told = [row.payload for row in await tx.execute(text("SELECT payload FROM events.outbox ORDER BY id"))]
        recorded = (
            await tx.execute(text("SELECT kind, actor, subject, details FROM audit.record ORDER BY id DESC LIMIT 1"))
        ).one()
    assert told == [{"version": first}, {"version": second}]
    assert (recorded.kind, recorded.actor) == (trail.Kind.POLICY_PUBLISHED.value, "u-admin")
    assert recorded.details["replaces"] == first


async def test_a_policy_with_faults_is_not_stored(database: Databases) -> None:
    async with database("policy").begin() as tx:
        with pytest.raises(versions.Refused) as refused:
            await versions.draft(STORED, tx, policy(rule("a", effect=RuleEffect.DENY)), ACT)
        assert [finding.fault for finding in refused.value.findings] == [Fault.EMPTY]
        assert await STORED.latest(tx, before=10, limit=10) == []


async def test_an_overtaken_draft_is_not_published(settings: Settings, database: Databases) -> None:
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        early, _ = await versions.draft(STORED, tx, with_rule("early"), ACT)
    await published(database, settings, with_rule("late"))
    async with database("policy").begin() as tx:
        with pytest.raises(versions.Overtaken):
            await versions.publish(STORED, tx, early.number, keys.active, ACT)


async def test_of_many_who_publish_at_once_one_version_stands(settings: Settings, database: Databases) -> None:
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        made = [await versions.draft(STORED, tx, with_rule(f"r{index}"), ACT) for index in range(6)]
    drafts = [version.number for version, _ in made]

    async def publish(number: int) -> bool:
        try:
            async with database("policy").begin() as tx:
                await versions.publish(STORED, tx, number, keys.active, ACT)
        except versions.Overtaken:
            return False
        return True

    outcomes = await asyncio.gather(*(publish(number) for number in drafts))
    async with database("policy").begin() as tx:
        current = await STORED.current(tx)
    assert current is not None
    assert current.number == max(number for number, done in zip(drafts, outcomes, strict=True) if done) == drafts[-1]


async def test_rolling_back_brings_an_older_artefact_under_a_new_number(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    gateway = live(database, settings, clock)
    first, second = await published(database, settings, with_rule("one"), with_rule("two"))
    await gateway.refresh()
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        restored = await versions.roll_back(STORED, tx, first, keys.active, ACT)
        original = await STORED.find(tx, first)
    assert original is not None
    assert (restored.number, restored.restores, restored.sha256) == (second + 1, first, original.sha256)
    assert await gateway.refresh()
    assert gateway.snapshot.version == restored.number


async def test_only_what_was_published_once_can_be_rolled_back_to(settings: Settings, database: Databases) -> None:
    (only,) = await published(database, settings, with_rule("one"))
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        for number in (only, only + 1000):
            with pytest.raises(versions.NoSuchVersion):
                await versions.roll_back(STORED, tx, number, keys.active, ACT)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE policy.compiled SET bytes = :other WHERE number = (SELECT max(number) FROM policy.version)",
        "UPDATE policy.compiled SET bytes = substring(bytes from 1 for length(bytes) - 1)"
        " WHERE number = (SELECT max(number) FROM policy.version)",
        "UPDATE policy.compiled SET bytes = set_byte(bytes, length(bytes) / 2, get_byte(bytes, length(bytes) / 2) # 1)"
        " WHERE number = (SELECT max(number) FROM policy.version)",
        "UPDATE policy.compiled AS fresh SET bytes = former.bytes FROM policy.compiled AS former"
        " WHERE former.number < fresh.number",
        "DELETE FROM policy.compiled",
        "UPDATE policy.version SET signature = 'x.y.z' WHERE state = 'published'",
        "UPDATE policy.version SET signature = (SELECT signature FROM policy.version WHERE state = 'retired') "
        "WHERE state = 'published'",
    ],
)
async def test_an_altered_version_is_refused_and_the_last_good_one_kept(
    settings: Settings, database: Databases, clock: FakeClock, tampering: str
) -> None:
    gateway = live(database, settings, clock)
    (first,) = await published(database, settings, with_rule("one"))
    assert await gateway.refresh()
    await published(database, settings, with_rule("two"))
    other = compiled(policy(rule("everything", "/**", role="*", zone="*")))
    async with database("owner").begin() as tx:
        statement = text(tampering)
        await tx.execute(statement, {"other": other} if ":other" in tampering else {})
    assert not await gateway.refresh()
    assert gateway.snapshot.version == first


async def test_an_older_version_is_refused(settings: Settings, database: Databases, clock: FakeClock) -> None:
    gateway = live(database, settings, clock)
    first, second = await published(database, settings, with_rule("one"), with_rule("two"))
    await gateway.refresh()
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE policy.version SET state = 'retired'"))
        await tx.execute(text("UPDATE policy.version SET state = 'published' WHERE number = :n"), {"n": first})
    assert not await gateway.refresh()
    assert gateway.snapshot.version == second


async def test_a_version_signed_by_another_key_is_refused(settings: Settings, database: Databases) -> None:
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        made, _ = await versions.draft(STORED, tx, with_rule("one"), ACT)
        await versions.publish(STORED, tx, made.number, SigningKey.generate(), ACT)
        with pytest.raises(versions.UntrustedArtefact, match="unknown_key"):
            await take_up(STORED, tx, keys.public, now=AT.timestamp())


async def test_what_a_version_says_cannot_be_changed_by_the_service(settings: Settings, database: Databases) -> None:
    await published(database, settings, with_rule("one"))
    for statement in ("UPDATE policy.version SET why = 'other'", "DELETE FROM policy.version"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database("policy").begin() as tx:
                await tx.execute(text(statement))


async def test_a_gateway_may_only_read(settings: Settings, database: Databases) -> None:
    await published(database, settings, with_rule("one"))
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database("gateway").begin() as tx:
            await tx.execute(text("UPDATE policy.version SET state = 'draft'"))


async def test_a_change_is_taken_up_when_it_is_told(settings: Settings, database: Databases, clock: FakeClock) -> None:
    taken_up: asyncio.Queue[Snapshot] = asyncio.Queue()
    keys = SigningKeys(Envelope.load(settings))
    gateway = LivePolicy(
        database("gateway"), STORED, lambda tx: keys.public_keys(tx, "policy"), clock, taken_up=taken_up.put_nowait
    )
    stop = asyncio.Event()
    following = asyncio.create_task(gateway.follow(stop))
    try:
        (first,) = await published(database, settings, with_rule("one"))
        gateway.changed()
        assert (await asyncio.wait_for(taken_up.get(), 5)).version == first
        (second,) = await published(database, settings, with_rule("two"))
        gateway.changed()
        assert (await asyncio.wait_for(taken_up.get(), 1)).version == second
    finally:
        stop.set()
        await following
