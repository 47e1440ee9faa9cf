"""Twice as many requests as the gateway can answer: how long those wait that get in, with shedding and without.

Requests are due at even distances whatever became of those before (`open_loop.lua`), so a server that falls behind is
not spared. What is turned away is answered 503 and timed apart. At half the peak nothing may be turned away.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import nginx
from benchmarks.gateway import HOST, RULES, SESSIONS, SMALL, Side, gateway
from benchmarks.result import Result, tell
from benchmarks.wrk import CannotMeasure, two_cores, wait_for

COMMAND = "python -m benchmarks overload"
SECONDS = 8
CONNECTIONS = 4000
LOADS = (0.5, 0.9, 1.5, 2.0)
"""Of the peak."""
_SCRIPT = Path(__file__).with_name("open_loop.lua")


@dataclass(frozen=True)
class Answers:
    """What became of the requests of one round."""

    passed: float
    """Answered 200, a second."""
    refused: float
    """Answered 503, a second."""
    p50: float
    """Milliseconds, of those answered 200."""
    p99: float
    behind: float
    """Milliseconds by which the load itself was late at most: more connections would have been needed."""


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
        tell(f"    p50 {seen.p50:.1f}, p99 {seen.p99:.1f} ms; the load was {seen.behind:.0f} ms late at most")
    name, peer = f"overload.{load * 100:.0f}_percent", "no shedding"
    return [
        Result.against(f"{name}.passed", ours.passed, "requests/s", peer, without.passed, COMMAND),
        Result.against(f"{name}.refused", ours.refused, "requests/s", "the peak", peak, COMMAND),
        Result.against(f"{name}.p50", ours.p50, "ms", peer, without.p50, COMMAND),
        Result.against(f"{name}.p99", ours.p99, "ms", peer, without.p99, COMMAND),
    ]


def _answers(side: Side, rate: float, core: int) -> Answers:
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--timeout", "30s"]
    for header in (f"Host: {HOST}", "Accept: application/json", "User-Agent: benchmark", *side.headers):
        command += ["-H", header]
    command += ["-s", str(_SCRIPT), f"http://127.0.0.1:{side.port}{SMALL}"]
    environment = {**os.environ, "RATE": str(rate)}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    ended = re.search(r"OPEN (\d+) (\d+) ([\d.]+)", told)
    if ended is None or int(ended[2]):
        raise CannotMeasure(f"answers are missing, or neither 200 nor 503:\n{told}")
    buckets = sorted((float(upto), int(count)) for upto, count in re.findall(r"BUCKET ([\d.]+) (\d+)", told))
    passed = sum(count for _, count in buckets)
    return Answers(
        passed / SECONDS,
        int(ended[1]) / SECONDS,
        _share(buckets, passed, 0.5),
        _share(buckets, passed, 0.99),
        float(ended[3]),
    )


def _share(buckets: list[tuple[float, int]], total: int, share: float) -> float:
    """The bound below which so many lie."""
    seen = 0
    for upto, count in buckets:
        seen += count
        if seen >= share * total:
            return upto
    raise CannotMeasure("nothing passed")
