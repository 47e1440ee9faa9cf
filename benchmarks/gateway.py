"""The gateway against nginx `proxy_pass`: 1 KiB, keep-alive, 64 connections, each on one core.

One origin (nginx, unix socket) and wrk share the other core. Rounds alternate between the two, so that whatever else
the machine does falls on both; the medians of the rounds are reported. nginx only proxies; the gateway also checks the
token, looks up the session, decides, logs the decision and signs for the upstream (benchmarks/gateway_process.py).
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.result import Result

COMMAND = "python -m benchmarks.gateway"
PEER = "nginx proxy_pass"
ROUNDS = 7
SECONDS = 2
CONNECTIONS = 64
HOST = "shop.localhost:8080"
PATH = "/products"

_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; default_type application/json;
    client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
    fastcgi_temp_path {folder}/{name}.fastcgi; uwsgi_temp_path {folder}/{name}.uwsgi;
    scgi_temp_path {folder}/{name}.scgi;
    {server}
}}
"""
_ORIGIN = 'server {{ listen unix:{folder}/origin.sock; location / {{ return 200 "{body}"; }} }}'
_PROXY = """
    upstream origin {{ server unix:{folder}/origin.sock; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
"""


class CannotMeasure(Exception):
    """The machine lacks what the benchmark needs; the message says what."""


@dataclass(frozen=True)
class Round:
    """What one side did in one round."""

    requests_per_second: float
    p99: float
    """Milliseconds."""
    cpu: float
    """Microseconds of processor time a request, user and system."""


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without nginx, wrk, taskset or a second core."""
    missing = [tool for tool in ("nginx", "wrk", "taskset") if shutil.which(tool) is None]
    cores = sorted(os.sched_getaffinity(0))
    if missing or len(cores) < 2:
        raise CannotMeasure(f"missing: {', '.join(missing)}" if missing else "a second core is needed")
    proxy_core, load_core = cores[0], cores[1]
    with tempfile.TemporaryDirectory(prefix="mj-bench-") as path, ExitStack() as started:
        folder = Path(path)
        nginx_port, our_port = _free_port(), _free_port()
        origin = _ORIGIN.format(folder=folder, body="k" * 1024)
        proxy = _PROXY.format(folder=folder, port=nginx_port)
        started.enter_context(_process(load_core, *_nginx(folder, "origin", origin)))
        _wait_for(lambda: (folder / "origin.sock").exists())
        nginx = started.enter_context(_process(proxy_core, *_nginx(folder, "proxy", proxy)))
        command = [sys.executable, "-m", "benchmarks.gateway_process", path, f"127.0.0.1:{our_port}"]
        ours = started.enter_context(_process(proxy_core, *command, f"unix:{folder}/origin.sock"))
        _wait_for(lambda: (folder / "token").exists())
        token = (folder / "token").read_text()
        sides = ((nginx, nginx_port), (ours, our_port))
        for process, port in sides:
            _load(process, port, token, load_core, seconds=1)
        rounds = [[_load(process, port, token, load_core) for process, port in sides] for _ in range(ROUNDS)]
    return _results([theirs for theirs, _ in rounds], [ours for _, ours in rounds])


def _results(theirs: list[Round], ours: list[Round]) -> list[Result]:
    def median(rounds: list[Round], name: str) -> float:
        return float(statistics.median(getattr(one, name) for one in rounds))

    return [
        Result.against(id, median(ours, field), unit, PEER, median(theirs, field), COMMAND)
        for id, field, unit in (  # noqa: A001 - the field's name
            ("gateway.requests_per_core", "requests_per_second", "requests/s"),
            ("gateway.p99", "p99", "ms"),
            ("gateway.cpu_per_request", "cpu", "us"),
        )
    ]


def _nginx(folder: Path, name: str, server: str) -> list[str]:
    conf = folder / f"{name}.conf"
    conf.write_text(_NGINX.format(folder=folder, name=name, server=server))
    return ["nginx", "-c", str(conf), "-e", str(folder / f"{name}.log")]


@contextmanager
def _process(core: int, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["taskset", "-c", str(core), *command])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _load(process: subprocess.Popen[bytes], port: int, token: str, core: int, *, seconds: int = SECONDS) -> Round:
    before = _cpu_seconds(process.pid)
    headers = [f"Host: {HOST}", f"Authorization: Bearer {token}", "Accept: application/json", "User-Agent: benchmark"]
    told = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
        + [part for header in headers for part in ("-H", header)]
        + [f"http://127.0.0.1:{port}{PATH}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    used = _cpu_seconds(process.pid) - before
    if "Non-2xx" in told or "Socket errors" in told:
        raise CannotMeasure(f"requests failed:\n{told}")
    requests = int(_found(r"(\d+) requests in", told))
    number, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", told)[0]
    milliseconds = float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
    return Round(float(_found(r"Requests/sec:\s+([\d.]+)", told)), milliseconds, used / requests * 1e6)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise CannotMeasure(f"wrk said something else:\n{text}")
    return match[1]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise CannotMeasure("a process of the benchmark did not start")
        time.sleep(0.01)


if __name__ == "__main__":
    for result in run():
        ours, theirs = f"{result.value:,.2f} {result.unit}", f"{result.peer} {result.peer_value:,.2f}"
        print(f"{result.id}: {ours}; {theirs}; ratio {result.ratio:.2f}")
