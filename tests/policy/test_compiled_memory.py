"""Memory of compiled policies: there when it is written, gone when nobody reads it, and never under anybody's eyes."""

from __future__ import annotations

import os
from pathlib import Path

from policy.compiled_memory import STEP, give_back, taken
from policy.decide import decide_anew
from policy.snapshot import Snapshot, compiled
from tests.policy.samples import policy, request, rule

MUCH = 256 * 1024 * 1024


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_there_once_it_is_written() -> None:
    before = resident()
    memory = taken(MUCH)
    assert resident() - before < MUCH // 8
    memory[MUCH - 3 :] = b"end"
    assert memory[MUCH - 3 :] == b"end"
    memory.close()


async def test_what_nobody_reads_is_given_back() -> None:
    memory = taken(3 * STEP + 5)
    await give_back(memory)
    assert memory.closed


async def test_what_somebody_still_decides_by_is_left_as_it_is() -> None:
    made = compiled(policy(rule("a")))
    memory = taken(len(made) + STEP * 2)
    memory[: len(made)] = made
    whole = memoryview(memory)
    await give_back(memory)
    assert bytes(whole[: len(made)]) == made
    del whole
    memory.resize(len(made))
    reader = Snapshot(1, memory)
    await give_back(memory)
    assert decide_anew(request(), reader).winner == "a"
    del reader
    await give_back(memory)
    assert memory.closed
