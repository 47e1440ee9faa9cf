"""The gateway against nginx `proxy_pass`: 1 KiB, keep-alive, 64 connections, each on one core.

One origin (nginx, unix socket) and wrk share the other core. Rounds alternate between the two, so that whatever else
the machine does falls on both; the medians of the rounds are reported. nginx only proxies; the gateway also checks the
token, looks up the session, decides, logs the decision and signs for the upstream (benchmarks/gateway_process.py).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.result import Result
from benchmarks.wrk import Round, free_port, load, pinned, two_cores, wait_for

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


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without nginx, wrk, taskset or a second core."""
    proxy_core, load_core = two_cores("nginx")
    with tempfile.TemporaryDirectory(prefix="mj-bench-") as path, ExitStack() as started:
        folder = Path(path)
        nginx_port, our_port = free_port(), free_port()
        origin = _ORIGIN.format(folder=folder, body="k" * 1024)
        proxy = _PROXY.format(folder=folder, port=nginx_port)
        started.enter_context(pinned(load_core, *_nginx(folder, "origin", origin)))
        wait_for(lambda: (folder / "origin.sock").exists())
        nginx = started.enter_context(pinned(proxy_core, *_nginx(folder, "proxy", proxy)))
        command = [sys.executable, "-m", "benchmarks.gateway_process", path, f"127.0.0.1:{our_port}"]
        ours = started.enter_context(pinned(proxy_core, *command, f"unix:{folder}/origin.sock"))
        wait_for(lambda: (folder / "token").exists())
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


def _load(process: subprocess.Popen[bytes], port: int, token: str, core: int, *, seconds: int = SECONDS) -> Round:
    return load(
        process,
        f"http://127.0.0.1:{port}{PATH}",
        core=core,
        connections=CONNECTIONS,
        seconds=seconds,
        headers=[
            f"Host: {HOST}",
            f"Authorization: Bearer {token}",
            "Accept: application/json",
            "User-Agent: benchmark",
        ],
    )


if __name__ == "__main__":
    for result in run():
        ours, theirs = f"{result.value:,.2f} {result.unit}", f"{result.peer} {result.peer_value:,.2f}"
        print(f"{result.id}: {ours}; {theirs}; ratio {result.ratio:.2f}")
