"""The gateway under 80 % of the load that it can take, for ten minutes, while routes are taken up anew, a service
behind it dies and comes back, policies are published and sessions end: nothing is told wrongly, nothing passes after
its end, and memory stays where it is.

`SOAK_SECONDS` says how long (600 without it). What it finds is printed; `make proof ARGS=tests/gateway/test_soak.py`.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest
from rich.console import Console
from rich.progress import Progress

from config.connections import open_database, open_valkey
from config.envelope import Envelope
from jose.storage.keys import SigningKeys
from tests.gateway.outage_house import OutageHouse, policy_of_tests, publish, routes, standing_house
from tests.gateway.proxy.rig import Client, free_port
from tests.gateway.soak_people import Findings, Session, Sessions, World
from tests.machine import processor_time

pytestmark = pytest.mark.proof

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
CALIBRATION = 5
"""Seconds for which the load that the gateway can take is measured."""
SHARE = 0.7
"""Of what wrk alone gets through: with all the others that asks four fifths of a core of the gateway, which is told."""
CONNECTIONS, STEADY = 256, 64
"""Connections of the load, and the sessions that it asks with, which nobody ends."""
VISITORS, WEBSOCKETS, STREAMS = 24, 16, 16
END_EVERY, RELOAD_EVERY, DEATH_EVERY, PUBLISH_EVERY = 0.5, 7.0, 11.0, 30.0
"""Seconds."""
BOUND = 1.0
"""Seconds after the acknowledgement of an end at which nothing passes any more (S4)."""
GROWTH = 0.05
LUA = """
local requests, turn = {}, 0
function init(_)
  for line in io.lines(os.getenv("SOAK_HEADERS")) do
    local name, value = line:match("^([^:]+): (.*)$")
    requests[#requests + 1] = wrk.format("GET", "/strict/page",
      {Host = "shop.localhost", ["Sec-Fetch-Site"] = "same-origin", [name] = value})
  end
end
function request() turn = turn % #requests + 1; return requests[turn] end
local pause = tonumber(os.getenv("SOAK_PAUSE"))
if pause > 0 then function delay() return pause end end
"""


@pytest.fixture
def house() -> Iterator[OutageHouse]:
    with standing_house(f"127.0.0.1:{free_port()}") as standing:
        yield standing


@dataclass
class Soak:
    """What goes on around the visitors."""

    house: OutageHouse
    world: World
    stops_at: float = float("inf")
    mortal: subprocess.Popen[bytes] | None = None
    down_since: float = float("inf")
    up_since: float = 0.0
    memory: list[tuple[float, int]] = field(default_factory=list)
    """Moments since the begin, and bytes."""

    def over(self) -> bool:
        return time.monotonic() >= self.stops_at

    def may_fail(self, since: float) -> bool:
        """Whether the mortal service was away at some time between a moment and now, or was so a moment ago: it is
        dialled each second."""
        return self.down_since < float("inf") or since < self.up_since + 1.5

    async def origin(self, name: str) -> subprocess.Popen[bytes]:
        """A service of its own process, once it listens."""
        path = self.house.folder / f"{name}.sock"
        path.unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-m", "tests.gateway.soak_origin", str(path)])  # noqa: ASYNC220 - it is only started
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(str(path))
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return process

    async def die(self) -> None:
        """The mortal service is killed, and comes back."""
        self.down_since = time.time()
        if self.mortal is not None:
            self.mortal.kill()
            self.mortal.wait()
        self.mortal = await self.origin("mortal")
        self.up_since, self.down_since = time.time(), float("inf")

    async def reload(self) -> None:
        """Other routes, by turns right ones and one that is refused as a whole."""
        turn, file = int(time.monotonic()), self.house.folder / "routes.toml"
        zone = "nowhere" if turn % 3 == 0 else "strict"
        more = f'address = "shop.localhost:8080"\npath = "/more{turn}"\nzone = "{zone}"\nupstream = "origin"\n'
        draft = file.with_suffix(".draft")
        draft.write_text(f"{_routes(self.house.folder)}[[routes]]\n{more}")
        draft.rename(file)

    async def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self.over():
            await asyncio.sleep(seconds)
            if not self.over():
                await work()

    async def watch_memory(self) -> None:
        begun, pid = time.monotonic(), self.house.running["gateway"].pid
        while not self.over():
            self.memory.append((time.monotonic() - begun, _memory(pid)))
            await asyncio.sleep(0.5)

    async def show(self, progress: Progress) -> None:
        task = progress.add_task("soak", total=SECONDS)
        while not self.over():
            findings = self.world.findings
            progress.update(
                task,
                completed=SECONDS - (self.stops_at - time.monotonic()),
                description=f"soak: {findings.answers.total()} answers, {len(findings.late)} ends, "
                f"{len(findings.wrong)} wrong",
            )
            await asyncio.sleep(0.5)

    def growth(self) -> float:
        """From the second minute of ten to the last one, as a share."""
        tenth = SECONDS / 10
        early = median(size for at, size in self.memory if tenth <= at < 2 * tenth)
        late = median(size for at, size in self.memory if at >= 9 * tenth)
        return late / early - 1


def _memory(pid: int) -> int:
    """What a process has of the machine's memory, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _routes(folder: Path) -> str:
    """Grace is the zone of what may die."""
    way = 'path = "/grace"\nzone = "grace"\nupstream = "'
    return (
        routes(folder).replace(f"{way}origin", f"{way}mortal")
        + f'[upstreams.mortal]\nsocket = "{folder}/mortal.sock"\n'
    )


async def load(address: str, headers: Path, seconds: float, *, pause: int = 0) -> str:
    """wrk for so long, `pause` milliseconds between two requests of a connection; what it says."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA)
        script.flush()
        process = await asyncio.create_subprocess_exec(
            "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{int(seconds)}s", "--latency", "-s", script.name, address,
            env={**os.environ, "SOAK_HEADERS": str(headers), "SOAK_PAUSE": str(pause)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
    return said.decode()


def rate(said: str) -> float:
    """Requests a second."""
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])


async def warmed(port: int, steady: list[Session]) -> None:
    """Everybody's session and cookie is known before anything is measured."""
    for session in steady:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        answer = await client.ask(b"GET /strict/page HTTP/1.1\r\nHost: shop.localhost\r\n%b\r\n\r\n" % session.header)
        assert answer.status == 200, answer
        client.writer.close()


async def test_ten_minutes(house: OutageHouse, capfd: pytest.CaptureFixture[str]) -> None:
    port = house.settings.gateway.port
    async with AsyncExitStack() as opened:
        idp, gateway = open_database(house.settings, "idp"), open_database(house.settings, "gateway")
        valkey = open_valkey(house.settings)
        for close in (idp.dispose, gateway.dispose, valkey.aclose):
            opened.push_async_callback(close)
        async with idp.connect() as tx:
            ring = await SigningKeys(Envelope.load(house.settings)).load_ring(tx, "token")
        sessions = Sessions(house.settings, ring.active, idp, gateway, valkey)
        soak = Soak(house, World(sessions, port, Findings(), lambda since: soak.may_fail(since)))
        steadfast = await soak.origin("origin")
        opened.callback(steadfast.wait)
        opened.callback(steadfast.kill)
        await soak.die()
        opened.callback(lambda: soak.mortal and soak.mortal.kill())
        await soak.reload()
        steady = [await sessions.begin(lasting=True) for _ in range(STEADY)]
        headers = house.folder / "headers"
        headers.write_bytes(b"\n".join(session.header for session in steady))
        await warmed(port, steady)
        address = f"http://127.0.0.1:{port}/"
        most = rate(await load(address, headers, CALIBRATION))
        pause = max(1, round(1000 * CONNECTIONS / (SHARE * most)))
        opened.enter_context(capfd.disabled())
        gateway = house.running["gateway"].pid
        used, since = processor_time(gateway), time.monotonic()
        with Progress(console=Console(file=sys.__stderr__)) as progress:
            said = await under_way(soak, load(address, headers, SECONDS, pause=pause), progress)
        share = (processor_time(gateway) - used) / (time.monotonic() - since)
        findings = soak.world.findings
        late = sorted(findings.late)
        sys.__stderr__.write(
            f"most {most:.0f} a second, then {rate(said):.0f}, {share:.0%} of a core; "
            f"visitors {dict(findings.answers)}; {len(late)} ends, the latest let through {late[-1] * 1000:.0f} ms "
            f"after, p99 {late[int(len(late) * 0.99)] * 1000:.0f} ms; memory {soak.memory[-1][1] / 1e6:.0f} MB, "
            f"{soak.growth():+.1%}\n{said}\n"
        )
    assert findings.wrong == []
    assert "Non-2xx" not in said
    assert "Socket errors" not in said
    assert len(late) > SECONDS / END_EVERY / 4
    assert late[-1] <= BOUND
    assert soak.growth() <= GROWTH
    assert house.running["gateway"].is_alive()


async def under_way(soak: Soak, loading: Awaitable[str], progress: Progress) -> str:
    """Everything at a time, until the time is over."""
    soak.stops_at = time.monotonic() + SECONDS
    world, sessions = soak.world, soak.world.sessions
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(_awaited(loading))
        for _ in range(VISITORS):
            tasks.create_task(world.visit(soak.over))
        for _ in range(WEBSOCKETS):
            tasks.create_task(world.keep_a_websocket(soak.over))
        for _ in range(STREAMS):
            tasks.create_task(world.keep_a_stream(soak.over))
        tasks.create_task(soak.every(END_EVERY, lambda: sessions.end_one(world.random)))
        tasks.create_task(soak.every(RELOAD_EVERY, soak.reload))
        tasks.create_task(soak.every(DEATH_EVERY, soak.die))
        tasks.create_task(soak.every(PUBLISH_EVERY, lambda: publish(soak.house.settings, policy_of_tests())))
        tasks.create_task(soak.watch_memory())
        tasks.create_task(soak.show(progress))
    return told.result()


async def _awaited(said: Awaitable[str]) -> str:
    return await said
