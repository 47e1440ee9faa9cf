"""The gateway against what stands in its place, each on one core, with 10,000 rules and 100,000 live sessions loaded.

One origin (nginx, unix socket) and wrk share the other core. Rounds alternate between the sides, so that whatever else
the machine does falls on all; the medians of the rounds are reported. nginx's `proxy_pass` and the proxy in Python only
pass requests on; the gateway also checks the token, looks up the session, decides, logs the decision and signs for the
upstream (benchmarks/gateway_process.py).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import nginx
from benchmarks.result import Result, tell
from benchmarks.wrk import Round, free_port, listens, load, pinned, two_cores, wait_for

COMMAND = "python -m benchmarks gateway"
PEER = "nginx proxy_pass"
BARE = "a bare proxy of uvloop and httptools"
"""The most that Python can reach on this machine (benchmarks/bare_proxy.py)."""
ROUNDS = 7
SECONDS = 2
CONNECTIONS = 64
HOST = "shop.localhost:8080"
SMALL = "/products"
LARGE = "/products/large"
RULES = 10_000
SESSIONS = 100_000
SHAPES = ((1, SMALL), (1024, SMALL), (1, LARGE), (64, LARGE), (1024, LARGE))
"""Connections and what they ask for, besides the usual 64 connections and 1 KiB."""


@dataclass
class Side:
    """One that is measured."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    headers: Sequence[str] = ()
    rounds: list[Round] = field(default_factory=list)

    def measure(
        self,
        core: int,
        path: str = SMALL,
        *,
        connections: int = CONNECTIONS,
        seconds: int = SECONDS,
        script: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Round:
        """One round, which is also kept."""
        one = load(
            self.process,
            f"http://127.0.0.1:{self.port}{path}",
            core=core,
            connections=connections,
            seconds=seconds,
            headers=[f"Host: {HOST}", "Accept: application/json", "User-Agent: benchmark", *self.headers],
            script=None if script is None else Path(__file__).with_name(script),
            environment=environment,
        )
        self.rounds.append(one)
        return one

    def median(self, name: str) -> float:
        """Of the rounds since `again`."""
        return float(statistics.median(getattr(one, name) for one in self.rounds))

    def again(self) -> None:
        """Forget what was measured."""
        self.rounds.clear()


@contextmanager
def gateway(
    folder: Path,
    core: int,
    *,
    rules: int = RULES,
    sessions: int = SESSIONS,
    cold: int = 0,
    door: int | None = None,
    sheds: bool = False,
    service: Path | None = None,
    signs_by: Path | None = None,
) -> Iterator[tuple[Side, Path]]:
    """Ours, warm for one caller, and the file of its tokens. `folder` holds the origin's socket; `door`: the port of a
    decision door. `service`: the socket of a real service instead, which knows the key of assertions `signs_by`."""
    port = free_port()
    own = folder / f"ours-{port}"
    own.mkdir()
    command = [sys.executable, "-m", "benchmarks.gateway_process", str(own), f"127.0.0.1:{port}"]
    command += [
        f"unix:{service or folder / 'origin.sock'}",
        f"--rules={rules}",
        f"--sessions={sessions}",
        f"--cold={cold}",
    ]
    more = {} if door is None else {"MUNJIGI_GATEWAY__DECISION_LISTEN": f"127.0.0.1:{door}"}
    command += ["--sheds"] if sheds else []
    command += ["--signs-by", str(signs_by)] if signs_by else []
    with pinned(core, *command, env={**os.environ, **more}) as process:
        wait_for(lambda: (own / "tokens").exists(), seconds=120)
        with (own / "tokens").open() as tokens:
            token = tokens.readline().strip()
        yield Side("ours", process, port, (f"Authorization: Bearer {token}",)), own / "tokens"


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without nginx, wrk, taskset or a second core."""
    core, load_core = two_cores("nginx")
    with tempfile.TemporaryDirectory(prefix="mj-bench-") as path, ExitStack() as started:
        folder = Path(path)
        started.enter_context(nginx.origin(folder, load_core))
        wait_for(lambda: (folder / "origin.sock").exists())
        port = free_port()
        theirs = Side(PEER, started.enter_context(nginx.proxy(folder, core, port)), port)
        door = free_port()
        ours, _ = started.enter_context(gateway(folder, core, door=door))
        others = _others(started, folder, core, ours, door)
        for side in (theirs, ours, *others):
            wait_for(lambda side=side: listens(side.port))  # type: ignore[misc]  # mypy infers no type of the default
            side.measure(load_core, seconds=1)
            side.again()
        results = _usual(theirs, ours, others, load_core)
        results += _at_a_pace(theirs, ours, load_core)
        for connections, asked in SHAPES:
            results += _shape(theirs, ours, load_core, connections, asked)
    return results


def _others(started: ExitStack, folder: Path, core: int, ours: Side, door: int) -> list[Side]:
    proxy_port, yes_port, asking_yes_port, asking_port = free_port(), free_port(), free_port(), free_port()
    bare_port, origin = free_port(), f"unix:{folder}/origin.sock"
    bare = started.enter_context(
        pinned(core, sys.executable, "-m", "benchmarks.bare_proxy", f"127.0.0.1:{bare_port}", origin)
    )
    peers = [sys.executable, "-m", "benchmarks.peers"]
    proxy = started.enter_context(pinned(core, *peers, "proxy", f"127.0.0.1:{proxy_port}", origin))
    started.enter_context(pinned(core, *peers, "yes", f"127.0.0.1:{yes_port}"))
    asking_yes = started.enter_context(nginx.asking_yes(folder, core, asking_yes_port, door=yes_port))
    asking = started.enter_context(nginx.asking(folder, core, asking_port, door=door, gateway=ours.port))
    return [
        Side("a proxy of uvicorn and aiohttp", proxy, proxy_port),
        Side("nginx and auth_request to an ASGI app that says yes", asking_yes, asking_yes_port),
        Side("nginx and auth_request to our decision door", asking, asking_port, ours.headers),
        Side(BARE, bare, bare_port, ours.headers),
    ]


def _usual(theirs: Side, ours: Side, others: Sequence[Side], core: int) -> list[Result]:
    """64 connections, 1 KiB."""
    for number in range(ROUNDS):
        tell(f"  64 connections, 1 KiB: round {number + 1} of {ROUNDS}")
        for side in (theirs, ours, *others):
            side.measure(core)
    rate = ours.median("requests_per_second")
    results = [
        Result.against(id, ours.median(name), unit, PEER, theirs.median(name), COMMAND)
        for id, name, unit in (  # noqa: A001 - the field's name
            ("gateway.requests_per_core", "requests_per_second", "requests/s"),
            ("gateway.p50", "p50", "ms"),
            ("gateway.p99", "p99", "ms"),
            ("gateway.cpu_per_request", "cpu", "us"),
        )
    ]
    python, yes, door, bare = (side.median("requests_per_second") for side in others)
    alone = theirs.median("requests_per_second")
    results += [
        Result.against("gateway.ceiling", bare, "requests/s", PEER, alone, COMMAND),
        Result.against("gateway.ceiling_cpu", others[3].median("cpu"), "us", PEER, theirs.median("cpu"), COMMAND),
        Result.against("gateway.of_ceiling", rate, "requests/s", BARE, bare, COMMAND),
        Result.against("gateway.python_proxy", rate, "requests/s", others[0].name, python, COMMAND),
        Result.against("gateway.door", door, "requests/s", PEER, alone, COMMAND),
        Result.against("gateway.door_of_an_app", door, "requests/s", others[1].name, yes, COMMAND),
    ]
    return results


def _at_a_pace(theirs: Side, ours: Side, core: int) -> list[Result]:
    """Both get half of what ours can at most, whatever they answer: what is seen by who comes then."""
    connections = 256
    interval = 1000 * connections / (ours.median("requests_per_second") / 2)
    tell(f"  at a pace: a request every {interval:.1f} ms on each of {connections} connections")
    for side in (theirs, ours):
        side.again()
    for _ in range(ROUNDS):
        for side in (theirs, ours):
            side.measure(core, connections=connections, script="paced.lua", environment={"INTERVAL": str(interval)})
    return [
        Result.against("gateway.half_load_p50", ours.median("p50"), "ms", PEER, theirs.median("p50"), COMMAND),
        Result.against("gateway.half_load_p99", ours.median("p99"), "ms", PEER, theirs.median("p99"), COMMAND),
    ]


def _shape(theirs: Side, ours: Side, core: int, connections: int, path: str) -> list[Result]:
    size = "1mib" if path == LARGE else "1kib"
    tell(f"  {connections} connections, {size}")
    for side in (theirs, ours):
        side.again()
    for _ in range(3):
        for side in (theirs, ours):
            side.measure(core, path, connections=connections)
    return [
        Result.against(
            f"gateway.{connections}x{size}.{end}", ours.median(name), unit, PEER, theirs.median(name), COMMAND
        )
        for end, name, unit in (
            ("rate", "requests_per_second", "requests/s"),
            ("p50", "p50", "ms"),
            ("p99", "p99", "ms"),
        )
    ]


if __name__ == "__main__":
    for result in run():
        value, theirs_value = f"{result.value:,.2f} {result.unit}", f"{result.peer} {result.peer_value:,.2f}"
        print(f"{result.id}: {value}; {theirs_value}; ratio {result.ratio:.2f}")
