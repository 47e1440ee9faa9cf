"""Ten thousand open pages that wait for results: what each of them takes in memory, and how soon all are told.

The gateway (two processes, since each page is two of its files), the service and the engines are processes of their
own. The pages are websockets, opened by tokens of a thousand people. Then a result for each page's person is published
the way a worker does, and each page notes when it came. Memory is what the processes have more with the pages than
without, read from the kernel as what is theirs alone.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from benchmarks import nginx
from benchmarks.gateway import HOST, gateway
from benchmarks.own_folder import own_folder
from benchmarks.reservation_door import prepare, service_process
from benchmarks.result import Result, percentile, tell
from benchmarks.wrk import two_cores, wait_for
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.engines.embedded import running_engines
from config.settings import Settings
from upstreams.reservation import app
from upstreams.reservation.happening import Event, decided
from upstreams.reservation.results import Teller
from upstreams.reservation.storage.stores import postgresql_stores

COMMAND = "python -m benchmarks waiting"
PAGES = int(os.environ.get("PAGES", "10000"))
PEOPLE = 1000
OPENING = 32
"""Pages that are being opened at the same moment."""
PATIENCE = 300.0
"""Seconds until a page must have been told."""
ROUNDS = 3
LATEST = 1000.0
"""Milliseconds within which the last of all pages should know."""


class Page(asyncio.Protocol):
    """One websocket, by hand: ten thousand of a library's would be what is measured."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._got = b""
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: dict[int, float] = {}
        """By the number of an event, when it came."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            (
                f"GET /reservations/events HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {self._token}\r\n"
                f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {key}\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self.opened.done():
            head, end, rest = self._got.partition(b"\r\n\r\n")
            if not end:
                return
            self._got = rest
            if b" 101 " not in head.splitlines()[0]:
                self.opened.set_exception(ConnectionError(head.splitlines()[0].decode()))
                return
            self.opened.set_result(None)
        while len(self._got) >= 2 and (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame (RFC 6455, section 5.2): its opcode and payload."""
        length, at = self._got[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(self._got[2:4]), 4
        if len(self._got) < at + length:
            return None
        opcode, payload = self._got[0] & 0x0F, self._got[at : at + length]
        self._got = self._got[at + length :]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9 and self._transport is not None:
            self._transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        elif opcode == 1 and (found := re.search(rb'"event":(\d+)', payload)):
            self.told.setdefault(int(found[1]), time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed"))


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without nginx, wrk, taskset or a second core."""
    core, load_core = two_cores("nginx")
    with own_folder() as folder, ExitStack() as started:
        started.enter_context(nginx.origin(folder, load_core))
        settings = Settings(var=folder / "v")
        started.enter_context(running_engines(settings))
        key = folder / "assertion.key"
        key.write_bytes(asyncio.run(prepare(settings)))
        process = started.enter_context(service_process(app.serve, settings))
        socket = settings.upstream_socket("reservation")
        wait_for(socket.exists)
        doors = [
            started.enter_context(gateway(folder, core, rules=0, sessions=PEOPLE, service=socket, signs_by=key))
            for _ in range(2)
        ]
        tokens = doors[0][1].read_text().split()[:PEOPLE], doors[1][1].read_text().split()[:PEOPLE]
        pids = {"service": [process], "gateway": [side.process.pid for side, _ in doors]}
        return asyncio.run(_measure(settings, [side.port for side, _ in doors], tokens, pids))


async def _measure(
    settings: Settings, ports: Sequence[int], tokens: Sequence[Sequence[str]], pids: dict[str, list[int]]
) -> list[Result]:
    database, valkey = open_database(settings, "reservation"), open_valkey(settings)
    teller = Teller(valkey, database, postgresql_stores().happenings)
    before = {name: sum(map(_own, some)) for name, some in pids.items()}
    began = time.perf_counter()
    pages = await _open(ports, tokens)
    tell(f"  {len(pages)} pages opened in {time.perf_counter() - began:.0f} s")
    each = {name: (sum(map(_own, some)) - before[name]) / len(pages) for name, some in pids.items()}
    tell("  memory a page: " + ", ".join(f"{name} {size / 1024:.1f} KiB" for name, size in each.items()))
    waited: list[float] = []
    last: list[float] = []
    try:
        took = await _publish(teller, pages, 1)  # a page that has just come is first told what it missed
        tell(f"  all caught up {max(took) / 1000:.1f} s after the last was opened")
        for number in range(2, ROUNDS + 2):
            took = await _publish(teller, pages, number)
            waited += took
            last.append(max(took))
            tell(f"  told: p50 {percentile(took, 0.5):.0f} ms, p99 {percentile(took, 0.99):.0f}, last {max(took):.0f}")
    finally:
        await database.dispose()
        await valkey.aclose()
    peer = f"aimed at, with {len(pages)} pages"
    return [
        Result.against("waiting.service_memory", each["service"] / 1024, "KiB a page", peer, 64, COMMAND),
        Result.against("waiting.gateway_memory", each["gateway"] / 1024, "KiB a page", peer, 32, COMMAND),
        Result.against("waiting.told_p50", percentile(waited, 0.5), "ms", peer, LATEST, COMMAND),
        Result.against("waiting.told_last", sorted(last)[len(last) // 2], "ms", peer, LATEST, COMMAND),
    ]


async def _open(ports: Sequence[int], tokens: Sequence[Sequence[str]]) -> list[tuple[Page, UUID]]:
    loop, turn = asyncio.get_running_loop(), asyncio.Semaphore(OPENING)
    again: Counter[str] = Counter()

    async def one(number: int) -> tuple[Page, UUID]:
        async with turn:
            way, who = number % len(ports), number // len(ports) % PEOPLE
            token = tokens[way][who]
            while True:
                _, page = await loop.create_connection(lambda: Page(token), "127.0.0.1", ports[way])
                try:
                    await page.opened
                    return page, uuid5(NAMESPACE_URL, f"benchmark-{who}")
                except ConnectionError as error:  # as a page does that is turned away
                    again[str(error)] += 1
                    await asyncio.sleep(1)

    opened = await asyncio.gather(*(one(number) for number in range(PAGES)))
    tell(f"  opened again: {dict(again)}" if again else "  none was turned away")
    return opened


async def _publish(teller: Teller, pages: Sequence[tuple[Page, UUID]], number: int) -> list[float]:
    """Milliseconds from the first word of it until each page knew. Each person is told of one reservation."""
    people = list(dict.fromkeys(person for _, person in pages))
    now = SystemClock().now()
    began = time.perf_counter()
    await teller.publish([Event(number, decided(person, uuid4(), None, now)) for person in people])
    while any(number not in page.told for page, _ in pages):
        if time.perf_counter() - began > PATIENCE:
            missing = sum(number not in page.told for page, _ in pages)
            raise TimeoutError(f"{missing} of {len(pages)} pages were not told")
        await asyncio.sleep(0.05)
    return [(page.told[number] - began) * 1000 for page, _ in pages]


def _own(pid: int) -> int:
    """Bytes of a process that no other has."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) * 1024 for size in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", rollup, re.MULTILINE))
