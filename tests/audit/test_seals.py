"""Segments and seals: what a tamperer did is named; what a crash left is closed; writers wait for nobody."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import asyncpg
import msgspec
import pytest

from audit import sealer, segments
from audit.sealer import Sealer
from audit.segments import AuditUnavailable, SegmentWriter
from audit.trail import AuditEvent, Kind, record
from audit.verify import Fault, verify


def event(number: int) -> AuditEvent:
    return AuditEvent(kind=Kind.SIGN_IN_SUCCEEDED, correlation_id=f"c{number}", subject=f"person-{number}")


async def write(settings, clock, count, **limits):
    writer = SegmentWriter(settings, "gateway", clock, **limits)
    for number in range(count):
        writer.append(msgspec.json.encode({"path": f"/items/{number}", "effect": "allow"}))
        if number % 10 == 9:
            await asyncio.sleep(0.012)  # past one flush, so that segments fill up one after another
    await writer.close()


@pytest.fixture
async def sealed(settings, database, clock):
    """Three segments of ten decisions and two ranges of three records, all in the chain."""
    await write(settings, clock, 30, records_per_segment=10)
    for batch in range(2):
        async with database("idp").begin() as tx:
            for number in range(3):
                await record(tx, event(10 * batch + number))
        await seal_all(database("audit"), segments.folder(settings), clock)
    report = await verify(settings)
    assert (report.sound, report.entries, report.files, report.records) == (True, 5, 3, 36)
    return settings


async def seal_all(database, folder, clock):
    await Sealer(database, folder, clock).seal_all()


def files(settings, ending=segments.SEALED):
    return sorted(segments.folder(settings).glob(f"*{ending}"))


async def as_owner(settings, statement):
    connection = await asyncpg.connect(
        settings.database_url("owner").replace("+asyncpg", "").replace("munjigi_owner@", "munjigi_owner@")
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def first_finding(settings):
    report = await verify(settings)
    assert not report.sound
    return report.findings[0]


async def test_nothing_recorded_is_sound(settings):
    assert (await verify(settings)).sound


async def test_a_changed_byte_is_named(sealed):
    path = files(sealed)[1]
    path.write_bytes(path.read_bytes().replace(b'"/items/14","effect":"allow"', b'"/items/14","effect":"allew"'))
    finding = await first_finding(sealed)
    assert (finding.fault, finding.where) == (Fault.RECORD_CHANGED, path.stem)
    assert "record 15, at place 5" in finding.detail


async def test_a_dropped_line_is_named(sealed):
    path = files(sealed)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    finding = await first_finding(sealed)
    assert (finding.fault, finding.where) == (Fault.RECORD_MISSING, path.stem)
    assert "at place 4" in finding.detail


async def test_the_last_line_dropped_is_named(sealed):
    path = files(sealed)[0]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    finding = await first_finding(sealed)
    assert finding.fault is Fault.RECORD_MISSING or finding.fault is Fault.RECORD_CHANGED
    assert "at place 10" in finding.detail


async def test_an_added_line_is_named(sealed):
    path = files(sealed)[2]
    path.write_bytes(path.read_bytes() + b"31 2 {}\n")
    finding = await first_finding(sealed)
    assert (finding.fault, finding.where) == (Fault.RECORD_ADDED, path.stem)


async def test_a_dropped_file_is_named(sealed):
    path = files(sealed)[1]
    path.unlink()
    finding = await first_finding(sealed)
    assert (finding.fault, finding.where) == (Fault.FILE_MISSING, path.stem)


async def test_leaf_hashes_made_to_fit_are_found_out(sealed):
    path = files(sealed)[1]
    path.write_bytes(path.read_bytes().replace(b"allow", b"denyy"))
    from audit import merkle, segment_file

    folder = segments.folder(sealed)
    segment_file.write_leaves(folder, path.stem, merkle.leaf_hashes(segment_file.read(folder, path.stem).lines))
    assert (await first_finding(sealed)).fault is Fault.SEGMENT_CHANGED


async def test_a_file_dropped_before_it_was_sealed_is_a_gap(settings, database, clock):
    await write(settings, clock, 30, records_per_segment=10)
    gone = files(settings)[1]
    gone.unlink()
    await seal_all(database("audit"), segments.folder(settings), clock)
    finding = await first_finding(settings)
    assert (finding.fault, finding.where) == (Fault.SEGMENT_MISSING, gone.stem)


@pytest.mark.parametrize(
    ("statement", "fault", "named"),
    [
        ("UPDATE audit.record SET actor = 'x' WHERE subject = 'person-11'", Fault.RECORD_CHANGED, "audit.record 5"),
        ("DELETE FROM audit.record WHERE subject = 'person-1'", Fault.RECORD_MISSING, "before audit.record 3"),
        ("INSERT INTO audit.record (transaction, kind, actor, subject, sid, details, correlation_id)"
         " SELECT transaction, kind, 'x', 'x', 'x', '{}', 'x' FROM audit.record WHERE id = 1",
         Fault.RECORD_ADDED, "at place 4"),
        ("UPDATE audit.segment SET records = 11 WHERE id = 2", Fault.CHAIN_BROKEN, "not that of gateway"),
        ("UPDATE audit.segment SET root = sha256('x') WHERE id = 2", Fault.CHAIN_BROKEN, "as stored"),
        ("UPDATE audit.chain SET previous = sha256('x') WHERE position = 3",
         Fault.CHAIN_BROKEN, "does not follow"),
        ("DELETE FROM audit.chain WHERE position = 2", Fault.CHAIN_GAP, "entry 2 is missing"),
    ],
)  # fmt: skip
async def test_what_the_owner_of_the_database_did_is_named(sealed, statement, fault, named):
    await as_owner(sealed, statement)
    finding = await first_finding(sealed)
    assert finding.fault is fault
    assert named in finding.detail


async def test_a_late_commit_is_sealed_after_an_early_one(settings, database, clock):
    """Numbers are given at insert: the earlier transaction commits later and is not skipped, and nobody waits."""
    audit, folder = database("audit"), segments.folder(settings)
    async with database("idp").connect() as slow:
        await record(slow, event(1))
        async with database("idp").begin() as quick:
            await record(quick, event(2))
        await seal_all(audit, folder, clock)
        assert (await verify(settings)).records == 0  # the slow one is not over: no range may reach past it
        await slow.commit()
    await seal_all(audit, folder, clock)
    report = await verify(settings)
    assert (report.sound, report.records) == (True, 2)


async def test_a_savepoint_belongs_to_its_transaction(settings, database, clock):
    async with database("idp").begin() as tx:
        async with tx.begin_nested():
            await record(tx, event(1))
        await record(tx, event(2))
    await seal_all(database("audit"), segments.folder(settings), clock)
    assert (await verify(settings)).records == 2


async def test_a_long_trail_is_sealed_in_ranges(settings, database, clock, monkeypatch):
    monkeypatch.setattr(sealer, "RECORDS_PER_RANGE", 4)
    for batch in range(4):
        async with database("idp").begin() as tx:
            for number in range(3 if batch else 9):
                await record(tx, event(number))
    await seal_all(database("audit"), segments.folder(settings), clock)
    report = await verify(settings)
    assert (report.sound, report.records) == (True, 18)
    assert report.entries > 2


async def test_two_sealers_make_one_chain(settings, database, clock):
    await write(settings, clock, 40, records_per_segment=10)
    async with database("idp").begin() as tx:
        await record(tx, event(1))
    folder = segments.folder(settings)
    await asyncio.gather(*(seal_all(database("audit"), folder, clock) for _ in range(4)))
    report = await verify(settings)
    assert (report.sound, report.entries, report.files) == (True, 5, 4)


CRASHES = """
import asyncio, os, sys
from pathlib import Path
import msgspec
from audit.segments import SegmentWriter
from config.clock import SystemClock
from config.settings import Settings

async def main():
    writer = SegmentWriter(Settings(var=Path(sys.argv[1])), "gateway", SystemClock())
    for number in range(7):
        writer.append(msgspec.json.encode({"n": number}))
    await asyncio.sleep(0.05)
    sys.stdout.write("written"); sys.stdout.flush()
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_dead_writers_segment_is_closed_and_a_living_ones_is_not(settings, database, clock):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASHES, str(settings.var), stdout=subprocess.PIPE
    )
    assert await process.stdout.readexactly(7) == b"written"
    await seal_all(database("audit"), segments.folder(settings), clock)
    assert (await verify(settings)).entries == 0
    process.send_signal(signal.SIGKILL)
    await process.wait()
    (path,) = files(settings, segments.OPEN)
    with path.open("ab") as file:
        file.write(b'8 100 {"n')  # a line that the machine's death tore
    await seal_all(database("audit"), segments.folder(settings), clock)
    report = await verify(settings)
    assert (report.sound, report.entries, report.records) == (True, 1, 7)
    (path,) = files(settings)
    path.write_bytes(path.read_bytes()[:-2])
    assert (await first_finding(settings)).fault is Fault.RECORD_CHANGED


async def test_a_record_is_in_the_file_within_ten_milliseconds(settings, clock):
    writer = SegmentWriter(settings, "gateway", clock)
    writer.append(msgspec.json.encode({"n": 1}))
    assert files(settings, segments.OPEN) == []
    await asyncio.sleep(0.01)
    (path,) = files(settings, segments.OPEN)
    assert path.read_bytes() == b'1 7 {"n":1}\n'
    await writer.close()


async def test_a_segment_closes_by_its_age(settings, clock):
    writer = SegmentWriter(settings, "gateway", clock, seconds_per_segment=0.02)
    writer.append(msgspec.json.encode({"n": 1}))
    async with asyncio.timeout(5):
        while not files(settings):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.005)
    writer.append(msgspec.json.encode({"n": 2}))
    await writer.close()
    assert [path.read_bytes()[:2] for path in files(settings)] == [b"1 ", b"2 "]


async def test_a_disk_that_takes_nothing_for_a_second_refuses_whatever_comes_until_it_does(
    settings, clock, monkeypatch
):
    writer = SegmentWriter(settings, "gateway", clock)
    monkeypatch.setattr(segments, "PATIENCE", 0.05)
    monkeypatch.setattr(segments, "_RETRY_AFTER", 0.01)
    with monkeypatch.context() as disk:

        def full(_descriptor, _data):
            raise OSError(28, "No space left on device")

        disk.setattr(os, "write", full)
        writer.append(msgspec.json.encode({"n": 0}))
        async with asyncio.timeout(5):
            while writer._stuck_since is None or time.monotonic() - writer._stuck_since < 0.06:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        with pytest.raises(AuditUnavailable):
            writer.append(msgspec.json.encode({"n": 1}))
    async with asyncio.timeout(5):
        while writer._stuck_since is not None:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.005)
    writer.append(msgspec.json.encode({"n": 2}))
    await writer.close()
    (path,) = files(settings)
    assert path.read_bytes() == b'1 7 {"n":0}\n2 7 {"n":2}\n'


async def test_a_full_disk_refuses_once_too_much_waits_and_loses_nothing(settings, clock, monkeypatch):
    writer = SegmentWriter(settings, "gateway", clock)
    monkeypatch.setattr(segments, "MOST_WAITING", 3)
    monkeypatch.setattr(segments, "_RETRY_AFTER", 0.01)
    written = os.write
    with monkeypatch.context() as disk:

        def full(_descriptor, _data):
            raise OSError(28, "No space left on device")

        disk.setattr(os, "write", full)
        for number in range(3):
            writer.append(msgspec.json.encode({"n": number}))
        await asyncio.sleep(0.02)
        with pytest.raises(AuditUnavailable):
            writer.append(msgspec.json.encode({"n": 3}))

        def nearly_full(descriptor, data):
            return written(descriptor, data[:5])

        disk.setattr(os, "write", nearly_full)
        await asyncio.sleep(0.02)
    await writer.close()
    (path,) = files(settings)
    assert path.read_bytes() == b'1 7 {"n":0}\n2 7 {"n":1}\n3 7 {"n":2}\n'


async def test_a_disk_that_stays_full_leaves_a_torn_segment(settings, database, clock, monkeypatch):
    writer = SegmentWriter(settings, "gateway", clock)
    writer.append(msgspec.json.encode({"n": 1}))
    writer.append(msgspec.json.encode({"n": 2}))
    written = os.write
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda descriptor, data: written(descriptor, data[:15]))
        with pytest.raises(OSError, match="only a part"):
            await writer.close()
    await seal_all(database("audit"), segments.folder(settings), clock)
    report = await verify(settings)
    assert (report.sound, report.files, report.records) == (True, 1, 1)


async def test_serve_seals_and_stops(settings, database):
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(sealer.serve(settings, ready.set, stop))
    await ready.wait()
    async with database("idp").begin() as tx:
        await record(tx, event(1))
    stop.set()
    await serving
    assert (await verify(settings)).records == 1
