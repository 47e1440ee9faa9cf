"""The suite itself can fail: a pipe, which guards nothing, gets none of these rows right but what is sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.proxy_suite.origin import Origin
from tests.proxy_suite.rows import answers, chunks, framing, heads, hop_by_hop, identity, paths
from tests.proxy_suite.run import run
from tests.proxy_suite.target import Target
from tests.proxy_suite.trial import Outcome, Row

ROWS = {"framing": framing, "chunks": chunks, "heads": heads, "hops": hop_by_hop, "identity": identity, "paths": paths,
        "answers": answers}  # fmt: skip


@asynccontextmanager
async def pipe(origin: Origin) -> AsyncIterator[Target]:
    """Bytes both ways, as they come."""
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        other_reader, other = await asyncio.open_connection(origin.host, origin.port)
        await asyncio.gather(carry(reader, other), carry(other_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Target(url=f"http://127.0.0.1:{port}", host="proxied.example", closed="/closed",
                     identity=["X-Authenticated-User"], patience=0.2, silence=0.05)  # fmt: skip
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


PASSES = {
    "framing": {case.name for case in framing.ROW.cases if case.name in framing.SOUND}
    | {"three requests at once are answered in their order"},
    "chunks": {*chunks.SOUND, "trailers become no headers", "a body that comes byte by byte"},
    "heads": {"what RFC 9110 allows in a value arrives", "a head that comes byte by byte"},
    "hops": {"named by Connection, fields of the framing"},
    "identity": {"forged in a trailer", "forged in a body", "no line end gets into a generated header"},
    "paths": {"plain paths arrive as they are"},
    "answers": {
        *answers.BROKEN_OFF, "no head", "nothing", "a head that breaks off", "an answer that nobody asked for",
        "an answer before the end of the request", "three interim answers, and the final one", "every sound framing",
        "a body that ends with its connection",
    },
}  # fmt: skip
"""What is sound as it comes, or where a pipe has no memory that could be poisoned."""


@pytest.mark.parametrize("name", ROWS)
async def test_a_pipe_passes_nothing_but_what_is_sound(name: str) -> None:
    row: Row = ROWS[name].ROW
    async with Origin("127.0.0.1", 0) as origin, pipe(origin) as target:
        results = await run(target, origin, rows=[row])
    assert {one.case for one in results if one.outcome is Outcome.PASSED} <= PASSES[name]
