"""nginx as the benchmarks run it: the origin of all sides, and the proxies that ours is measured against."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.door import asking_server
from benchmarks.wrk import pinned

LARGE = 1024 * 1024
"""Bytes of the large body."""
SMALL = 1024

_MAIN = """
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 16384;
pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections 8192; }}
http {{
    access_log off; keepalive_requests 1000000000; default_type application/json;
    client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
    fastcgi_temp_path {folder}/{name}.fastcgi; uwsgi_temp_path {folder}/{name}.uwsgi;
    scgi_temp_path {folder}/{name}.scgi;
    {server}
}}
"""
_ORIGIN = """
    server {{
        listen unix:{folder}/origin.sock backlog=4096;
        root {folder}/bodies;
        location / {{ return 200 "{body}"; }}
        location /products/large {{ sendfile on; try_files /large =404; }}
    }}
"""
_UPSTREAM = """
    upstream origin {{ server unix:{folder}/origin.sock; keepalive 1024; keepalive_requests 1000000000; }}
"""
_PASS = """proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;"""
_PROXY = (
    _UPSTREAM
    + """
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            """
    + _PASS
    + """
        }}
    }}
"""
)
_ASKING_ONE_THAT_SAYS_YES = (
    _UPSTREAM
    + """
    upstream door {{ server 127.0.0.1:{door}; keepalive 1024; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            auth_request /ask;
            """
    + _PASS
    + """
        }}
        location = /ask {{
            internal;
            proxy_pass http://door; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_pass_request_body off; proxy_set_header Content-Length "";
        }}
    }}
"""
)


@contextmanager
def origin(folder: Path, core: int) -> Iterator[Path]:
    """What all sides lead to; gives its socket. `/products/large` is 1 MiB, everything else 1 KiB."""
    (folder / "bodies").mkdir()
    (folder / "bodies" / "large").write_bytes(b"k" * LARGE)
    folder.chmod(0o755)  # nginx's workers may be of another account
    with _run(folder, core, "origin", _ORIGIN.format(folder=folder, body="k" * SMALL)):
        yield folder / "origin.sock"


@contextmanager
def proxy(folder: Path, core: int, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`proxy_pass` alone."""
    with _run(folder, core, "proxy", _PROXY.format(folder=folder, port=port)) as process:
        yield process


@contextmanager
def asking_yes(folder: Path, core: int, port: int, *, door: int) -> Iterator[subprocess.Popen[bytes]]:
    """`proxy_pass` after `auth_request` to a port that lets everything pass."""
    server = _ASKING_ONE_THAT_SAYS_YES.format(folder=folder, port=port, door=door)
    with _run(folder, core, "yes", server) as process:
        yield process


@contextmanager
def asking(folder: Path, core: int, port: int, *, door: int, gateway: int) -> Iterator[subprocess.Popen[bytes]]:
    """nginx as the documentation has it before our decision door."""
    server = asking_server(
        listen=f"127.0.0.1:{port} backlog=4096",
        door=f"127.0.0.1:{door}",
        gateway=f"127.0.0.1:{gateway}",
        service=f"unix:{folder}/origin.sock",
    )
    with _run(folder, core, "asking", server) as process:
        yield process


@contextmanager
def _run(folder: Path, core: int, name: str, server: str) -> Iterator[subprocess.Popen[bytes]]:
    conf = folder / f"{name}.conf"
    conf.write_text(_MAIN.format(folder=folder, name=name, server=server))
    with pinned(core, "nginx", "-c", str(conf), "-e", str(folder / f"{name}.log")) as process:
        yield process
