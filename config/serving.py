"""How every web process listens, tells that it is ready, and drains."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

DRAIN = 5
"""Seconds that exchanges in flight have to end once the process is asked to stop."""


class CannotListen(Exception):
    """An address cannot be listened on; the message names it and why."""


def listener(listen: str, *, shared: bool = False) -> socket.socket:
    """A listening socket for `host:port` or `unix:/path`; a unix socket is open to this account alone (0600). `shared`:
    several processes of this account may listen on the port, and the kernel spreads connections over them.

    Raises `CannotListen` when somebody else listens there already or may, and for an address that is none.
    """
    try:
        if listen.startswith("unix:"):
            return _unix_listener(Path(listen.removeprefix("unix:")))
        host, _, port = listen.rpartition(":")
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        bound = socket.socket(found[0], socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind(found[4])
            bound.listen(2048)
        except OSError:
            bound.close()
            raise
    except (OSError, ValueError) as error:
        reason = "another program listens there" if _in_use(error) else str(error)
        raise CannotListen(f"{listen}: {reason}") from error
    return bound


def _in_use(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EADDRINUSE


def _unix_listener(path: Path) -> socket.socket:
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
        probe.connect(str(path))
        raise OSError(errno.EADDRINUSE, "another process listens there")
    path.unlink(missing_ok=True)  # of a process that was killed
    bound = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        bound.bind(str(path))
        bound.listen(2048)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers (the process's own set `stop`), and with word of when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def collect_rarely() -> None:
    """Requests leave no circles behind, so the collector need not look at everything after every few hundred of them.

    What stands at the start stays for good, and is looked at no more: call it once a process, when all is built.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def serve_application(
    app: Any,
    listen: str,
    *,
    ready: Callable[[], None],
    stop: asyncio.Event,
    drain: float = DRAIN,
    **options: Any,
) -> None:
    """Serve an ASGI application on `listen` until `stop` is set, then drain for at most `drain` seconds.

    `ready` is called once connections are taken. `options` go to `uvicorn.Config`, for example `http=` with a protocol
    class. uvicorn's own signals, access log, lifespan and `Server` header are off.
    """
    bound = listener(listen)
    config = uvicorn.Config(
        app,
        **{
            "http": "httptools",
            "ws": "websockets-sansio",
            "lifespan": "off",
            "log_config": None,
            "log_level": "warning",
            "access_log": False,
            "server_header": False,
            "proxy_headers": False,
            "timeout_graceful_shutdown": max(1, round(drain)),
            **options,
        },
    )
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        _close(bound, listen)


def _close(bound: socket.socket, listen: str) -> None:
    bound.close()
    if listen.startswith("unix:"):
        Path(listen.removeprefix("unix:")).unlink(missing_ok=True)
