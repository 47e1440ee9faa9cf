"""Websockets: the handshake is checked on both sides, frames are kept in bounds (RFC 6455)."""

from __future__ import annotations

import base64
import hashlib

from tests.proxy_suite.origin import Behaviour, Line, ok
from tests.proxy_suite.trial import Case, Failed, Row, Trial, require
from tests.proxy_suite.wire import Wire

_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
_ACCEPT = base64.b64encode(hashlib.sha1(_KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
_ASK = b"GET <ws>/first HTTP/1.1\r\nHost: <host>\r\n<through>"
_HANDSHAKE = (
    _ASK
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    + _KEY
    + b"\r\n"
)
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
_MARK = b"GET <path>/smuggled HTTP/1.1\r\nHost: <host>\r\n<through>\r\n"
"""A request that a gateway reads is changed; a tunnel changes nothing."""


def frame(
    opcode: int, payload: bytes = b"", *, masked: bool = True, final: bool = True, size: int | None = None
) -> bytes:
    """A frame; `size`: what it says of its payload's length."""
    size = len(payload) if size is None else size
    bit = 0x80 if masked else 0
    first = (0x80 if final else 0) | opcode
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 1 << 16:
        head = bytes([first, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + size.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


def _where(trial: Trial, text: bytes) -> bytes:
    return text.replace(b"<ws>", f"{trial.target.prefix}{trial.target.websocket}/{trial.name}".encode())


def switches(*more: bytes, accept: bytes = _ACCEPT, echo: bool = True) -> Behaviour:
    """An origin that agrees, and sends back whatever comes, without a look at it."""

    async def behave(line: Line) -> None:
        await line.body()
        lines = b"".join(part + b"\r\n" for part in more)
        line.send(_SWITCH + b"Sec-WebSocket-Accept: " + accept + b"\r\n" + lines + b"\r\n")
        sent = line.wire.read
        while await line.wire.more():
            line.request.body += bytes(line.wire.raw[sent:])
            if echo:
                line.send(bytes(byte & 0xFF for byte in _unmasked(bytes(line.wire.raw[sent:]))))
            sent = line.wire.read = len(line.wire.raw)
        line.close()

    return behave


def _unmasked(data: bytes) -> bytes:
    """The same frames as a server sends them, where each is short and its mask is zero."""
    out = b""
    while len(data) >= 6 and data[1] & 0x80 and data[1] & 0x7F < 126:
        size = data[1] & 0x7F
        out += bytes([data[0], size]) + data[6 : 6 + size]
        data = data[6 + size :]
    return out


async def _opened(trial: Trial, *lines: bytes, behaviour: Behaviour | None = None) -> Wire:
    trial.behaves(behaviour or switches())
    wire = await trial.connect()
    wire.send(trial.fill(_where(trial, _HANDSHAKE + b"".join(line + b"\r\n" for line in lines) + b"\r\n")))
    heard = await trial.hear(wire, most=1)
    require(heard.interim == [101], f"no websocket: {heard.statuses} {heard.fault}")
    return wire


async def _echo(trial: Trial, wire: Wire, sent: bytes, wanted: bytes) -> None:
    wire.send(sent)
    got = await trial.heard_bytes(wire, len(wanted))
    require(got == wanted, f"sent {sent[:20]!r}, got {got[:20]!r}")


async def _works(trial: Trial) -> None:
    wire = await _opened(trial)
    await _echo(trial, wire, frame(1, b"hello"), b"\x81\x05hello")
    await _echo(trial, wire, frame(9, b"ping"), b"\x89\x04ping")
    await _echo(trial, wire, frame(1, b"he", final=False) + frame(0, b"llo"), b"\x01\x02he\x80\x03llo")
    await _echo(trial, wire, frame(8, b"\x03\xe8bye"), b"\x88\x05\x03\xe8bye")


async def _subprotocol(trial: Trial) -> None:
    trial.behaves(switches(b"Sec-WebSocket-Protocol: chat"))
    wire = await trial.connect()
    wire.send(trial.fill(_where(trial, _HANDSHAKE + b"Sec-WebSocket-Protocol: chat, other\r\n\r\n")))
    await trial.hear(wire, most=1)
    require(b"sec-websocket-protocol: chat\r\n" in bytes(wire.raw).lower(), "the subprotocol was lost")


async def _tunnel(trial: Trial, head: bytes, behaviour: Behaviour) -> None:
    """No websocket came about: what the client sends next is a request like any other, or nothing."""
    trial.behaves(behaviour)
    wire = await trial.connect()
    wire.send(trial.fill(_where(trial, head)))
    heard = await trial.hear(wire, most=1)
    require(101 not in heard.interim, "the client was told that the protocol changes")
    wire.send(trial.fill(_MARK))
    await trial.hear(wire, most=1)
    for one in trial.arrived():
        if trial.fill(_MARK) in (one.raw + one.body, one.raw, one.body):
            raise Failed("a tunnel to the origin stands open")
    await trial.unharmed()


async def _refuses(line: Line) -> None:
    await line.body()
    line.send(b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n")


async def _agrees_to_anything(line: Line) -> None:
    await line.body()
    line.send(_SWITCH + b"Sec-WebSocket-Accept: " + _ACCEPT + b"\r\n\r\n")
    while await line.wire.more():
        line.request.body = line.wire.unread
    line.close()


async def _plain_answer(line: Line) -> None:
    await line.body()
    line.send(ok(line.request.target))


def _instead(old: bytes, new: bytes) -> bytes:
    return _HANDSHAKE.replace(old, new) + b"\r\n"


HANDSHAKES: dict[str, tuple[bytes, Behaviour]] = {
    "of a version that is none, which the origin refuses": (_instead(b"Version: 13", b"Version: 777"), _refuses),
    "that the origin refuses": (_HANDSHAKE + b"\r\n", _refuses),
    "that the origin answers by 200": (_HANDSHAKE + b"\r\n", _plain_answer),
    "by POST": (_instead(b"GET", b"POST"), _agrees_to_anything),
    "without a key": (_instead(b"Sec-WebSocket-Key: " + _KEY + b"\r\n", b""), _agrees_to_anything),
    "with a short key": (_instead(_KEY, b"AAAA"), _agrees_to_anything),
    "with two keys": (
        _instead(b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: AAAA\r\nSec-WebSocket-Key: "), _agrees_to_anything),
    "without a version": (_instead(b"Sec-WebSocket-Version: 13\r\n", b""), _agrees_to_anything),
    "with a body": (_instead(b"Connection: ", b"Content-Length: 5\r\nConnection: ") + b"hello", _agrees_to_anything),
    "in HTTP/1.0": (_instead(b"HTTP/1.1", b"HTTP/1.0"), _agrees_to_anything),
    "that Connection does not name": (_instead(b"Connection: Upgrade", b"Connection: keep-alive"), _agrees_to_anything),
    "of another protocol": (_instead(b"Upgrade: websocket", b"Upgrade: websocket2"), _agrees_to_anything),
    "of no protocol at all": (_ASK + b"\r\n", _agrees_to_anything),
    "that is answered by another's Accept": (
        _HANDSHAKE + b"\r\n", switches(accept=base64.b64encode(bytes(20)))),
    "that is answered without Accept": (
        _HANDSHAKE + b"\r\n", switches(accept=b"")),
    "that is answered by a subprotocol that nobody offered": (
        _HANDSHAKE + b"\r\n", switches(b"Sec-WebSocket-Protocol: evil")),
    "that is answered by an extension that nobody offered": (
        _HANDSHAKE + b"\r\n", switches(b"Sec-WebSocket-Extensions: permessage-deflate")),
}  # fmt: skip

FRAMES = {
    "unmasked": frame(1, b"hello", masked=False),
    "a ping of 126 bytes": frame(9, b"a" * 126),
    "a ping in pieces": frame(9, b"a", final=False),
    "a close in pieces": frame(8, b"", final=False),
    "a frame behind a close": frame(8, b"\x03\xe8") + frame(1, b"hello"),
    "a frame of 2 to the 63rd bytes": frame(2, b"a", size=1 << 63),
    "a frame of 2 to the 62nd bytes": frame(2, b"a", size=1 << 62),
}


async def _odd_frame(trial: Trial, sent: bytes) -> None:
    """It does not reach the origin, and the connection ends."""
    wire = await _opened(trial, behaviour=switches(echo=False))
    wire.send(sent + frame(1, b"after it"))
    require(await trial.heard_close(wire), "the connection goes on")
    for one in trial.arrived():
        require(b"after it" not in one.body, "what came behind it reached the origin")


async def _too_long(trial: Trial) -> None:
    await _odd_frame(trial, frame(2, b"a", size=trial.target.frame + 1))


async def _from_the_origin(trial: Trial, sent: bytes) -> None:
    """The same of the origin's frames."""

    async def behave(line: Line) -> None:
        await line.body()
        line.send(_SWITCH + b"Sec-WebSocket-Accept: " + _ACCEPT + b"\r\n\r\n")
        await line.wire.more()
        line.send(sent)
        while await line.wire.more():
            pass
        line.close()

    wire = await _opened(trial, behaviour=behave)
    before = len(wire.raw)
    wire.send(frame(1, b"go"))
    require(await trial.heard_close(wire), "the connection goes on")
    require(sent not in bytes(wire.raw[before:]), "it reached the client")


async def _foreign(trial: Trial, origin: bytes) -> None:
    """A page of elsewhere opens no websocket by a person's cookie."""
    trial.behaves(switches())
    head = _HANDSHAKE.replace(b"<through>", b"<browser>")
    heard = await trial.one(_where(trial, head + origin + b"\r\n"))
    require(not heard.interim and not trial.arrived(), f"it stands open: {heard.interim} {heard.statuses}")


async def _own_page(trial: Trial) -> None:
    trial.behaves(switches())
    head = _HANDSHAKE.replace(b"<through>", b"<browser>") + b"Origin: http://<host>\r\n\r\n"
    heard = await trial.one(_where(trial, head))
    require(heard.interim == [101], f"no websocket: {heard.statuses}")


_FOREIGN = {
    "another's": b"Origin: http://evil.example\r\n",
    "`null`": b"Origin: null\r\n",
    "none": b"",
    "two": b"Origin: http://<host>\r\nOrigin: http://evil.example\r\n",
    "the host as a label": b"Origin: http://<host>.evil.example\r\n",
    "another scheme": b"Origin: ftp://<host>\r\n",
    "in a list": b"Origin: http://<host> http://evil.example\r\n",
}


def _handshake(name: str, head: bytes, behaviour: Behaviour) -> Case:
    return Case(f"a handshake {name}", lambda trial: _tunnel(trial, head, behaviour))


def _frame(name: str, sent: bytes) -> Case:
    return Case(f"of the client: {name}", lambda trial: _odd_frame(trial, sent), "frames")


def _origins(name: str, sent: bytes) -> Case:
    return Case(f"of the origin: {name}", lambda trial: _from_the_origin(trial, sent), "frames")


def _page(name: str, line: bytes) -> Case:
    return Case(f"by a cookie, its Origin {name}", lambda trial: _foreign(trial, line), "browser")


ROW = Row(
    "WebSocket",
    "Origin is checked, 101 is validated, frames are capped; what did not become a websocket is no tunnel.",
    ("websocket smuggling (2019)", "RFC 6455"),
    (
        Case("text, ping, pieces and close pass", _works),
        Case("a subprotocol is agreed on", _subprotocol),
        *(_handshake(name, *one) for name, one in HANDSHAKES.items()),
        *(_frame(name, sent) for name, sent in FRAMES.items()),
        Case("of the client: longer than the bound", _too_long, "frame"),
        _origins("masked", frame(1, b"hello")),
        _origins("a ping of 126 bytes", frame(9, b"a" * 126, masked=False)),
        _origins("a frame of 2 to the 63rd bytes", frame(2, b"a", masked=False, size=1 << 63)),
        *(_page(name, line) for name, line in _FOREIGN.items()),
        Case("by a cookie, of a page of its own", _own_page, "browser"),
    ),
)
