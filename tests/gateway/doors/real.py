"""nginx and HAProxy themselves, configured by the very files in `docs/doors/`, with other addresses."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.door import asking_server
from tests.gateway.doors.proxies import READY
from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import free_port

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"


def nginx(
    folder: Path, port: int, door: str, gateway: str, service: str, authority: Authority | None = None
) -> list[str]:
    """The command that runs it; addresses are `host:port` or `unix:/path`. With an authority it ends TLS, and takes the
    certificates of clients that it issued."""
    listen = f"127.0.0.1:{port}"
    if authority is not None:
        files = authority.server("localhost")
        listen += f" ssl; ssl_certificate {files.certificate}; ssl_certificate_key {files.key}"
        listen += f"; ssl_client_certificate {authority.file}; ssl_verify_client optional"
    shown = asking_server(listen=listen, door=door, gateway=gateway, service=service)
    file = folder / "nginx.conf"
    temporary = "".join(f"{kind}_temp_path {folder}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    file.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{shown}\n}}\n"
    )
    return [NGINX, "-e", str(folder / "nginx.log"), "-p", str(folder), "-c", str(file)]


def haproxy(
    folder: Path, port: int, door: str, gateway: str, service: str, authority: Authority | None = None
) -> list[str]:
    """The same of HAProxy."""
    bind = f"bind 127.0.0.1:{port}"
    if authority is not None:
        files, both = authority.server("localhost"), folder / "both.pem"
        both.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
        bind += f" ssl crt {both} ca-file '{authority.file}' verify optional"
    shown = (READY / "haproxy.cfg").read_text(encoding="utf-8")
    for found, meant in (
        ("bind 127.0.0.1:8000", bind),
        ("lua-load-per-thread haproxy.lua", f"lua-load-per-thread {READY / 'haproxy.lua'}"),
        ("lua.munjigi 127.0.0.1:8090", f"lua.munjigi {door}"),
        ("server gateway 127.0.0.1:8080", f"server gateway {gateway.replace('unix:', 'unix@')}"),
        ("server service 127.0.0.1:7100", f"server service {service.replace('unix:', 'unix@')}"),
    ):
        assert shown.count(found) == 1, found
        shown = shown.replace(found, meant)
    file = folder / "haproxy.cfg"
    file.write_text(shown)
    return [HAPROXY, "-db", "-q", "-f", str(file)]


Command = Callable[[Path, int, str, str, str, Authority | None], list[str]]
KINDS = [
    pytest.param(nginx, id="nginx", marks=pytest.mark.skipif(not os.access(NGINX, os.X_OK), reason="no nginx here")),
    pytest.param(
        haproxy, id="haproxy", marks=pytest.mark.skipif(not os.access(HAPROXY, os.X_OK), reason="no HAProxy here")
    ),
]


@asynccontextmanager
async def in_front(
    kind: Command, folder: Path, *, door: str, gateway: str, service: str, authority: Authority | None = None
) -> AsyncIterator[int]:
    """The port of one that runs."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(*kind(folder, port, door, gateway, service, authority))
    try:
        async with asyncio.timeout(30):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        assert process.returncode is None, "it does not start"
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
