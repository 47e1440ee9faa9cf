"""Processes pinned to a core each, and wrk, which makes the load: a C program, so that it is not what is measured."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class CannotMeasure(Exception):
    """The machine lacks what the benchmark needs, or something failed; the message says what."""


@dataclass(frozen=True)
class Round:
    """What one side did in one round."""

    requests_per_second: float
    p50: float
    """Milliseconds."""
    p99: float
    """Milliseconds."""
    cpu: float
    """Microseconds of processor time a request, user and system."""


def two_cores(*tools: str) -> tuple[int, int]:
    """A core for who is measured, and one for all others. Raises `CannotMeasure` without them, or a tool."""
    missing = [tool for tool in (*tools, "wrk", "taskset") if shutil.which(tool) is None]
    cores = sorted(os.sched_getaffinity(0))
    if missing or len(cores) < 2:
        raise CannotMeasure(f"missing: {', '.join(missing)}" if missing else "a second core is needed")
    return cores[0], cores[1]


@contextmanager
def pinned(core: int, *command: str, **more: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process on this core; `more` is `Popen`'s."""
    process: subprocess.Popen[bytes] = subprocess.Popen(["taskset", "-c", str(core), *command], **more)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Stay on this core, with all that is started from here."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def load(
    process: subprocess.Popen[bytes],
    address: str,
    *,
    core: int,
    connections: int,
    seconds: int,
    headers: Sequence[str] = (),
    script: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Round:
    """So many connections ask the same again and again; whatever is no success fails. `script` is Lua for wrk."""
    before = cpu_seconds(process.pid)
    command = [
        "taskset",
        "-c",
        str(core),
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "--timeout",
        "30s",
    ]
    command += [part for header in headers for part in ("-H", header)]
    command += ["-s", str(script)] if script else []
    told = subprocess.run(
        [*command, address], capture_output=True, text=True, check=True, env={**os.environ, **(environment or {})}
    ).stdout
    used = cpu_seconds(process.pid) - before
    requests = int(_found(r"(\d+) requests in", told))
    if not requests or "Non-2xx" in told or "Socket errors" in told:
        raise CannotMeasure(f"requests failed:\n{told}")
    return Round(
        float(_found(r"Requests/sec:\s+([\d.]+)", told)),
        _milliseconds("50%", told),
        _milliseconds("99%", told),
        used / requests * 1e6,
    )


def _milliseconds(share: str, told: str) -> float:
    number, unit = re.findall(share + r"\s+([\d.]+)(us|ms|s|m)\b", told)[0]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise CannotMeasure(f"wrk said something else:\n{text}")
    return match[1]


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    """Return once it holds. Raises `CannotMeasure` where it does not in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise CannotMeasure("a process of the benchmark did not start")
        time.sleep(0.01)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
