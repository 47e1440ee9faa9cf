"""Answers of an origin that is wrong or hostile: never another's, never whole where they are not, never two for one."""

from __future__ import annotations

import asyncio

from tests.proxy_suite.origin import Behaviour, Line, ok, says
from tests.proxy_suite.trial import GET, POST, Case, Failed, Mended, Row, Trial, require

_OK = b"HTTP/1.1 200 OK\r\n"
_EVIL = b"HTTP/1.1 200 OK\r\nX-Evil: yes\r\nContent-Length: 4\r\n\r\nevil"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED: dict[str, Behaviour] = {
    "two framings": says(_OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _EVIL),
    "two framings, the other order": says(
        _OK + b"Transfer-Encoding: chunked\r\nContent-Length: 90\r\n\r\n0\r\n\r\n" + _EVIL),
    "two lengths": says(_OK + b"Content-Length: 0\r\nContent-Length: 75\r\n\r\n" + _EVIL),
    "a list of lengths": says(_OK + b"Content-Length: 0, 75\r\n\r\n" + _EVIL),
    "a length with `+`": says(_OK + b"Content-Length: +2\r\n\r\nok"),
    "a length with `-`": says(_OK + b"Content-Length: -2\r\n\r\nok"),
    "a hexadecimal length": says(_OK + b"Content-Length: 0x2\r\n\r\nok", close=True),
    "a length that is a word": says(_OK + b"Content-Length: two\r\n\r\nok", close=True),
    "a length of 2 to the 64th and 2": says(_OK + b"Content-Length: 18446744073709551618\r\n\r\nok", close=True),
    "a coding that is none": says(_OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", close=True),
    "codings in the wrong order": says(_OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", close=True),
    "chunked twice": says(
        _OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", close=True),
    "a coding with a space before its colon": says(
        _OK + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", close=True),
    "a chunk size that is none": says(_CHUNKED + b"xyz\r\nok\r\n0\r\n\r\n"),
    "a chunk size with 0x": says(_CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n"),
    "a chunk size with `-`": says(_CHUNKED + b"-2\r\nok\r\n0\r\n\r\n"),
    "a chunk size that overflows": says(_CHUNKED + b"10000000000000002\r\nok\r\n0\r\n\r\n"),
    "a chunk that ends in other bytes": says(_CHUNKED + b"2\r\nokXX0\r\n\r\n"),
    "a chunk longer than its size": says(_CHUNKED + b"2\r\nok, ok\r\n0\r\n\r\n"),
    "a bare LF behind a chunk size": says(_CHUNKED + b"2\nok\r\n0\r\n\r\n"),
    "a bare LF behind a chunk": says(_CHUNKED + b"2\r\nok\n0\r\n\r\n"),
    "a bare LF in a head": says(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    "a bare LF in a field": says(_OK + b"X: a\nX-Evil: yes\r\nContent-Length: 2\r\n\r\nok"),
    "a bare CR in a field": says(_OK + b"X: a\rX-Evil: yes\r\nContent-Length: 2\r\n\r\nok"),
    "a NUL in a field": says(_OK + b"X: a\0b\r\nContent-Length: 2\r\n\r\nok"),
    "a folded field": says(_OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
    "a folded length": says(_OK + b"Content-Length:\r\n 2\r\n\r\nok"),
    "a space before a colon": says(_OK + b"X : a\r\nContent-Length: 2\r\n\r\nok"),
    "a space in a name": says(_OK + b"X Y: a\r\nContent-Length: 2\r\n\r\nok"),
    "a name of nothing": says(_OK + b": a\r\nContent-Length: 2\r\n\r\nok"),
    "a line without a colon": says(_OK + b"X\r\nContent-Length: 2\r\n\r\nok"),
    "no status": says(b"HTTP/1.1\r\nContent-Length: 2\r\n\r\nok"),
    "a status of two digits": says(b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"),
    "a status of four digits": says(b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"),
    "a status of letters": says(b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok"),
    "a status of 000": says(b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok"),
    "a status of 999": says(b"HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\nok"),
    "HTTP/2.0": says(b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "another protocol": says(b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nok", close=True),
    "no head": says(b"ok", close=True),
    "nothing": says(b"", close=True),
    "a head that breaks off": says(_OK + b"Content-Le", close=True),
    "a head of 2 MB": says(_OK + b"X: " + b"a" * 2_000_000 + b"\r\nContent-Length: 2\r\n\r\nok"),
    "10,000 fields": says(_OK + b"X: a\r\n" * 10_000 + b"Content-Length: 2\r\n\r\nok"),
    "101 without being asked": says(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + _EVIL),
    "1,000 interim answers": says(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 1000 + ok(b"late")),
    "an interim answer with a length": says(b"HTTP/1.1 100 Continue\r\nContent-Length: 75\r\n\r\n" + _EVIL),
}  # fmt: skip

BROKEN_OFF: dict[str, Behaviour] = {
    "a body that breaks off": says(_OK + b"Content-Length: 100\r\n\r\nonly this", close=True),
    "chunks that break off": says(_CHUNKED + b"64\r\nonly this", close=True),
    "chunks that break off between two": says(_CHUNKED + b"4\r\nthis\r\n", close=True),
    "chunks without their empty line": says(_CHUNKED + b"4\r\nthis\r\n0\r\n", close=True),
}

EXCESS: dict[str, tuple[bytes, Behaviour, bytes]] = {
    "another answer behind it": (b"GET", says(ok(b"mine") + _EVIL), b"mine"),
    "another answer behind chunks": (b"GET", says(_CHUNKED + b"4\r\nmine\r\n0\r\n\r\n" + _EVIL), b"mine"),
    "ten answers behind it": (b"GET", says(ok(b"mine") + _EVIL * 10), b"mine"),
    "bytes behind it": (b"GET", says(ok(b"mine") + b"excess"), b"mine"),
    "half a head behind it": (b"GET", says(ok(b"mine") + b"HTTP/1.1 200 OK\r\nX-Evil:"), b"mine"),
    "a body of an answer to HEAD": (b"HEAD", says(ok(b"mine") + _EVIL), b""),
    "a body of 204": (b"GET", says(b"HTTP/1.1 204 No Content\r\nContent-Length: 75\r\n\r\n" + _EVIL), b""),
    "chunks of 204": (b"GET", says(
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"), b""),
    "a body of 304": (b"GET", says(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 75\r\n\r\n" + _EVIL), b""),
    "a body behind a length of 0": (b"GET", says(_OK + b"Content-Length: 0\r\n\r\n" + _EVIL), b""),
}  # fmt: skip


async def _malformed(trial: Trial, behaviour: Behaviour) -> None:
    """The client gets a 5xx, or sees that it is not whole; the connection is used no more."""
    trial.behaves(behaviour)
    heard = await trial.ask(GET + b"Connection: close\r\n\r\n<smuggled>")
    await trial.unharmed(4)
    trial.unambiguous(trial.arrived(), 99)
    for answer in heard.answers:
        if answer.head.values("x-evil") or b"evil" in answer.body:
            raise Failed("an answer, or a header, that the origin hid in another")
    require(len(heard.answers) < 2, f"answered twice: {heard.statuses}")
    require(not (heard.fault and heard.answers and not heard.answers[0].fault), f"garbage behind it: {heard.fault}")
    require(not (heard.fault and not heard.answers and heard.fault != "it broke off"), f"passed on: {heard.fault}")
    if heard.answers and heard.answers[0].status < 500 and not heard.answers[0].fault:
        raise Mended(f"passed on as a well-formed {heard.answers[0].status}")


async def _broken_off(trial: Trial, behaviour: Behaviour) -> None:
    """What broke off is not made whole: a cache would keep half a page as all of it."""
    trial.behaves(behaviour)
    heard = await trial.one(GET + b"\r\n")
    await trial.unharmed(4)
    whole = [answer.status for answer in heard.answers if not answer.fault]
    require(all(status >= 500 for status in whole), f"answered {whole}, as if it were all of it")
    require(heard.closed or bool(whole), "the client still waits")


async def _excess(trial: Trial, method: bytes, behaviour: Behaviour, body: bytes) -> None:
    """Whatever comes behind an answer is nobody's (response queue poisoning)."""
    trial.behaves(behaviour)
    wires = []
    for number in range(3):  # connections that are kept, each poisoned
        wire = await trial.connect()
        wire.send(trial.fill(GET.replace(b"GET", method).replace(b"first", b"%d" % number) + b"\r\n"))
        heard = await trial.hear(wire, method.decode(), most=1)
        wires.append(wire)
        for answer in heard.answers:
            require(answer.status >= 500 or answer.body == body, f"answered {answer.body[:40]!r}")
            require(not answer.head.values("x-evil"), "another answer took its place")
    await trial.unharmed(4)
    trial.origin.scripts.pop(trial.name)
    for number, wire in enumerate(wires):  # and the same clients go on
        unread = len(wire.unread)
        require(unread == 0, f"{unread} bytes that belong to no answer reached the client")
        wire.send(trial.fill(b"GET <path>/then-%d HTTP/1.1\r\nHost: <host>\r\n<through>\r\n" % number))
        heard = await trial.hear(wire, most=1)
        own = f"{trial.path}/then-{number}".encode()
        require(all(answer.body == own for answer in heard.answers), "the next request got another's answer")


async def _unasked(trial: Trial) -> None:
    """An answer that comes while nobody asked, on a kept connection."""

    async def behave(line: Line) -> None:
        await line.body()
        line.send(ok(line.request.target))
        await line.wire.writer.drain()
        await asyncio.sleep(0.01)
        line.send(_EVIL)

    trial.behaves(behave)
    for number in range(3):
        await trial.one(GET.replace(b"first", b"%d" % number) + b"\r\n")
    await asyncio.sleep(0.03)
    await trial.unharmed(4)


async def _too_early(trial: Trial) -> None:
    """An answer before the end of the request: what is left of the request's body becomes no request anywhere."""

    async def behave(line: Line) -> None:
        if line.request.head is not None and line.request.head.method == b"POST":
            line.send(ok(b"early"))
            await line.body()
        else:
            line.send(ok(line.request.target))

    trial.behaves(behave)
    wire = await trial.connect()
    wire.send(trial.fill(POST + b"Content-Length: 5000\r\n\r\nbegun"))
    heard = await trial.hear(wire, most=1)
    require(all(one.body == b"early" or one.status >= 400 for one in heard.answers), f"answered {heard.statuses}")
    wire.send((trial.fill(b"<smuggled>") * 9)[:4000])
    await trial.hear(wire)
    await trial.unharmed(4)
    for one in trial.arrived():
        if b"/smuggled" in one.target or (one.fault and b"/first" not in one.raw):
            raise Failed("the rest of the body was read as a request")


async def _interim(trial: Trial) -> None:
    """Early hints may pass or stop; the answer behind them comes."""
    trial.behaves(says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + ok(b"late")))
    heard = await trial.one(GET + b"\r\n")
    require(heard.statuses == [200] and heard.answers[0].body == b"late", f"answered {heard.statuses}")


async def _sound(trial: Trial) -> None:
    """Every framing there is, one after the other on kept connections."""
    answers: dict[bytes, tuple[bytes, bytes]] = {
        b"1": (ok(b"length"), b"length"),
        b"2": (_CHUNKED + b"3\r\nchu\r\n4;a=b\r\nnked\r\n0\r\nX-Trailer: x\r\n\r\n", b"chunked"),
        b"3": (_OK + b"Content-Length: 0\r\n\r\n", b""),
        b"4": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", b"none"),
        b"5": (b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nohoh", b"ohoh"),
    }

    async def behave(line: Line) -> None:
        await line.body()
        line.send(answers[line.request.target.rpartition(b"/")[2]][0])

    trial.behaves(behave)
    wire = await trial.connect()
    for name, (_, body) in answers.items():
        wire.send(trial.fill(GET.replace(b"first", name) + b"\r\n"))
        heard = await trial.hear(wire, most=1)
        require([one.body for one in heard.answers] == [body], f"{name.decode()}: answered {heard.statuses}")


async def _until_the_end(trial: Trial) -> None:
    trial.behaves(says(_OK + b"\r\nuntil it closes", close=True))
    heard = await trial.one(GET + b"\r\n")
    require([one.body for one in heard.answers if not one.fault] == [b"until it closes"], f"answered {heard.statuses}")


def _odd(name: str, behaviour: Behaviour) -> Case:
    return Case(name, lambda trial: _malformed(trial, behaviour))


def _broke(name: str, behaviour: Behaviour) -> Case:
    return Case(name, lambda trial: _broken_off(trial, behaviour))


def _more(name: str, method: bytes, behaviour: Behaviour, body: bytes) -> Case:
    return Case(f"too much: {name}", lambda trial: _excess(trial, method, behaviour, body))


ROW = Row(
    "Answers of the origin",
    "What is malformed is no answer; what is too much is nobody's; a connection that lost step is used no more.",
    ("Envoy CVE-2026-73547", "response queue poisoning"),
    (
        *(_odd(name, behaviour) for name, behaviour in MALFORMED.items()),
        *(_broke(name, behaviour) for name, behaviour in BROKEN_OFF.items()),
        *(_more(name, *one) for name, one in EXCESS.items()),
        Case("an answer that nobody asked for", _unasked),
        Case("an answer before the end of the request", _too_early),
        Case("three interim answers, and the final one", _interim),
        Case("every sound framing", _sound),
        Case("a body that ends with its connection", _until_the_end),
    ),
)
