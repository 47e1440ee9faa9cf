"""A Valkey of the test's own, which is killed, frozen and emptied while the relay works and a listener listens."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from config.connections import Valkey, open_valkey
from config.engines.folders import make_var
from config.engines.valkey import ValkeyServer
from config.settings import Settings
from tests.events.listening import listening, running_relay, tell, until


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    folder = Path(tempfile.mkdtemp(prefix="mj-"))
    folder.chmod(0o755)
    own = Settings(var=folder / "v")
    make_var(own)
    engine = ValkeyServer(own, durable=False)
    engine.start()
    engine.wait_ready()
    yield engine
    engine.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def mortal(server: ValkeyServer) -> AsyncIterator[Valkey]:
    client = open_valkey(server.settings)
    yield client
    await client.aclose()


def kill(server: ValkeyServer) -> None:
    server.process.kill()
    server.process.wait()


def tenures_lost() -> float:
    return REGISTRY.get_sample_value("munjigi_relay_tenures_lost_total", {"cause": "TimeoutError"}) or 0.0


async def test_killed_and_started_empty_it_is_told_what_waited(database, server, mortal):
    async with listening(mortal) as listener, running_relay(database("worker"), mortal):
        await tell(database("idp"), mortal, 1)
        await until(lambda: listener.numbers() == [1])
        resets = listener.resets
        kill(server)
        await tell(database("idp"), mortal, 2)
        server.start()
        server.wait_ready()
        await until(lambda: 2 in listener.numbers(), seconds=20)
        assert listener.resets > resets
        await tell(database("idp"), mortal, 3)
        await until(lambda: listener.numbers()[-1] == 3)


async def test_frozen_it_is_left_and_taken_up_again(database, server, mortal):
    async with listening(mortal) as listener, running_relay(database("worker"), mortal):
        await until(lambda: bool(listener.heartbeats))
        before = tenures_lost()
        server.process.send_signal(signal.SIGSTOP)
        await tell(database("idp"), mortal, 1)
        await until(lambda: tenures_lost() > before)
        beats = len(listener.heartbeats)
        server.process.send_signal(signal.SIGCONT)
        await until(lambda: 1 in listener.numbers(), seconds=20)
        await until(lambda: len(listener.heartbeats) > beats, seconds=20)


async def test_it_waits_for_a_valkey_that_is_not_there_yet(database, server, mortal):
    kill(server)
    async with running_relay(database("worker"), mortal, wait=False):
        await tell(database("idp"), mortal, 1)
        server.start()
        server.wait_ready()
        async with listening(mortal) as listener:
            await until(lambda: bool(listener.heartbeats), seconds=20)
