"""Recorded decisions are found by their id, whoever wrote them and whenever; the record itself is never touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from audit import segments
from audit.sealer import Sealer
from audit.segments import SegmentWriter
from audit.verify import verify
from config.connections import Database
from config.entropy import SystemEntropy
from config.sections.engines import Role
from config.settings import Settings
from gateway.proxy.door import correlation_ids
from policy.decision import Effect
from policy.recording import blocks
from policy.recording.copying import FORGET_EVERY, Copier
from policy.recording.finding import Found, Seal, Wanted, find, page
from policy.storage.decisions import RecordedDecisions
from tests.clock import FakeClock

Databases = Callable[[Role], Database]
STORED = RecordedDecisions()
DAY = timedelta(days=1)


def record(correlation_id: str, at: float, **more: object) -> bytes:
    return msgspec.json.encode(
        {
            "at": at, "correlation_id": correlation_id, "effect": "allow", "reasons": ["rule_allows"], "version": 1,
            "winner": "shop", "risk": 0, "signals": [], "obligations": [], "method": "GET", "path": "/orders",
            "route": "r", "zone": "shop", "address": "::1", "sub": "kim", **more,
        }
    )  # fmt: skip


class Gateway:
    """A process that records, under ids of its own."""

    def __init__(self, settings: Settings, clock: FakeClock, **limits: int) -> None:
        clock.advance(0.001)  # segments are named by the moment at which their process began
        self.writer = SegmentWriter(settings, "gateway", clock, **limits)
        self.next_id = correlation_ids(SystemEntropy())
        self.clock = clock

    def decide(self, **more: object) -> str:
        ident = self.next_id()
        self.writer.append(record(ident, self.clock.timestamp(), **more))
        return ident


def copier(settings: Settings, database: Databases, clock: FakeClock, most: int = 2**40) -> Copier:
    folder = segments.folder(settings)
    return Copier(database("policy"), STORED, folder, clock, kept=7 * DAY, most=most)


async def look_up(database: Databases, ident: str) -> Found | None:
    async with database("policy").connect() as tx:
        return await find(STORED, tx, ident)


async def count(database: Databases) -> int:
    async with database("owner").connect() as tx:
        return int((await tx.scalar(text("SELECT count(*) FROM policy.decision_block"))) or 0)


async def test_it_is_found_while_its_segment_is_written_and_once_it_is_sealed(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    one, other = Gateway(settings, clock), Gateway(settings, clock)
    copies = copier(settings, database, clock)
    early = one.decide(path="/early")
    one.writer._flush()
    assert await copies.look() == 1
    late = one.decide(path="/late")
    strange = other.decide(path="/strange")
    for gateway in (one, other):
        gateway.writer._flush()
    assert await copies.look() == 2
    assert await copies.look() == 0
    for ident, path in ((early, "/early"), (late, "/late"), (strange, "/strange")):
        found = await look_up(database, ident)
        assert found is not None
        assert (found.recorded.path, found.recorded.correlation_id, found.seal) == (path, ident, Seal.WAITING)
    assert await look_up(database, "nobody-1") is None
    assert await look_up(database, late + "0") is None
    for gateway in (one, other):
        await gateway.writer.close()
    await Sealer(database("audit"), segments.folder(settings), clock).seal_all()
    assert await copies.look() == 0
    assert await count(database) == 2, "what was copied piece by piece is put together once the segment is closed"
    found = await look_up(database, early)
    assert found is not None
    assert (found.seal, found.sequence) == (Seal.INTACT, 1)
    assert (await verify(settings)).sound


async def test_only_blocks_that_can_have_it_are_looked_into(
    settings: Settings, database: Databases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway(settings, clock)
    idents = [gateway.decide() for _ in range(3 * blocks.LARGEST)]
    held_up = gateway.next_id()  # a request that waits for a store is recorded after later ones
    idents += [gateway.decide() for _ in range(blocks.LARGEST)]
    gateway.writer.append(record(held_up, clock.timestamp(), path="/held-up"))
    await gateway.writer.close()
    assert await copier(settings, database, clock).look() == len(idents) + 1
    unpacked: list[int] = []
    lines = blocks.Block.lines
    monkeypatch.setattr(blocks.Block, "lines", lambda block: unpacked.append(block.first) or lines(block))
    for ident in (idents[0], idents[blocks.LARGEST], idents[-1], held_up):
        unpacked.clear()
        found = await look_up(database, ident)
        assert found is not None
        assert found.recorded.correlation_id == ident
        assert len(unpacked) <= 2, "four thousand are recorded"
    unpacked.clear()
    assert await look_up(database, gateway.next_id()) is None
    assert unpacked == [], "it is beyond all counts there are"


async def test_a_worker_that_starts_again_copies_nothing_twice_and_two_do_no_harm(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    gateway = Gateway(settings, clock, records_per_segment=10)
    idents = []
    first, second = (copier(settings, database, clock) for _ in range(2))
    for _ in range(5):
        idents += [gateway.decide() for _ in range(7)]
        gateway.writer._flush()
        await first.look()
    await second.look()
    await gateway.writer.close()
    await copier(settings, database, clock).look()
    await first.look()
    async with database("policy").connect() as tx:
        stored = await tx.execute(text("SELECT sum(records), count(DISTINCT segment) FROM policy.decision_block"))
        assert tuple(stored.one()) == (len(idents), 3)
    for ident in idents:
        assert await look_up(database, ident) is not None


async def test_a_copy_that_is_not_what_was_sealed_says_so(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    gateway = Gateway(settings, clock)
    ident = gateway.decide(effect="deny")
    await gateway.writer.close()
    await copier(settings, database, clock).look()
    await Sealer(database("audit"), segments.folder(settings), clock).seal_all()
    async with database("policy").connect() as tx:
        (block,) = await STORED.of_segment(tx, next(segments.folder(settings).glob("*.sealed")).stem)
    changed = blocks.pack(block.segment, [line.replace(b'"deny"', b'"bend"') for line in block.lines()])
    async with database("policy").begin() as tx:
        await STORED.replace(tx, block.segment, [msgspec.structs.replace(block, content=changed[0].content)])
    assert await look_up(database, ident) is None, "it cannot be read"
    flipped = blocks.pack(block.segment, [line.replace(b'"kim"', b'"lee"') for line in block.lines()])
    async with database("policy").begin() as tx:
        await STORED.replace(tx, block.segment, flipped)
    found = await look_up(database, ident)
    assert found is not None
    assert found.seal is Seal.DIFFERS


async def test_the_policy_service_may_read_seals_and_change_nothing(settings: Settings, database: Databases) -> None:
    for statement in (
        "UPDATE policy.decision_block SET records = 1",
        "SELECT * FROM audit.record",
        "SELECT leaves FROM audit.segment",
        "DELETE FROM audit.segment",
        "INSERT INTO audit.chain VALUES (1, 1, '', '')",
    ):
        async with database("policy").begin() as tx:
            with pytest.raises(ProgrammingError, match="permission denied"):
                await tx.execute(text(statement))


async def test_what_is_old_or_too_much_is_forgotten_and_the_record_stays(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    old = Gateway(settings, clock)
    ident = old.decide()
    await old.writer.close()
    copies = copier(settings, database, clock)
    await copies.look()
    clock.advance(8 * DAY.total_seconds())
    young = Gateway(settings, clock)
    kept = young.decide()
    await young.writer.close()
    await copies.look()
    assert await look_up(database, ident) is None
    assert await look_up(database, kept) is not None
    assert len(list(segments.folder(settings).glob("*.sealed"))) == 2
    clock.advance(FORGET_EVERY)
    await copier(settings, database, clock, most=10).look()
    assert await look_up(database, kept) is None


async def test_a_list_is_paged_in_order_over_several_gateways(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    since = clock.now()
    gateways = [Gateway(settings, clock, records_per_segment=20) for _ in range(3)]
    told = []
    for number in range(120):
        clock.advance(1)
        effect = "deny" if number % 4 == 0 else "allow"
        gateway = gateways[number % 3]
        told.append((gateway.decide(effect=effect, sub="kim" if number % 2 else "lee"), effect, number))
        if number % 10 == 9:
            for each in gateways:
                each.writer._flush()
    for each in gateways:
        await each.writer.close()
    await copier(settings, database, clock).look()

    async def listed(limit: int, **more: object) -> list[str]:
        wanted, found = Wanted(**{"since": since, "until": clock.now() + DAY, **more}), []  # type: ignore[arg-type] # what a test asks for
        while True:
            async with database("policy").connect() as tx:
                some, after = await page(STORED, tx, wanted, limit)
            found += [one.correlation_id for one in some]
            assert len(some) <= limit
            if after is None:
                return found
            wanted = msgspec.structs.replace(wanted, after=after)

    newest_first = [ident for ident, _, _ in reversed(told)]
    assert await listed(7) == newest_first
    assert await listed(120) == newest_first
    assert await listed(11, effect=Effect.DENY) == [ident for ident, effect, _ in reversed(told) if effect == "deny"]
    assert await listed(50, sub="kim") == [ident for ident, _, number in reversed(told) if number % 2]
    assert await listed(50, zone="elsewhere") == []
    assert await listed(50, until=since + timedelta(seconds=11)) == newest_first[-10:]


def test_ids_of_any_make_have_a_key() -> None:
    assert blocks.key_of("aB_-x-1f") == blocks.Key("aB_-x", 31)
    for other in ("", "corr", "-", "a-", "-1", "a-G", "a-" + "f" * 16, "a-1\n"):
        assert blocks.key_of(other) == blocks.Key(other)


def test_no_folder_is_no_fault(tmp_path: Path) -> None:
    from policy.recording import copying

    assert copying._segments(tmp_path / "nowhere", 0) == []
