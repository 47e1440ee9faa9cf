"""Reservations through the gateway: refusals of what is sold out, and how soon a result is pushed.

The gateway, the service and the worker are processes of their own, with real engines. Refusals are set against the same
POST, by the same tokens, through the same gateway to an origin that answers at once. Pushed results are waited for by
256 callers, each with a websocket of its own through the gateway.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from websockets.asyncio.client import connect

from benchmarks import nginx
from benchmarks.gateway import HOST, gateway
from benchmarks.own_folder import own_folder
from benchmarks.result import Result, percentile, tell
from benchmarks.wrk import two_cores, wait_for
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.engines.embedded import running_engines
from config.envelope import Envelope
from config.log import configure_logging
from config.settings import Settings
from jose.storage.keys import SigningKeys
from migrations.runner import migrate
from upstreams.reservation import app, worker

COMMAND = "python -m benchmarks reservation"
CALLERS = 256
EVERY = 4.0
"""Seconds between two requests of a caller."""
SECONDS, ROUNDS, CONNECTIONS = 2, 5, 64
LATEST = 50.0
"""Milliseconds that are promised."""
BODY = json.dumps({"lines": [{"sku": "GONE", "quantity": 1}]})


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without nginx, wrk, taskset or a second core."""
    core, load_core = two_cores("nginx")
    with own_folder() as folder, ExitStack() as started:
        started.enter_context(nginx.origin(folder, load_core))
        settings = Settings(var=folder / "v")
        started.enter_context(running_engines(settings))
        key = folder / "assertion.key"
        key.write_bytes(asyncio.run(prepare(settings)))
        for serve in (app.serve, worker.serve):
            started.enter_context(service_process(serve, settings))
        service = settings.upstream_socket("reservation")
        wait_for(service.exists)
        ours, tokens = started.enter_context(
            gateway(folder, core, rules=0, sessions=1000, service=service, signs_by=key)
        )
        bare, bare_tokens = started.enter_context(gateway(folder, core, rules=0, sessions=1000))
        refusals, posts = [], []
        for _ in range(ROUNDS):
            refusals.append(_posts(load_core, ours.port, tokens))
            posts.append(_posts(load_core, bare.port, bare_tokens))
        tell(f"  refusals {statistics.median(refusals):,.0f}/s, bare POST {statistics.median(posts):,.0f}/s")
        waited = asyncio.run(_deliveries(ours.port, tokens.read_text().split()[:CALLERS]))
        tell(f"  {len(waited)} results: p50 {percentile(waited, 0.5):.1f} ms, p99 {percentile(waited, 0.99):.1f} ms")
    return [
        Result.against(
            "reservation.refusals",
            statistics.median(refusals),
            "requests/s",
            "the same POST proxied to an origin that answers at once",
            statistics.median(posts),
            COMMAND,
        ),
        Result.against(
            "reservation.pushed.p99",
            percentile(waited, 0.99),
            "ms from 202 to the pushed result",
            f"the promise, at {CALLERS} callers",
            LATEST,
            COMMAND,
        ),
    ]


async def prepare(settings: Settings) -> bytes:
    """What can be reserved, and the key that the gateway signs with."""
    await migrate(settings)
    envelope = Envelope.create(settings)
    owner, valkey = open_database(settings, "owner"), open_valkey(settings)
    async with owner.begin() as tx:
        ring = await SigningKeys(envelope).ensure_active(tx, "assertion", SystemClock().now())
        await tx.execute(sa.text("INSERT INTO reservation.warehouse (code, name) VALUES ('bench', '{}')"))
        for code, count in (("GONE", 0), ("HOT", 2_000_000)):
            await tx.execute(
                sa.text(
                    "INSERT INTO reservation.sku (code, product, name, currency, price) "
                    "VALUES (:code, gen_random_uuid(), '{}', 'KRW', 1000)"
                ),
                {"code": code},
            )
            await tx.execute(
                sa.text("INSERT INTO reservation.stock (sku, warehouse, on_hand) VALUES (:code, 'bench', :count)"),
                {"code": code, "count": count},
            )
    await owner.dispose()
    await valkey.aclose()
    return ring.active.private_bytes()


@contextmanager
def service_process(serve: Callable[..., object], settings: Settings) -> Iterator[int]:
    """A service in a process of its own, by its id."""
    process = get_context("spawn").Process(target=_serve, args=(serve, settings), daemon=True)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        process.join(10)


def _serve(serve: Callable[..., object], settings: Settings) -> None:
    import uvloop

    configure_logging(settings.log, service="reservation")  # as the command has it
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, lambda: None, asyncio.Event()))  # type: ignore[arg-type]


def _posts(core: int, port: int, tokens: Path) -> float:
    script = Path(__file__).with_name("reserve.lua")
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--timeout", "30s"]
    command += ["-H", f"Host: {HOST}", "-H", "Accept: application/json", "-s", str(script)]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/reservations"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TOKENS": str(tokens), "BODY": BODY},
    ).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert found is not None, told
    return float(found.group(1))


async def _deliveries(port: int, tokens: Sequence[str]) -> list[float]:
    """Milliseconds from a 202 to its pushed result, of every caller."""
    waited: list[float] = []
    until = time.perf_counter() + 24
    await asyncio.gather(*(_caller(port, token, until, waited) for token in tokens))
    return waited


async def _caller(port: int, token: str, until: float, waited: list[float]) -> None:
    credentials = {"Authorization": f"Bearer {token}"}
    accepted: dict[str, float] = {}
    told: dict[str, float] = {}
    address = f"ws://{HOST}/reservations/events"
    await asyncio.sleep(random.uniform(0, EVERY))
    async with connect(
        address, host="127.0.0.1", port=port, additional_headers=credentials, proxy=None, ping_interval=None
    ) as page:

        async def listen() -> None:
            async for message in page:
                record = json.loads(message)
                if record.get("kind") in ("held", "refused"):
                    told[record["id"]] = time.perf_counter()

        listening = asyncio.create_task(listen())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(random.uniform(0, EVERY))
        while time.perf_counter() < until:
            ident = await _ask(reader, writer, token)
            accepted[ident] = time.perf_counter()
            await asyncio.sleep(EVERY * random.uniform(0.8, 1.2))
        listening.cancel()
        writer.close()
    waited += [max(0.0, told[ident] - at) * 1000 for ident, at in accepted.items() if ident in told]
    assert len(told) >= len(accepted), "a result was not pushed"


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> str:
    body = b'{"lines":[{"sku":"HOT","quantity":1}]}'
    head = (
        f"POST /reservations HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n"
        f"Idempotency-Key: {uuid4().hex}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"(?i)content-length: (\d+)", answer)
    assert length is not None, answer
    content = await reader.readexactly(int(length.group(1)))
    assert answer.startswith("HTTP/1.1 202"), content
    ident: str = json.loads(content)["id"]
    return ident
