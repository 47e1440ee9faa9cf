"""One hot item, reserved by every way that there is, in one run on one machine: what each of them decides in a second.

What stands in the database is alike: a row with a count, a row for each reservation. The ways of SQL alone are driven
by pgbench with 8 clients on a table of their own; the worker decides real requests in the service's own schema, with
holds, movements, history and results, which the others do not write. Rounds alternate, and medians are compared.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa

from benchmarks import reservation_door
from benchmarks.own_folder import own_folder
from benchmarks.result import Result, tell
from benchmarks.ways import draw
from config import key_space
from config.clock import SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.engines.account import engine_account
from config.engines.embedded import running_engines
from config.engines.programs import postgresql_programs
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.services import ReservationSettings
from config.serving import collect_rarely
from config.settings import Settings
from migrations.runner import migrate
from upstreams.reservation.availability import Availability
from upstreams.reservation.gate import Gate
from upstreams.reservation.pace import Pace
from upstreams.reservation.queue import RequestQueue, shard_of_first
from upstreams.reservation.storage.stores import postgresql_stores
from upstreams.reservation.worker import Worker, build
from upstreams.trade.allocation import Line, basket_of

COMMAND = "python -m benchmarks reservation"
ROUNDS = 5
SECONDS = 2
CLIENTS = 8
REQUESTS = 20_000
"""That the worker decides in one round."""
BATCH = 2048
SKU = "HOT"
PEER = "row-locked transactions (pgbench, 8 clients)"
NOBODY_IS_TOO_FAST = Pace(10**9, 10)

SCHEMA = """
CREATE SCHEMA bench;
CREATE TABLE bench.inventory (id int PRIMARY KEY, quantity int NOT NULL CHECK (quantity >= 0), version int NOT NULL);
CREATE TABLE bench.reservation (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, inventory int NOT NULL
    REFERENCES bench.inventory, person int NOT NULL, status text NOT NULL, at timestamptz NOT NULL);
INSERT INTO bench.inventory SELECT n, 1000000000, 0 FROM generate_series(1, 1000) n;
"""
INSERT = "INSERT INTO bench.reservation (inventory, person, status, at) VALUES (1, :person, 'PENDING', now());"
WAYS = {
    "row_lock": f"""
\\set person random(1, 1000000)
BEGIN;
UPDATE bench.inventory SET quantity = quantity - 1 WHERE id = 1 AND quantity > 0;
{INSERT}
COMMIT;
""",
    "pessimistic": f"""
\\set person random(1, 1000000)
BEGIN;
SELECT quantity FROM bench.inventory WHERE id = 1 FOR UPDATE;
UPDATE bench.inventory SET quantity = quantity - 1 WHERE id = 1;
{INSERT}
COMMIT;
""",
    "atomic": """
\\set person random(1, 1000000)
WITH taken AS (UPDATE bench.inventory SET quantity = quantity - 1 WHERE id = 1 AND quantity > 0 RETURNING id)
INSERT INTO bench.reservation (inventory, person, status, at) SELECT id, :person, 'PENDING', now() FROM taken;
""",
    "optimistic": """
\\set person random(1, 1000000)
SELECT version AS seen FROM bench.inventory WHERE id = 1 \\gset
WITH taken AS (UPDATE bench.inventory SET quantity = quantity - 1, version = version + 1
    WHERE id = 1 AND version = :seen AND quantity > 0 RETURNING id)
INSERT INTO bench.reservation (inventory, person, status, at) SELECT id, :person, 'PENDING', now() FROM taken;
""",
    "several_items": """
\\set person random(1, 1000000)
\\set a random(2, 400)
\\set b random(401, 1000)
BEGIN;
SELECT quantity FROM bench.inventory WHERE id IN (1, :a, :b) ORDER BY id FOR UPDATE;
UPDATE bench.inventory SET quantity = quantity - 1 WHERE id IN (1, :a, :b);
INSERT INTO bench.reservation (inventory, person, status, at)
    SELECT id, :person, 'PENDING', now() FROM unnest(ARRAY[1, :a, :b]) id;
COMMIT;
""",
}

ASK = f"""
WITH asked AS (INSERT INTO reservation.request (id, person, shard, state, currency, requested_at)
    SELECT uuidv7(), gen_random_uuid(), 0, 'queued', 'KRW', now() FROM generate_series(1, :count) RETURNING *),
lines AS (INSERT INTO reservation.request_line (request, sku, quantity, unit_price)
    SELECT id, '{SKU}', 1, 1000 FROM asked)
INSERT INTO reservation.waiting (request, arrival, shard, person, requested_at, enqueued_at)
    SELECT id, arrival, shard, person, requested_at, requested_at FROM asked
"""


@dataclass
class Measured:
    """Decisions in a second, round by round."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, way: str, rate: float) -> None:
        """One round."""
        self.rounds.setdefault(way, []).append(rate)

    def median(self, way: str) -> float:
        """Of the rounds."""
        return float(statistics.median(self.rounds[way]))


def run() -> list[Result]:
    """Measure every way, and draw them."""
    with own_folder() as folder:
        measured = asyncio.run(_measure(Settings(var=folder / "v")))
    base = measured.median("row_lock")
    draw({way: measured.median(way) for way in measured.rounds}, base)
    return [
        Result.against(f"reservation.{way}", measured.median(way), "decisions/s", PEER, base, COMMAND)
        for way in measured.rounds
        if way != "read_database"
    ] + reservation_door.run()


async def _measure(settings: Settings) -> Measured:
    async with AsyncExitStack() as opened:
        opened.enter_context(running_engines(settings))
        await migrate(settings)
        Envelope.create(settings)
        owner, database = open_database(settings, "owner"), open_database(settings, "reservation")
        valkey = open_valkey(settings)
        opened.push_async_callback(owner.dispose)
        opened.push_async_callback(database.dispose)
        opened.push_async_callback(valkey.aclose)
        await _prepare(owner)
        folder = settings.var / "pgbench"
        folder.mkdir()
        for way, script in WAYS.items():
            (folder / f"{way}.sql").write_text(script)
        ours = {
            "queue_batches": _worker(database, valkey, BATCH),
            "queue_of_one": _worker(database, valkey, 1),
        }
        measured = Measured()
        collect_rarely()  # as the worker has it
        for number in range(ROUNDS):
            for way in WAYS:
                measured.note(way, await _pgbench(settings, owner, folder / f"{way}.sql"))
            for way, worker in ours.items():
                count = REQUESTS if way == "queue_batches" else REQUESTS // 40
                measured.note(way, await _decide(owner, valkey, worker, count))
            measured.note("valkey_script", await _gate(database, valkey))
            measured.note("read_cached", await _reads(database, cached=True))
            measured.note("read_database", await _reads(database, cached=False))
            tell(f"  round {number + 1}: " + ", ".join(f"{w} {r[-1]:,.0f}" for w, r in measured.rounds.items()))
        return measured


async def _prepare(owner: Database) -> None:
    async with owner.begin() as tx:
        for statement in SCHEMA.split(";"):
            if statement.strip():
                await tx.execute(sa.text(statement))
        for statement in (
            "INSERT INTO reservation.warehouse (code, name) VALUES ('bench', '{}')",
            f"INSERT INTO reservation.sku (code, product, name, currency, price) "
            f"VALUES ('{SKU}', gen_random_uuid(), '{{}}', 'KRW', 1000)",
            f"INSERT INTO reservation.stock (sku, warehouse, on_hand) VALUES ('{SKU}', 'bench', 2000000000)",
        ):
            await tx.execute(sa.text(statement))


async def _pgbench(settings: Settings, owner: Database, script: Path) -> float:
    """Rows that were written in a second: what was tried in vain counts for nothing."""
    program = postgresql_programs(settings, engine_account(settings, settings.var / "postgresql")) / "pgbench"
    rows = sa.text("SELECT count(*) FROM bench.reservation")
    address = owner.url
    command = [str(program), "-n", "-h", str(settings.runtime), "-U", str(address.username), "-M", "prepared"]
    command += ["-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), "-f", str(script), str(address.database)]
    async with owner.begin() as tx:
        await tx.execute(sa.text("TRUNCATE bench.reservation"))
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    tried = re.search(r"number of transactions actually processed: (\d+)", ran.stdout)
    rate = re.search(r"tps = ([\d.]+)", ran.stdout)
    assert tried is not None
    assert rate is not None
    async with owner.connect() as tx:
        written = await tx.scalar(rows) or 0
    per_decision = 3 if script.stem == "several_items" else 1
    return float(rate.group(1)) * written / per_decision / max(1, int(tried.group(1)))


def _worker(database: Database, valkey: Valkey, batch: int) -> Worker:
    return build(ReservationSettings(shards=1, batch=batch), database, valkey, SystemClock(), SystemEntropy())


async def _decide(owner: Database, valkey: Valkey, worker: Worker, count: int) -> float:
    """Requests that wait in the line are decided, told and done; asking for them is not counted, as with the others."""
    queue = RequestQueue(valkey)
    await queue.open(0)
    await queue.put([(ident, shard_of_first(SKU, 1)) for ident in await _ask(owner, count)])
    over = asyncio.Event()
    began = time.perf_counter()
    working = asyncio.create_task(worker.empty(0, over))
    async with valkey.pubsub() as progress:
        await progress.subscribe(key_space.RESERVATION_PROGRESS)
        while (await queue.look(0)).waiting and not working.done():
            await progress.get_message(timeout=1)
    took = time.perf_counter() - began
    over.set()
    await working
    return count / took


async def _ask(owner: Database, count: int) -> Sequence[UUID]:
    async with owner.begin() as tx:
        await tx.execute(sa.text(ASK), {"count": count})
        found = await tx.scalars(sa.text("SELECT request FROM reservation.waiting ORDER BY arrival"))
        return found.all()


async def _gate(database: Database, valkey: Valkey) -> float:
    """What the gate alone lets in: nothing of it is durable."""
    gate = Gate(valkey)
    await gate.put(SKU, 10**9, await gate.see(SKU))
    person = uuid4()

    async def ask() -> int:
        count, until = 0, time.perf_counter() + SECONDS / 2
        while time.perf_counter() < until:
            basket = basket_of(uuid4(), [Line(SKU, 1)])
            await gate.admit(basket, person, uuid4().hex, NOBODY_IS_TOO_FAST)
            count += 1
        return count

    began = time.perf_counter()
    counts = await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    return sum(counts) / (time.perf_counter() - began)


async def _reads(database: Database, *, cached: bool) -> float:
    """How often what is left is read in a second."""
    stores = postgresql_stores()
    availability = Availability(database, stores, SystemClock())

    async def from_database() -> None:
        async with database.connect() as tx:
            await stores.stock.levels(tx)

    read: Callable[[], Awaitable[object]] = availability.levels if cached else from_database
    count, until = 0, time.perf_counter() + SECONDS / 4
    while time.perf_counter() < until:
        await read()
        count += 1
    return count / (SECONDS / 4)
