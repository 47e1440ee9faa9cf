"""Live requests decided a second time: beside the way, by what was signed for it, and counted by all gateways."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from config.envelope import Envelope
from config.settings import Settings
from gateway.callers.caller import Decided
from gateway.decision import shadowing as module
from gateway.decision.shadow_metrics import ShadowMetrics
from gateway.decision.shadow_upkeep import ShadowUpkeep
from gateway.decision.shadowing import Shadowing
from gateway.exchange import Forward
from jose.keys import KeyRing, PublicKeys, SigningKey
from jose.storage.keys import SigningKeys
from policy import shadow, versions
from policy.artefact import Policy, RuleEffect
from policy.compiled_versions import take_up
from policy.decide import decide
from policy.decision import Decision
from policy.request import AccessRequest, Measured, MeasureEffect
from policy.shadow import Count, Report, Shadow
from policy.snapshot import Snapshot, compile_policy
from policy.storage.shadows import PolicyShadows
from policy.storage.versions import PolicyVersions
from tests.clock import FakeClock
from tests.gateway.rig import Rig, bearer, head
from tests.policy.samples import FACTS, MONDAY_NOON, SUBJECT, policy, request, rule
from tests.policy.test_versions import ACT, AT, Databases, published, ring, with_rule

OPEN = policy(rule("reads", methods=("GET",)), rule("orders", "/orders", methods=("POST",)))
CLOSED = policy(
    rule("reads", methods=("GET",), obligations=("mask:price",)),
    rule("no.orders", "/orders", methods=("POST",), effect=RuleEffect.DENY),
)
STORED, SHADOWS = PolicyVersions(), PolicyShadows()


def cast(version: Policy = CLOSED, *, share: float = 1.0, clock: FakeClock, seconds: float = 600) -> Shadowing:
    """A shadow of this policy from now on."""
    shadowing = Shadowing(clock)
    now = clock.now()
    until = now + timedelta(seconds=seconds)
    shadowing.begin(Shadow(7, 2, "", "", share, "u-admin", "a test", now, until), compile_policy(version, 2))
    return shadowing


def decided(method: str = "GET", path: str = "/products", by: Snapshot | None = None) -> Decided:
    by = by or compile_policy(OPEN, 1)
    return Decided(decide(request(method, path), by), MONDAY_NOON, FACTS, SUBJECT)


def seen(shadowing: Shadowing) -> set[Count]:
    return set(shadowing.take().get(7, ()))


async def test_what_would_be_decided_otherwise_is_counted_with_an_example(clock: FakeClock) -> None:
    shadowing = cast(clock=clock)
    for index in range(3):
        shadowing.saw(decided("POST", "/orders"), "shop", "POST", "/orders", f"order-{index}")
        shadowing.saw(decided(), "shop", "GET", "/products", f"read-{index}")
    shadowing.saw(decided("POST", "/nothing"), "shop", "POST", "/nothing", "nothing-0")
    shadowing.look(100)
    assert seen(shadowing) == {
        Count("allow", "deny", "shop", "no.orders", False, 3, "order-0"),
        Count("allow", "reduce", "shop", "reads", False, 3, "read-0"),
        Count("deny", "deny", "shop", "", True, 1, "nothing-0"),
    }
    assert seen(shadowing) == set()


async def test_what_stands_above_the_policy_stands_above_its_shadow_too(clock: FakeClock) -> None:
    denies = Measured("a-measure", MeasureEffect.DENY, MONDAY_NOON - 60, MONDAY_NOON + 600)
    by = compile_policy(OPEN, 1)
    asked = msgspec.structs.replace(request("GET", "/products"), measures=(denies,))
    shadowing = cast(OPEN, clock=clock)
    shadowing.saw(Decided(decide(asked, by), MONDAY_NOON, FACTS, SUBJECT), "shop", "GET", "/products", "read-0")
    shadowing.look(100)
    assert seen(shadowing) == {Count("deny", "deny", "shop", "", True, 1, "read-0")}


async def test_a_rule_that_decides_no_more_is_named(clock: FakeClock) -> None:
    shadowing = cast(policy(rule("reads", methods=("GET",))), clock=clock)
    shadowing.saw(decided("POST", "/orders"), "shop", "POST", "/orders", "order-0")
    shadowing.look(100)
    assert seen(shadowing) == {Count("allow", "deny", "shop", "orders", False, 1, "order-0")}


async def test_nothing_is_looked_at_before_the_answer_was_given(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: asyncio.Queue[AccessRequest] = asyncio.Queue()

    def asking(request: AccessRequest, snapshot: Snapshot) -> Decision:
        asked.put_nowait(request)
        return decide(request, snapshot)

    monkeypatch.setattr(module, "decide", asking)
    shadowing = cast(clock=clock)
    shadowing.saw(decided(), "shop", "GET", "/products", "read-0")
    assert asked.empty()
    one = await asyncio.wait_for(asked.get(), 10)
    assert (one.method, one.path, one.at) == ("GET", "/products", MONDAY_NOON)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.25, 0.5, 1.0])
async def test_a_share_is_that_share_whatever_the_pattern_of_the_traffic(clock: FakeClock, share: float) -> None:
    shadowing = cast(share=share, clock=clock)
    one, other = decided(), decided("POST", "/orders")
    rounds = 2000
    for _ in range(rounds):
        shadowing.saw(one, "shop", "GET", "/products", "r")
        shadowing.saw(other, "shop", "POST", "/orders", "o")
        shadowing.look(2)
    counted = {count.would_be: count.count for count in seen(shadowing)}
    for effect in ("reduce", "deny"):
        assert counted.get(effect, 0) == pytest.approx(share * rounds, abs=3)


async def test_nothing_is_done_while_nothing_is_shadowed_nor_after_its_time(clock: FakeClock) -> None:
    idle = Shadowing(clock)
    idle.saw(decided(), "shop", "GET", "/products", "r")
    assert (idle.shadowed, idle.take()) == (0, {})
    shadowing = cast(clock=clock, seconds=60)
    clock.advance(59.999)
    shadowing.saw(decided(), "shop", "GET", "/products", "r")
    shadowing.look(1)
    assert len(seen(shadowing)) == 1
    shadowing.saw(decided(), "shop", "GET", "/products", "r")
    clock.advance(0.001)
    shadowing.look(1)
    assert (shadowing.shadowed, shadowing.take()) == (0, {})


async def test_what_waits_and_what_is_counted_is_bounded(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    monkeypatch.setattr(module, "MOST_KINDS", 2)
    rules = [rule(f"deny{index}", f"/{index}", effect=RuleEffect.DENY) for index in range(10)]
    shadowing = cast(policy(*rules), clock=clock)
    for index in range(25):
        shadowing.saw(decided("GET", f"/{index % 10}"), "shop", "GET", f"/{index % 10}", f"c{index}")
    assert told(shadowing) == {("dropped",): 15, ("made",): 0, (): 10}
    shadowing.look(100)
    assert told(shadowing) == {("dropped",): 15, ("made",): 10, (): 0}
    assert seen(shadowing) == {
        Count("allow", "deny", "shop", "deny0", False, 1, "c0"),
        Count("allow", "deny", "shop", "deny1", False, 1, "c1"),
        Count("allow", "deny", "shop", "", False, 8, "c2"),
    }


def told(shadowing: Shadowing) -> dict[tuple[str, ...], float]:
    """What Prometheus is told, by the values of its labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for metric in ShadowMetrics(shadowing).collect()
        for sample in metric.samples
    }


async def begun(
    database: Databases, settings: Settings, number: int, *, key: SigningKey | None = None, at: datetime = AT
) -> Shadow:
    key = key or (await ring(database, settings)).active
    async with database("policy").begin() as tx:
        return await shadow.begin(STORED, SHADOWS, tx, number, key, act(at), share=1.0, seconds=600)


def act(at: datetime) -> versions.Act:
    return msgspec.structs.replace(ACT, at=at)


async def report(database: Databases, number: int, at: datetime) -> Report:
    async with database("policy").begin() as tx:
        return await shadow.report(SHADOWS, tx, number, at)


async def drafted(database: Databases, settings: Settings) -> int:
    """Something is published, and a draft on top of it denies what is published."""
    await published(database, settings, with_rule("one"))
    async with database("policy").begin() as tx:
        current = await versions.published_policy(STORED, tx)
        assert current is not None
        denied = rule("closed", "/products", priority=0, effect=RuleEffect.DENY)
        made, _ = await versions.draft(
            STORED, tx, msgspec.structs.replace(current, rules=(*current.rules, denied)), ACT
        )
    return made.number


def upkeep(database: Databases, settings: Settings, clock: FakeClock, shadowing: Shadowing) -> ShadowUpkeep:
    keys = SigningKeys(Envelope.load(settings))

    async def policy_keys(tx: object) -> PublicKeys:
        return await keys.public_keys(tx, "policy")  # type: ignore[arg-type]

    return ShadowUpkeep(database("gateway"), STORED, SHADOWS, policy_keys, clock, shadowing)


async def test_several_gateways_take_it_up_and_count_together(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    number = await drafted(database, settings)
    await begun(database, settings, number, at=clock.now())
    async with database("gateway").begin() as tx:
        live = await take_up(STORED, tx, (await ring(database, settings)).public, now=AT.timestamp())
    assert live is not None
    for index in range(2):
        shadowing = Shadowing(clock)
        kept = upkeep(database, settings, clock, shadowing)
        await kept.look()
        for path in ("/products", "/products", "/other"):
            shadowing.saw(decided("GET", path, live), "shop", "GET", path, f"{index}{path}")
        shadowing.look(10)
        await kept.write()
        await kept.write()  # nothing is written twice
    told = await report(database, number, clock.now())
    assert (told.running, told.decided, told.same) == (True, 6, 2)
    assert [(each.was, each.would_be, each.zone, each.rule, each.count) for each in told.differing] == [
        ("allow", "deny", "shop", "closed", 4)
    ]
    assert told.differing[0].example_decision_id == "0/products"


async def test_what_cannot_be_written_is_kept_for_the_next_time(
    settings: Settings, database: Databases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await drafted(database, settings)
    await begun(database, settings, number, at=clock.now())
    shadowing = Shadowing(clock)
    kept = upkeep(database, settings, clock, shadowing)
    await kept.look()
    shadowing.saw(decided(), "shop", "GET", "/products", "c-1")
    shadowing.look(1)
    with monkeypatch.context() as patch:

        async def away(self: object, *given: object) -> None:
            raise OperationalError("", {}, Exception("away"))

        patch.setattr(PolicyShadows, "add", away)
        with pytest.raises(OperationalError):
            await kept.write()
    await kept.write()
    assert (await report(database, number, clock.now())).decided == 1


async def test_it_ends_with_its_time_and_with_what_it_is_of(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    number = await drafted(database, settings)
    shadowing = Shadowing(clock)
    kept = upkeep(database, settings, clock, shadowing)
    await begun(database, settings, number, at=clock.now())
    await kept.look()
    assert shadowing.shadowed
    async with database("policy").begin() as tx:
        await shadow.end(STORED, tx, number, act(clock.now()))
    await kept.look()
    assert not shadowing.shadowed
    await begun(database, settings, number, at=clock.now())
    await kept.look()
    assert shadowing.shadowed
    clock.advance(600)
    await kept.look()
    assert not shadowing.shadowed
    assert (await report(database, number, clock.now())).running is False


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE policy.compiled SET bytes = overlay(bytes placing 'x' from 9)",
        "UPDATE policy.compiled SET bytes = (SELECT bytes FROM policy.compiled ORDER BY number LIMIT 1)",
        "DELETE FROM policy.compiled",
        "UPDATE policy.shadow SET signature = 'x.y.z'",
        "UPDATE policy.shadow SET signature = (SELECT signature FROM policy.version WHERE state = 'published')",
        "UPDATE policy.shadow SET version = (SELECT number FROM policy.version WHERE state = 'published')",
    ],
)
async def test_what_was_not_signed_for_it_is_not_shadowed(
    settings: Settings, database: Databases, clock: FakeClock, tampering: str
) -> None:
    number = await drafted(database, settings)
    await begun(database, settings, number, at=clock.now())
    async with database("owner").begin() as tx:
        await tx.execute(text(tampering))
    shadowing = Shadowing(clock)
    await upkeep(database, settings, clock, shadowing).look()
    assert not shadowing.shadowed


async def test_a_shadow_makes_no_policy(settings: Settings, database: Databases, clock: FakeClock) -> None:
    """Its signature, put where a published version's stands, is refused."""
    number = await drafted(database, settings)
    await begun(database, settings, number, at=clock.now())
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE policy.version SET state = 'retired' WHERE state = 'published'"))
        await tx.execute(
            text(
                "UPDATE policy.version SET state = 'published', publisher = 'x', published_at = now(), "
                "signature = (SELECT signature FROM policy.shadow) WHERE state = 'draft'"
            )
        )
    keys: KeyRing = await ring(database, settings)
    async with database("gateway").begin() as tx:
        with pytest.raises(versions.UntrustedArtefact):
            await take_up(STORED, tx, keys.public, now=clock.timestamp())


async def test_a_gateway_only_counts(settings: Settings, database: Databases, clock: FakeClock) -> None:
    number = await drafted(database, settings)
    await begun(database, settings, number, at=clock.now())
    for statement in (
        "UPDATE policy.shadow SET ended_at = now()",
        "INSERT INTO policy.history (at, act, version, sha256, who, why) VALUES (now(), 'edited', 1, '', 'x', '')",
        "DELETE FROM policy.shadow_count",
        "UPDATE policy.shadow_count SET rule = 'other'",
        "SELECT * FROM policy.approval",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database("gateway").begin() as tx:
                await tx.execute(text(statement))


async def test_the_pipeline_tells_of_what_it_answered(rig: Rig) -> None:
    denied = msgspec.structs.replace(CLOSED, rules=(rule("no", "/**", role="customer", effect=RuleEffect.DENY),))
    rig.pipeline.shadowing = cast(denied, clock=rig.clock)
    await rig.project()
    assert isinstance(await rig.ask(head("/products", headers=(bearer(rig.token()),))), Forward)
    rig.pipeline.shadowing.look(10)
    assert seen(rig.pipeline.shadowing) == {Count("allow", "deny", "shop", "no", False, 1, "corr-1")}
