"""Twice as many requests as the gateway can answer: how long those wait that get in, with shedding and without.

Requests are due at even distances whatever became of those before (`benchmarks.open_loop`), so a server that falls
behind is not spared. What is turned away is answered 503 and timed apart. At half the peak nothing may be turned away.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import nginx
from benchmarks.gateway import HOST, RULES, SESSIONS, SMALL, Side, gateway
from benchmarks.open_loop import Answered
from benchmarks.result import Result, tell
from benchmarks.wrk import CannotMeasure, two_cores, wait_for

COMMAND = "python -m benchmarks overload"
SECONDS = 8
CONNECTIONS = 4000
LOADS = (0.5, 0.9, 1.5, 2.0)
"""Of the peak."""


@dataclass(frozen=True)
class Answers:
    """What became of the requests of one round."""

    passed: float
    """Answered 200, a second."""
    refused: float
    """Answered 503, a second."""
    unanswered: float
    p50: float
    """Milliseconds, of those answered 200."""
    p99: float
    held_back: float
    """Requests a second that found no connection free."""
    late: float
    """Milliseconds by which the load itself was late at most."""


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without nginx, wrk, taskset or a second core."""
    core, load_core = two_cores("nginx")
    with tempfile.TemporaryDirectory(prefix="mj-bench-") as path, ExitStack() as started:
        folder = Path(path)
        started.enter_context(nginx.origin(folder, load_core))
        wait_for(lambda: (folder / "origin.sock").exists())
        sides = {
            sheds: started.enter_context(gateway(folder, core, rules=RULES, sessions=SESSIONS, sheds=sheds))[0]
            for sheds in (True, False)
        }
        for side in sides.values():
            side.measure(load_core, seconds=1)
            side.again()
            for _ in range(3):
                side.measure(load_core)
        peak = sides[False].median("requests_per_second")
        tell(f"  the peak: {peak:,.0f} a second")
        return [row for load in LOADS for row in _at(load, peak, sides, load_core)]


def _at(load: float, peak: float, sides: dict[bool, Side], core: int) -> list[Result]:
    ours, without = (_answers(sides[sheds], load * peak, core) for sheds in (True, False))
    for name, seen in (("shedding", ours), ("no shedding", without)):
        tell(f"  {load} of the peak, {name}: {seen.passed:,.0f} a second pass, {seen.refused:,.0f} are turned away")
        tell(
            f"    p50 {seen.p50:.1f}, p99 {seen.p99:.1f} ms; {seen.unanswered:.0f} a second are not answered in time, "
        )
        tell(f"    {seen.held_back:.0f} a second found no connection free; the load was {seen.late:.0f} ms late")
    name, peer = f"overload.{load * 100:.0f}_percent", "no shedding"
    return [
        Result.against(f"{name}.passed", ours.passed, "requests/s", peer, without.passed, COMMAND),
        Result.against(f"{name}.refused", ours.refused, "requests/s", "the peak", peak, COMMAND),
        Result.against(f"{name}.p50", ours.p50, "ms", peer, without.p50, COMMAND),
        Result.against(f"{name}.p99", ours.p99, "ms", peer, without.p99, COMMAND),
    ]


def _answers(side: Side, rate: float, core: int) -> Answers:
    lines = (f"Host: {HOST}", "Accept: application/json", "User-Agent: benchmark", *side.headers)
    head = "\r\n".join((f"GET {SMALL} HTTP/1.1", *lines, "", "")).encode()
    command = ["taskset", "-c", str(core), sys.executable, "-m", "benchmarks.open_loop", str(side.port), str(rate)]
    told = subprocess.run(
        [*command, str(SECONDS), str(CONNECTIONS)], input=head, capture_output=True, check=True
    ).stdout
    seen = msgspec.json.decode(told, type=Answered)
    if seen.statuses.keys() - {"200", "503", "none"} or not seen.p99:
        raise CannotMeasure(f"answers were neither 200 nor 503: {seen.statuses}")
    return Answers(
        seen.statuses["200"] / SECONDS,
        seen.statuses.get("503", 0) / SECONDS,
        seen.statuses.get("none", 0) / SECONDS,
        seen.p50,
        seen.p99,
        seen.held_back / SECONDS,
        seen.late,
    )
