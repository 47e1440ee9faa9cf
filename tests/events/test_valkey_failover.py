"""A primary, a replica and a sentinel, all real: the primary is killed, and everybody finds the one that took over."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import redis.asyncio as redis
from pydantic import ValidationError
from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey, open_valkey
from config.engines.account import engine_account
from config.engines.programs import valkey_program
from config.sections.engines import ValkeySettings
from config.settings import Settings
from events.storage.stream import EventStream
from tests.events.listening import listening, running_relay, tell, until
from tests.events.test_rebuild import begin_sessions

SERVICE, PASSWORD = "munjigi", "of the tests"
NOTICED = 400
"""Milliseconds of silence after which the sentinel gives a primary up."""


async def eventually(ask: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Until the answer is yes; who is asked may be away."""
    async with asyncio.timeout(seconds):
        while True:
            with contextlib.suppress(RedisError, OSError):
                if await ask():
                    return
            await asyncio.sleep(0.02)


class Server(NamedTuple):
    """One program that listens at a port of this machine."""

    port: int
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, name: str, lines: list[str], *flags: str) -> Server:
    """Start `valkey-server` with a configuration of its own, which sentinels rewrite, and wait until it answers."""
    port, home = free_port(), folder / name
    home.mkdir()
    file = home / "valkey.conf"
    common = [f"port {port}", "bind 127.0.0.1", f"dir {home}", "protected-mode no"]
    file.write_text("\n".join([*common, *lines, ""]))
    own = Settings(var=folder / "v")
    program = valkey_program(own, engine_account(own, home))
    process = subprocess.Popen([program, file, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return Server(port, process)
        time.sleep(0.01)
    raise AssertionError(f"{name} does not answer")


class Trio(NamedTuple):
    primary: Server
    replica: Server
    sentinel: Server
    settings: Settings


@pytest.fixture
def trio() -> Iterator[Trio]:
    folder = Path(tempfile.mkdtemp(prefix="mj-"))
    secret = [f'requirepass "{PASSWORD}"', f'primaryauth "{PASSWORD}"', 'save ""', "repl-diskless-sync-delay 0"]
    servers: list[Server] = []
    try:
        servers.append(primary := start(folder, "primary", secret))
        servers.append(replica := start(folder, "replica", [*secret, f"replicaof 127.0.0.1 {primary.port}"]))
        watched = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 1",
            f'sentinel auth-pass {SERVICE} "{PASSWORD}"',
            f"sentinel down-after-milliseconds {SERVICE} {NOTICED}",
            f"sentinel failover-timeout {SERVICE} 3000",
        ]
        servers.append(sentinel := start(folder, "sentinel", watched, "--sentinel"))
        settings = Settings(
            var=folder / "v",
            valkey=ValkeySettings.model_validate(
                {"sentinels": [f"127.0.0.1:{sentinel.port}"], "service": SERVICE, "password": PASSWORD}
            ),
        )
        yield Trio(primary, replica, sentinel, settings)
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()
        shutil.rmtree(folder)


@asynccontextmanager
async def at(server: Server, password: str | None = PASSWORD) -> AsyncIterator[redis.Redis]:
    """One server itself, whatever it is at the moment."""
    async with redis.Redis(port=server.port, password=password, decode_responses=True) as client:
        yield client


@pytest.fixture
async def by_sentinels(trio: Trio) -> AsyncIterator[Valkey]:
    """A client that knows the sentinel alone; the replica follows, and the sentinel knows of it."""
    async with at(trio.primary) as primary, at(trio.sentinel, None) as sentinel:

        async def follows() -> bool:
            replicas = await sentinel.sentinel_slaves(SERVICE)
            told = await primary.info("replication")
            return told.get("slave0", {}).get("state") == "online" and [one["is_sdown"] for one in replicas] == [False]

        await eventually(follows)
    client = open_valkey(trio.settings)
    yield client
    await client.aclose()


def kill(server: Server) -> None:
    server.process.kill()
    server.process.wait()


async def test_a_client_finds_the_replica_that_took_over(trio: Trio, by_sentinels: Valkey) -> None:
    await by_sentinels.set("a", "1")
    assert (await by_sentinels.config_get("port"))["port"] == str(trio.primary.port)
    assert await by_sentinels.wait(1, 5000) == 1
    kill(trio.primary)

    async def taken_over() -> bool:
        await by_sentinels.set("b", "2")
        return (await by_sentinels.config_get("port"))["port"] == str(trio.replica.port)

    await eventually(taken_over)
    assert await by_sentinels.get("a") == "1"


async def lost(replica: redis.Redis, sid: str) -> bool:
    """The replica had heard of a session, and forgets it."""
    return bool(await replica.delete(key_space.session(sid)))


async def knows(stream: EventStream, sid: str, state: str) -> bool:
    found = await stream.projection(sid)
    return found is not None and found.state == state


async def test_what_the_replica_lacks_is_projected_anew(database, trio: Trio, by_sentinels: Valkey) -> None:
    """Ends above all: a session whose end the new primary never heard of must not live again there (S3, S7)."""
    await begin_sessions(database, 1, prefix="r", ended_ago=60)
    await begin_sessions(database, 1, prefix="l")
    ended, live = ("r" + "1".zfill(21), "l" + "1".zfill(21))
    other = open_valkey(trio.settings)
    async with listening(other) as listener, running_relay(database("worker"), by_sentinels):
        await tell(database("idp"), by_sentinels, 1)
        await until(lambda: 1 in listener.numbers())
        async with at(trio.replica) as replica:
            await replica.config_set("replica-read-only", "no")
            for sid in (ended, live):
                await eventually(partial(lost, replica, sid))
        resets = listener.resets
        kill(trio.primary)
        await tell(database("idp"), by_sentinels, 2)
        await until(lambda: 2 in listener.numbers(), seconds=20)
        assert listener.resets > resets, "nobody goes on believing what was known before"
        for sid, state in ((ended, "ended"), (live, "live")):
            await eventually(partial(knows, EventStream(other), sid, state))
        beats = len(listener.heartbeats)
        await until(lambda: len(listener.heartbeats) > beats)
    await other.aclose()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sentinels": ["10.0.0.1:26379"], "url": "redis://10.0.0.1:6379"},
        {"sentinels": ["10.0.0.1"]},
        {"sentinels": ["redis://10.0.0.1:26379"]},
    ],
)
def test_a_place_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ValkeySettings.model_validate(wrong)


def test_it_is_embedded_where_nothing_is_said() -> None:
    assert ValkeySettings().is_embedded
    assert not ValkeySettings(url="redis://10.0.0.1:6379").is_embedded
    assert not ValkeySettings(sentinels=("10.0.0.1:26379", "[::1]:26379")).is_embedded
