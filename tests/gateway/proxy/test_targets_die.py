"""Targets killed, frozen and started at random under a steady load of safe requests."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gateway.proxy.breaker import State
from gateway.routes.upstream import Bounds, Check, Ejection
from tests.gateway.proxy.rig import Rig, holds, rigged
from tests.gateway.proxy.targets import GET, pool, upstream_of

ROOT = Path(__file__).parents[3]
ROUNDS = [4, pytest.param(200, marks=pytest.mark.proof)]
CLIENTS = 16
EJECTION = Ejection(failures=3, rest=0.1, longest=1.0)
BOUNDS = Bounds(connect=1.0, first_byte=1.0)
SAID_TO_BE = {(200, ""), (502, "MJ-GATEWAY-133"), (503, "MJ-GATEWAY-131"), (504, "MJ-GATEWAY-135")}
"""What `docs/how-to/balance-upstreams.md` says may come of a safe request while no target is left."""


def quiet_port() -> int:
    """A free port that the system gives to nobody who dials: one that dials a dead port of its own meets itself."""
    while True:
        with socket.socket() as probe:
            port = random.SystemRandom().randrange(15_000, 30_000)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Process:
    """One target."""

    def __init__(self) -> None:
        self.port = quiet_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or let it go on."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGCONT)
        else:
            command = [sys.executable, "-m", "tests.gateway.proxy.target_process", str(self.port)]
            self._process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def harm(self, how: signal.Signals) -> None:
        """`SIGKILL`, or `SIGSTOP`: its backlog goes on to accept, and nothing is answered."""
        if self._process is not None:
            os.kill(self._process.pid, how)
            if how is signal.SIGKILL:
                self._process.wait()

    async def answers(self) -> None:
        """Return once it does."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
                continue
            writer.write(GET)
            try:
                await reader.readuntil(b"well")
            finally:
                writer.close()
            return

    def end(self) -> None:
        self.start()
        self.harm(signal.SIGKILL)


class Load:
    """Clients that ask one request after the other until they are told to end."""

    def __init__(self, rig: Rig) -> None:
        self.seen: Counter[tuple[int, str]] = Counter()
        self._rig = rig
        self._over = False
        self._asking = [asyncio.ensure_future(self._ask()) for _ in range(CLIENTS)]

    async def _ask(self) -> None:
        client = await self._rig.client()
        while not self._over:
            answer = await client.ask(GET)
            self.seen[answer.status, "" if answer.status == 200 else json.loads(answer.body)["code"]] += 1
            if answer.status != 200:
                await asyncio.sleep(0.01)

    async def passes(self, count: int) -> None:
        """Return when so many more are answered."""
        enough = sum(self.seen.values()) + count
        await holds(lambda: sum(self.seen.values()) >= enough)

    async def passes_well(self, count: int) -> None:
        """Return when so many more are answered with 200."""
        enough = self.seen[200, ""] + count
        await holds(lambda: self.seen[200, ""] >= enough)

    async def end(self) -> None:
        self._over = True
        await asyncio.gather(*self._asking)


def closed(rig: Rig) -> list[int]:
    return [number for number, found in enumerate(pool(rig).targets) if found.state is State.CLOSED]


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_while_one_is_well_every_safe_request_is_answered(folder: Path, rounds: int) -> None:
    """Two of three are harmed at once at most, and only while a third is known to be well: nothing but 200."""
    chance = random.Random(5)
    targets = [Process() for _ in range(3)]
    check = Check("/", interval=0.1, timeout=1.0, failures=2)
    upstream = upstream_of(
        [f"127.0.0.1:{found.port}" for found in targets], ejection=EJECTION, bounds=BOUNDS, check=check
    )
    try:
        for found in targets:
            found.start()
        async with rigged(folder, upstream=upstream, patience=30 + rounds * 5) as rig:
            await settled(rig, targets)
            load = Load(rig)
            for _ in range(rounds):
                harmed = chance.sample(range(3), chance.choice([1, 1, 2]))
                for number in harmed:
                    targets[number].harm(chance.choice([signal.SIGKILL, signal.SIGSTOP]))
                    await load.passes(chance.randrange(200))
                await load.passes(chance.randrange(200))
                for number in harmed:
                    targets[number].start()
                await settled(rig, targets)
            await load.end()
            assert set(load.seen) == {(200, "")}, load.seen
    finally:
        for found in targets:
            found.end()


async def settled(rig: Rig, targets: list[Process]) -> None:
    """Every target answers, and the gateway knows it."""
    for found in targets:
        await found.answers()
    await holds(lambda: len(closed(rig)) == len(targets))


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_with_none_left_only_what_is_documented_is_answered(folder: Path, rounds: int) -> None:
    chance = random.Random(7)
    targets = [Process() for _ in range(2)]
    upstream = upstream_of([f"127.0.0.1:{found.port}" for found in targets], ejection=EJECTION, bounds=BOUNDS)
    try:
        for found in targets:
            found.start()
        async with rigged(folder, upstream=upstream, patience=30 + rounds * 5) as rig:
            await settled(rig, targets)
            load = Load(rig)
            for _ in range(rounds):
                await load.passes_well(50)
                for found in targets:
                    found.harm(chance.choice([signal.SIGKILL, signal.SIGSTOP]))
                    await load.passes(chance.randrange(20))
                await load.passes(20)
                for found in targets:
                    found.start()
                    await load.passes(chance.randrange(20))
            await holds(lambda: len(closed(rig)) == 2)  # by the gateway's own trials, and by those of the load
            await load.end()
            assert set(load.seen) <= SAID_TO_BE, load.seen
            assert load.seen[503, "MJ-GATEWAY-131"] > 0
            last = await rig.client()
            assert [(await last.ask(GET)).status for _ in range(20)] == [200] * 20
    finally:
        for found in targets:
            found.end()
