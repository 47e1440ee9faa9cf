"""A gateway of others as a child, from a configuration that is written for it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.house import free_port
from tests.proxy_suite.origin import Origin
from tests.proxy_suite.target import Target, shipped

HOST = "proxied.example"
_PATIENCE = 10.0


def found(name: str) -> str | None:
    """Where its program is; None: it is not installed."""
    return shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin")


async def version(name: str, *arguments: str) -> str:
    """What the program says of itself, on one line."""
    program = found(name)
    assert program is not None
    child = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await child.communicate()
    return said.decode().splitlines()[0]


@asynccontextmanager
async def control(
    name: str,
    origin: Origin,
    configuration: Callable[[Path, int, int], str],
    arguments: Callable[[Path], Sequence[str]],
) -> AsyncIterator[Target]:
    """Run it until the context ends. `configuration` is given a folder, its port and the origin's."""
    program, port = found(name), free_port()
    assert program is not None
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as path:
        folder = Path(path)
        file = folder / f"{name}.conf"
        file.write_text(configuration(folder, port, origin.port))
        with (folder / "log").open("wb") as log:
            child = await asyncio.create_subprocess_exec(program, *arguments(file), stdout=log, stderr=log)
            try:
                if not await _answers(port, child):
                    raise RuntimeError((folder / "log").read_text())
                yield shipped(name, url=f"http://127.0.0.1:{port}")
            finally:
                if child.returncode is None:
                    child.kill()
                await child.wait()


async def _answers(port: int, child: asyncio.subprocess.Process) -> bool:
    async with asyncio.timeout(_PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                if child.returncode is not None:
                    return False
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return True
