"""Weak hashes and open passwords get argon2id around them before they are kept: in processes of their own.

They run below everything else (`nice`), so that people who sign in meanwhile have the cores. Memory is bounded by their
number: each computes one at a time, and no more than one thousand wait.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

from argon2 import PasswordHasher

from config.engines.child import die_with_parent
from idp.credentials.legacy_hashes.catalogue import BY_NAME
from idp.credentials.legacy_hashes.stored import wrapped
from idp.credentials.password import MEMORY_COST, TIME_COST, prepared
from idp.importing.batch import Ready
from idp.importing.person import Candidate, Secret

SHARE = 8
"""Hashes that a process takes at once."""
FEW = 32
"""So many are done by one thread of this process: another one takes longer to start."""
_NICENESS = 10


class Wrapping:
    """Makes hashes as they will lie. `close()` it at the end."""

    def __init__(self, processes: int, *, memory_cost: int = MEMORY_COST, time_cost: int = TIME_COST) -> None:
        self._count = processes
        self._costs = (memory_cost, time_cost)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wrapping")
        self._processes: ProcessPoolExecutor | None = None

    async def ready(self, people: Sequence[Candidate]) -> list[Ready]:
        """These people, in their order, each with the hash that will lie."""
        waiting = [one.secret for one in people if one.secret is not None and one.secret.how != "kept"]
        made = iter(await self._made(waiting))
        return [Ready(one, _kept(one.secret) or (next(made) if one.secret is not None else None)) for one in people]

    def close(self) -> None:
        """End the processes."""
        self._thread.shutdown(cancel_futures=True)
        if self._processes is not None:
            self._processes.shutdown(cancel_futures=True)

    async def _made(self, secrets: Sequence[Secret]) -> list[str]:
        loop, executor = asyncio.get_running_loop(), self._executor(len(secrets))
        shares = [secrets[at : at + SHARE] for at in range(0, len(secrets), SHARE)]
        done = [loop.run_in_executor(executor, _make, share, *self._costs) for share in shares]
        return [one for share in await asyncio.gather(*done) for one in share]

    def _executor(self, waiting: int) -> Executor:
        if waiting <= FEW and self._processes is None:
            return self._thread
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self._count, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
            )
        return self._processes


def _kept(secret: Secret | None) -> str | None:
    return secret.stored or None if secret is not None else None


def _make(secrets: Sequence[Secret], memory_cost: int, time_cost: int) -> list[str]:
    argon2 = PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=1)
    made = []
    for secret in secrets:
        if secret.split is None:
            made.append(argon2.hash(prepared(secret.password)))
        else:
            made.append(wrapped(BY_NAME[secret.scheme], secret.split, argon2.hash(secret.split.digest)))
    return made


def _begin(parent: int) -> None:
    """Stand back behind everybody else, and end with whoever began this process, however that one ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGKILL, parent)
    os.nice(_NICENESS)
