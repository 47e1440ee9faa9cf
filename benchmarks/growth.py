"""What a request through the gateway costs with more rules, more live sessions, more callers, and a token not seen yet.

Processor time a request, of the gateway's process alone, which says more than a rate on a machine that others use, too.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import nginx
from benchmarks.gateway import Side, gateway
from benchmarks.result import Result, tell
from benchmarks.wrk import two_cores, wait_for

COMMAND = "python -m benchmarks growth"
ROUNDS = 5
RULES = (100, 10_000, 100_000)
SESSIONS = (10, 100_000, 1_000_000)
CALLERS = 1000
COLD = 60_000
"""Tokens that are shown once each, so many as a round may take."""


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without nginx, wrk, taskset or a second core."""
    core, load_core = two_cores("nginx")
    with tempfile.TemporaryDirectory(prefix="mj-bench-") as path, ExitStack() as started:
        folder = Path(path)
        started.enter_context(nginx.origin(folder, load_core))
        wait_for(lambda: (folder / "origin.sock").exists())
        results = _grown(folder, core, load_core, "rules", RULES)
        results += _grown(folder, core, load_core, "sessions", SESSIONS)
        results += _callers(folder, core, load_core)
    return results


def _grown(folder: Path, core: int, load_core: int, what: str, sizes: tuple[int, ...]) -> list[Result]:
    """The same request at each size, in turns."""
    with ExitStack() as started:
        sides: list[Side] = []
        for size in sizes:
            tell(f"  {size:,} {what}: starting")
            rules, sessions = (size, 10) if what == "rules" else (100, size)
            sides.append(started.enter_context(gateway(folder, core, rules=rules, sessions=sessions))[0])
        for side in sides:
            side.measure(load_core, seconds=1)
            side.again()
        for number in range(ROUNDS):
            tell(f"  {what}: round {number + 1} of {ROUNDS}")
            for side in sides:
                side.measure(load_core)
        least = sides[0].median("cpu")
        peer = f"with {sizes[0]:,} {what}"
        return [
            Result.against(f"growth.{what}_{size}", side.median("cpu"), "us", peer, least, COMMAND)
            for size, side in zip(sizes[1:], sides[1:], strict=True)
        ]


def _callers(folder: Path, core: int, load_core: int) -> list[Result]:
    with gateway(folder, core, rules=100, sessions=CALLERS, cold=COLD) as (side, tokens):

        def measured(first: int, count: int, seconds: int) -> float:
            turns = {"TOKENS": str(tokens), "FIRST": str(first), "COUNT": str(count)}
            return side.measure(load_core, script="callers.lua", environment=turns, seconds=seconds).cpu

        measured(0, CALLERS, 1)
        side.again()
        for _ in range(ROUNDS):
            side.measure(load_core)
        one = side.median("cpu")
        many = sorted(measured(0, CALLERS, 2) for _ in range(ROUNDS))[ROUNDS // 2]
        share = COLD // ROUNDS
        cold = sorted(measured(CALLERS + number * share, share, 1) for number in range(ROUNDS))[ROUNDS // 2]
    return [
        Result.against("growth.callers_1000", many, "us", "one caller alone", one, COMMAND),
        Result.against("growth.cold_token", cold, "us", "callers known, in turns", many, COMMAND),
        Result.against("growth.cold_token_more", cold - many, "us", "the promise: 100 us", 100.0, COMMAND),
    ]
