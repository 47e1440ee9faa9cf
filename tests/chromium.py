"""One Chromium for all tests of a process: each test connects to it and has contexts, and so cookies, of its own.

Its `localhost:9000`, where the identity provider stands in many tests, is the port of `provider_socket()`.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from playwright._impl._async_base import mapping
from playwright._impl._driver import compute_driver_executable, get_driver_env
from playwright._impl.connection import Connection
from playwright._impl.utils.tasks import wait_for_next_task
from playwright.async_api import Browser
from websockets.asyncio.client import ClientConnection, connect

from config.engines.child import bound_to_this_process


def program() -> str:
    """Debian's Chromium, or whichever stands in its place; `make test` installs it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise AssertionError("no Chromium; `make test` installs it")


def light_program() -> str:
    """Chromium's headless shell where there is one: two thirds of the processor time, for whole houses.

    Where a test turns the page's clock, the shell at times forgets to go on.
    """
    return shutil.which("chromium-headless-shell") or program()


@asynccontextmanager
async def shared_chromium() -> AsyncIterator[Browser]:
    """A connection to it; what was opened by it is closed with it.

    It goes straight to the server that holds the browser. Playwright's own way leads through one more program for each
    connection, which takes longer to start than most tests take.
    """
    async with connect(_address(), max_size=None, compression=None) as wire:
        connection = Connection(asyncio.get_running_loop())
        connection.mark_as_remote()
        sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        connection.onmessage = sent.put_nowait
        speaking = [asyncio.create_task(_tell(wire, sent)), asyncio.create_task(_hear(wire, connection))]
        try:
            browser = (await connection.initialize_playwright())._pre_launched_browser()
            yield mapping.from_maybe_impl(browser)
        finally:
            connection.close()
            for task in speaking:
                task.cancel()
            await asyncio.wait(speaking)


async def _tell(wire: ClientConnection, sent: asyncio.Queue[dict[str, Any]]) -> None:
    while True:
        await wire.send(json.dumps(await sent.get()))


async def _hear(wire: ClientConnection, connection: Connection) -> None:
    async for message in wire:
        try:
            connection.dispatch(json.loads(message))
        except Exception as error:
            connection._on_event_listener_error(error)  # the next call raises it
        await wait_for_next_task()
    connection.close()


def provider_socket() -> socket.socket:
    """One that listens where its `localhost:9000` leads to; close it."""
    own = _socket(_provider_port_holder().getsockname()[1])
    own.listen(128)
    return own


@cache
def _provider_port_holder() -> socket.socket:
    """It never listens: it keeps the port from being given to anybody else."""
    return _socket(0)


def _socket(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


@cache
def _address() -> str:
    """Start it."""
    mapped = f"--host-resolver-rules=MAP localhost:9000 127.0.0.1:{_provider_port_holder().getsockname()[1]}"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as options:
        json.dump({"executablePath": program(), "args": ["--no-sandbox", mapped]}, options)
        options.flush()
        process = subprocess.Popen(
            [*compute_driver_executable(), "launch-server", "--browser", "chromium", "--config", options.name],
            env=get_driver_env(),
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=bound_to_this_process(signal.SIGTERM),
        )
        assert process.stdout is not None
        address = process.stdout.readline().strip()
    assert address.startswith("ws://"), address
    atexit.register(_stop, process)
    return address


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with process:
        pass
