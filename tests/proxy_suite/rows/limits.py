"""Bounds of size and of time."""

from __future__ import annotations

import asyncio

from tests.proxy_suite.origin import Line
from tests.proxy_suite.trial import GET, POST, Case, Row, Trial, require

_PIECE = 1 << 16
LARGE = {
    "a head of 100 kB": GET + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "a head of 1 MB in many fields": GET + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 90) for n in range(10_000)) + b"\r\n",
    "1,000 fields": GET + b"X: a\r\n" * 1_000 + b"\r\n",
    "10,000 fields without a value": GET + b"X:\r\n" * 10_000 + b"\r\n",
    "a name of 100 kB": GET + b"X" * 100_000 + b": a\r\n\r\n",
    "a Cookie of 100 kB": GET + b"Cookie: a=" + b"a" * 100_000 + b"\r\n\r\n",
    "a target of 100 kB": b"GET <path>/first?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: <host>\r\n<through>\r\n",
    "a method of 100 kB": b"A" * 100_000 + b" <path>/first HTTP/1.1\r\nHost: <host>\r\n<through>\r\n",
    "a head of 1 MB without an end": GET + b"X: " + b"a" * 1_000_000,
    "a request line of 1 MB without an end": b"GET <path>/" + b"a" * 1_000_000,
    "empty lines without an end": b"\r\n" * 500_000,
}


async def _large(trial: Trial, head: bytes) -> None:
    wire = await trial.connect()
    wire.send(trial.fill(head))
    heard = await trial.hear(wire, most=1)
    require(not trial.arrived(), "it reached the origin")
    if not (heard.closed or heard.answers):  # the time for heads ends it
        async with asyncio.timeout(trial.target.times.head + trial.target.patience):
            heard.closed = await trial.heard_end(wire) or await trial.heard_end(wire)
    require(heard.closed or heard.statuses[:1] > [399], f"answered {heard.statuses}, closed: {heard.closed}")
    await trial.unharmed()


async def _announced(trial: Trial) -> None:
    """More than the bound, said in advance: refused before any of it is read."""
    heard = await trial.one(POST + b"Content-Length: %d\r\n\r\nbegun" % (trial.target.body + 1))
    require(heard.statuses == [413] and not trial.arrived(), f"answered {heard.statuses}")


async def _streamed(trial: Trial) -> None:
    """More than the bound, in chunks: broken off where it is reached."""
    wire = await trial.connect()
    wire.send(trial.fill(POST + b"Transfer-Encoding: chunked\r\n\r\n"))
    hearing = asyncio.create_task(trial.hear(wire, most=1))
    piece = b"%x\r\n%b\r\n" % (_PIECE, b"a" * _PIECE)
    for _ in range(trial.target.body // _PIECE + 2):
        wire.send(piece)
        try:
            await wire.writer.drain()
        except OSError:
            break
    wire.send(b"0\r\n\r\n")
    heard = await hearing
    require(heard.statuses in ([413], []) and (heard.closed or bool(heard.statuses)), f"answered {heard.statuses}")
    require(all(one.fault or len(one.body) == 0 for one in trial.arrived()), "all of it reached the origin")
    await trial.unharmed()


async def _passes(trial: Trial, seconds: float) -> None:
    """So much of the gateway's time."""
    if trial.hurry is not None:
        trial.hurry(seconds)
        await asyncio.sleep(0.15)  # it looks at its clock every tenth of a second
    else:
        await asyncio.sleep(seconds)


async def _silent(trial: Trial) -> None:
    """A client that connects and says nothing."""
    wire = await trial.connect()
    await _passes(trial, trial.target.times.head + 0.5)
    require(await trial.heard_end(wire), "the connection stands")


async def _trickling_head(trial: Trial) -> None:
    """A byte now and then is no reason to wait on."""
    wire = await trial.connect()
    wire.send(trial.fill(GET))
    for _ in range(4):
        wire.send(b"X")
        await _passes(trial, trial.target.times.head * 0.4)
    heard = await trial.hear(wire)
    require(not trial.arrived() and (heard.closed or heard.statuses == [408]), f"answered {heard.statuses}")


async def _stalled_body(trial: Trial) -> None:
    """The rest of a body that comes after all becomes no request."""
    wire = await trial.connect()
    wire.send(trial.fill(POST + b"Content-Length: 5000\r\n\r\nbegun"))
    await _passes(trial, trial.target.times.body + 0.5)
    heard = await trial.hear(wire)
    wire.send(trial.fill(b"<smuggled>"))
    more = await trial.hear(wire)
    require(heard.closed or more.closed, f"the connection stands: {heard.statuses}")
    require(all(b"/smuggled" not in one.target for one in trial.arrived()), "the rest was read as a request")
    require(all(status >= 400 for status in heard.statuses + more.statuses), f"answered {heard.statuses}")
    await trial.unharmed()


async def _silent_origin(trial: Trial) -> None:
    async def behave(line: Line) -> None:
        await line.body()
        await line.wire.more()

    trial.behaves(behave)
    wire = await trial.connect()
    wire.send(trial.fill(GET + b"\r\n"))
    await _arrived(trial)
    await _passes(trial, trial.target.times.first_byte + 0.5)
    heard = await trial.hear(wire, most=1)
    require(heard.statuses == [504], f"answered {heard.statuses}")
    await trial.unharmed()


async def _stalled_answer(trial: Trial) -> None:
    async def behave(line: Line) -> None:
        await line.body()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
        await line.wire.more()

    trial.behaves(behave)
    wire = await trial.connect()
    wire.send(trial.fill(GET + b"\r\n"))
    await _arrived(trial)
    await asyncio.sleep(0.05)
    await _passes(trial, trial.target.times.stream + 0.5)
    require(await trial.heard_end(wire), "the connection stands")
    await trial.unharmed()


async def _slow_reader(trial: Trial) -> None:
    """Whoever does not read what is written to them is dropped, and with them what was kept for them."""
    gone = asyncio.Event()

    async def behave(line: Line) -> None:
        await line.body()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while not line.wire.writer.is_closing():
                line.send(b"a" * (1 << 20))
                await line.wire.writer.drain()
        finally:
            gone.set()

    trial.behaves(behave)
    wire = await trial.connect()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # it is one of a socket
    wire.send(trial.fill(GET + b"\r\n"))
    await _arrived(trial)
    await asyncio.sleep(0.2)
    await _passes(trial, trial.target.times.reader + 0.5)
    try:
        await asyncio.wait_for(gone.wait(), trial.target.patience)
    except TimeoutError:
        require(False, "the origin still writes")
    await trial.unharmed()


async def _arrived(trial: Trial) -> None:
    async with asyncio.timeout(trial.target.patience):
        while not trial.arrived():  # noqa: ASYNC110 - what is looked at has no event to wait for
            await asyncio.sleep(0.005)


async def _many_at_once(trial: Trial) -> None:
    """Heads that do not end, a hundred of them, keep nobody else out."""
    for _ in range(100):
        wire = await trial.connect()
        wire.send(trial.fill(GET))
    await trial.unharmed(8)


async def _back_pressure(trial: Trial) -> None:
    """An origin that is not read from is not read into memory."""
    sent = 0

    async def behave(line: Line) -> None:
        nonlocal sent
        await line.body()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            line.send(b"a" * (1 << 18))
            await line.wire.writer.drain()
            sent += 1 << 18

    trial.behaves(behave)
    wire = await trial.connect()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # it is one of a socket
    wire.send(trial.fill(GET + b"\r\n"))
    await _arrived(trial)
    before = -1
    while before != sent:
        before = sent
        await asyncio.sleep(0.1)
    require(sent < 64 << 20, f"{sent >> 20} MiB were taken for a client that reads nothing")


async def _plainly(trial: Trial) -> None:
    """What is within bounds passes: 50 fields, a head of 6 kB, a body of 500 kB."""
    fields = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 90) for number in range(50))
    await trial.served(POST + fields + b"Content-Length: <cl>\r\n\r\n", b"a" * 500_000)
    require(len(trial.arrived()[0].body) == 500_000, "some of it went missing")


async def _answer_of_mebibytes(trial: Trial) -> None:
    async def behave(line: Line) -> None:
        await line.body()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"a" * 3_000_000)

    trial.behaves(behave)
    heard = await trial.one(GET + b"\r\n")
    require([len(one.body) for one in heard.answers] == [3_000_000], "some of it went missing")
    trial.origin.scripts.pop(trial.name)
    require((await trial.one(GET + b"\r\n")).answers[0].body == f"{trial.path}/first".encode(), "not its own")


def _case(name: str, head: bytes) -> Case:
    return Case(name, lambda trial: _large(trial, head))


ROW = Row(
    "Limits",
    "Count and size of headers, sizes of bodies, time for heads, bodies and answers apart; the slow are dropped.",
    ("slowloris (2009)", "pause-based desync (2022)"),
    (
        *(_case(name, head) for name, head in LARGE.items()),
        Case("a body that is announced as too large", _announced, "body"),
        Case("a body that grows too large", _streamed, "body"),
        Case("a hundred heads that do not end keep nobody out", _many_at_once),
        Case("a client that reads nothing fills no memory", _back_pressure),
        Case("what is within bounds passes", _plainly),
        Case("an answer of some megabytes", _answer_of_mebibytes),
        Case("a client that says nothing", _silent, "times.head", waits=True),
        Case("a head that comes too slowly", _trickling_head, "times.head", waits=True),
        Case("a body that stops coming, and goes on too late", _stalled_body, "times.body", waits=True),
        Case("an origin that does not answer", _silent_origin, "times.first_byte", waits=True),
        Case("an answer that stops coming", _stalled_answer, "times.stream", waits=True),
        Case("a client that does not read", _slow_reader, "times.reader", waits=True),
    ),
)
