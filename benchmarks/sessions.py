"""What a live session costs at 100,000 of them: the check of a warm request, and memory in a gateway and in Valkey.

The check is what every request pays for its session: the look into the near cache, both clocks, the lease and the count
of its staleness. Its peer is the bare look into a dictionary of as many. Memory is that of the process, by what the
kernel says of it, and that of Valkey, by what it says itself; the peer of both is the promise of 1 KiB a session.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import resource
import timeit
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from benchmarks.own_folder import own_folder
from benchmarks.result import Result, tell
from config.clock import SystemClock
from config.connections import open_valkey
from config.engines.embedded import running_engines
from config.entropy import SystemEntropy
from config.settings import Settings
from events.projection import SessionState
from events.storage.stream import EventStream
from gateway.sessions.session_check import SessionCheck

COMMAND = "python -m benchmarks sessions"
SESSIONS = 100_000
PROMISED = 1024.0
"""Bytes."""
CHECKS, ROUNDS = 200_000, 7
BATCH = 1000


def run() -> list[Result]:
    """All three, each in a process of its own, so that none measures what another left behind."""
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        ours, theirs = pool.apply(_check)
        held = pool.apply(_near_cache)
    with own_folder() as folder:
        kept = asyncio.run(_valkey(Settings(var=folder / "v")))
    tell(f"  check {ours:.0f} ns, {held:.0f} bytes in the near cache, {kept:.0f} bytes in Valkey")
    promise = "the promise: 1 KiB"
    return [
        Result.against("sessions.check", ours, "ns", "a bare look into a dict of as many", theirs, COMMAND),
        Result.against("sessions.near_cache", held, "bytes a session", promise, PROMISED, COMMAND),
        Result.against("sessions.valkey", kept, "bytes a session", promise, PROMISED, COMMAND),
    ]


def _filled() -> tuple[SessionCheck, list[str]]:
    clock, entropy = SystemClock(), SystemEntropy()
    now = clock.timestamp()
    sessions = SessionCheck(valkey=open_valkey(Settings()), clock=clock, lease=3600.0)
    sids = [entropy.token(16) for _ in range(SESSIONS)]
    for sid in sids:
        sessions.cache.learn_live(
            sid, 1, idle_expires_at=now + random.uniform(600, 1800), absolute_expires_at=now + 43200
        )
    sessions.heartbeat(now)
    return sessions, sids


def _check() -> tuple[float, float]:
    """Nanoseconds of our check and of the bare look, the quickest of several rounds in turns."""
    sessions, sids = _filled()
    now = SystemClock().timestamp()
    batches = [[random.choice(sids) for _ in range(BATCH)] for _ in range(CHECKS // BATCH)]
    bare = dict.fromkeys(sids, now)

    clock = SystemClock()

    def ours() -> None:
        for batch in batches:
            sessions.heartbeat(clock.timestamp())  # as the relay's come, ten a second
            for sid in batch:
                if sessions.warm(sid, now) is None or sessions.overdue() is not None:
                    raise AssertionError(sid)

    def theirs() -> None:
        for batch in batches:
            for sid in batch:
                if bare.get(sid) is None:
                    raise AssertionError(sid)

    gc.collect()
    gc.freeze()
    taken: dict[Callable[[], None], float] = {ours: float("inf"), theirs: float("inf")}
    for _ in range(ROUNDS):
        for way, best in tuple(taken.items()):
            taken[way] = min(best, timeit.timeit(way, number=1))
    return taken[ours] / CHECKS * 1e9, taken[theirs] / CHECKS * 1e9


def _near_cache() -> float:
    """Bytes by which the process grows for each session, its id included."""
    gc.collect()
    before = _resident()
    sessions, _sids = _filled()
    gc.collect()
    grown = _resident() - before
    assert len(sessions.cache.live) == SESSIONS
    return grown / SESSIONS


def _resident() -> int:
    """Bytes of this process that stand in memory (proc(5), `statm`)."""
    return int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1]) * resource.getpagesize()


async def _valkey(settings: Settings) -> float:
    """Bytes by which Valkey grows for each projected session."""
    entropy, now = SystemEntropy(), SystemClock().timestamp()
    with running_engines(settings, durable=False):
        valkey = open_valkey(settings)
        try:
            stream = EventStream(valkey)
            before = int((await valkey.info("memory"))["used_memory"])
            for _ in range(SESSIONS // BATCH):
                await stream.project(
                    [
                        SessionState(
                            sid=entropy.token(16),
                            sub=str(entropy.uuid()),
                            version=1,
                            state="live",
                            idle_expires_at=now + random.uniform(600, 1800),
                            absolute_expires_at=now + 43200,
                        )
                        for _ in range(BATCH)
                    ]
                )
            return (int((await valkey.info("memory"))["used_memory"]) - before) / SESSIONS
        finally:
            await valkey.aclose()
