"""One connection to an upstream: a request goes out, its response is parsed, made clean and streamed to the client."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import msgspec
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from config.problem import ProblemType
from gateway.exchange import BodyRewrite
from gateway.header import Header
from gateway.inbound.header_hygiene import may_trail, named_by_connection, response_passes, sets_own_cookie
from gateway.proxy.answer import STATUS_LINE
from gateway.proxy.breaker import Fault
from gateway.proxy.downstream import Downstream, Tunnel
from gateway.proxy.limits import Limits
from gateway.proxy.problems import UPSTREAM_BROKE_OFF, UPSTREAM_MALFORMED

_PASS, _STRIP, _LENGTH, _CODING, _CONNECTION, _UPGRADE, _COOKIE = range(7)
_SPECIAL = {
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"upgrade": _UPGRADE,
    b"set-cookie": _COOKIE,
}
_COOKIES = b"set-cookie: "
_HEAD_ENDS = b"\r\n\r\n"
_KNOWN_BOUND = 1024
_INTERIM_BOUND = 16
_HEADS_BOUND = 256
_LARGE_DIGITS = 6
"""Digits of the length of a large download: 100 kB and more may be on its way when a session ends."""


class LostStep(Exception):
    """The response breaks the framing or the conversation; the connection is not used again."""


class KnownHead(msgspec.Struct, frozen=True, gc=False):
    """The head of an answer that was read before, byte by byte the same: what it says need not be found again.

    An answer with a body of a known, moderate length, which left the connection in step.
    """

    status: int
    length: int
    lines: bytes
    """As they go to the client, the last one's line end left out."""


class Owner(Protocol):
    """The target, as its connections know it."""

    heads: dict[bytes, KnownHead | None]
    """Those of its last answers; None: seen once, which is no sign that it comes again."""

    limits: Limits
    suspect: bool
    """It wants to be told of good answers."""

    def opened(self, connection: UpstreamConnection) -> None:
        """It stands, though nobody may use it yet."""

    def detach(self, connection: UpstreamConnection) -> None:
        """It became a websocket."""

    def give_back(self, connection: UpstreamConnection) -> None:
        """It is in step, and unused."""

    def gone(self, connection: UpstreamConnection) -> None:
        """It is closed."""

    def answered(self) -> None:
        """A good answer began."""

    def failed(self, fault: Fault) -> None:
        """There was none."""


class UpstreamConnection(asyncio.Protocol):
    """A client of one upstream. Parser callbacks are the methods named `on_...`."""

    _known: dict[bytes, tuple[int, bytes]] = {}  # noqa: RUF012 - what is known of names of response fields, bounded

    def __init__(self, pool: Owner) -> None:
        self.pool = pool
        self.transport: asyncio.Transport
        self.client: Downstream | None = None
        self.tunnel: Tunnel | None = None
        self.detached = False
        self.idle_since = 0.0
        self.born = 0.0
        self.worn = False
        """Old enough to be closed once unused: its successor is dialled anew, by name."""
        self.answers = 0
        self._used = False
        self._touched = False
        self._eof = False
        self._parser = HttpResponseParser(self)
        self._out: list[bytes] = []
        self._fresh = False
        """Nothing of the answer was given to the parser, and nothing reset for it."""
        self._begin()

    def _begin(self) -> None:
        self._lines: list[bytes] = []
        self._head_lines: list[bytes] = []
        """As they go to the client, with the three that end every head."""
        self._closes = False
        """The client is told that its connection ends."""
        self._length: bytes | None = None
        self._upgrade = b""
        self._chunked = False
        self._connection: list[bytes] = []
        self._head_done = False
        self._interim = 0
        self._early = 0
        """Bytes that came before the end of the head."""
        self._rechunk = False
        self._until_eof = False
        self._rewriting: BodyRewrite | None = None
        self._trailers: list[bytes] = []
        self._done = False
        self._reusable = False
        self._lost_step = self.worn

    # --- the client's side

    def send(self, client: Downstream, head: bytes) -> None:
        """Send a request's head (and the body that came with it); the answer goes to `client`."""
        self.client = client
        self._fresh = True
        self._touched = self._done = False
        self.transport.write(head)

    def write(self, data: bytes) -> None:
        """Send more of the request's body."""
        self.transport.write(data)

    def become(self, tunnel: Tunnel) -> None:
        """Carry a websocket from now on; the pool no longer counts the connection."""
        self.client = None
        self.tunnel = tunnel
        self.pool.detach(self)

    @property
    def untouched(self) -> bool:
        """Nothing of an answer came yet."""
        return not self._touched

    def abort(self) -> None:
        """Close at once; whoever waits for an answer is not told."""
        self.client = None
        self.tunnel = None
        self.transport.abort()

    def close(self) -> None:
        """Close once everything is written."""
        self.client = None
        self.transport.close()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.pool.opened(self)

    def data_received(self, data: bytes) -> None:
        if self.tunnel is not None:
            self.tunnel.from_upstream(data)
            return
        client = self.client
        if client is None:
            self.transport.abort()
            return
        self._touched = True
        fresh = self._fresh
        if fresh:
            self._fresh = False
            if self._pass_known(client, data):
                return
            self._begin()
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            client.response_switches(self._switch_headers(), data[upgrade.args[0] :])
            return
        except HttpParserError:
            if not self._done:
                self._fail(UPSTREAM_MALFORMED)
                return
            self._lost_step = True
        out = self._out
        if out:
            sent = out[0] if len(out) == 1 else b"".join(out)
            client.bytes_out += len(sent)
            client.transport.write(sent)
            out.clear()
        if self._done:
            if fresh:
                self._learn_head(client, data)
            self._finish(client)
        elif self._head_done:
            client.response_moves()
        else:
            self._early += len(data)
            if self._early > self.pool.limits.answer_head:
                self._fail(UPSTREAM_MALFORMED)

    def _pass_known(self, client: Downstream, data: bytes) -> bool:
        """Pass on a whole answer whose head was read before. False: it must be read."""
        end = data.find(_HEAD_ENDS) + 4
        known = self.pool.heads.get(data[:end])
        if known is None or len(data) != end + known.length or self.worn or self.pool.suspect:
            return False
        if not client.response_whole(known.status, known.lines, data[end:]):
            return False
        self._done = True
        self._reusable, self._lost_step = True, False
        self._finish(client)
        return True

    def _learn_head(self, client: Downstream, data: bytes) -> None:
        """Remember the head of an answer that came in one piece, where it says all that there is to know of it."""
        length = self._length
        if (
            not self._reusable
            or self._lost_step
            or length is None
            or len(length) >= _LARGE_DIGITS
            or self._chunked
            or self._interim
            or self._rewriting is not None
            or self._closes
            or client.without_body
        ):
            return
        end, status = data.find(_HEAD_ENDS) + 4, self._parser.get_status_code()
        if status >= 500 or not length.isdigit() or len(data) != end + int(length):
            return
        heads, head = self.pool.heads, data[:end]
        if head not in heads:
            if len(heads) >= _HEADS_BOUND:
                heads.clear()
            heads[head] = None
            return
        heads[head] = KnownHead(status, int(length), STATUS_LINE[status] + b"\r\n".join(self._head_lines[:-3]))

    def _switch_headers(self) -> list[Header]:
        named = [line.partition(b": ") for line in self._lines]
        return [(b"upgrade", self._upgrade), *((name, value) for name, _, value in named)]

    def eof_received(self) -> None:
        self._eof = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.pool.gone(self)
        if self.tunnel is not None:
            self.tunnel.upstream_lost()
        elif self.client is not None:
            if self._until_eof and self._eof and exc is None:
                if self._rechunk:
                    self._end_chunks()
                    self.client.transport.write(b"".join(self._out))
                    self._out.clear()
                self._lost_step = True
                self._finish(self.client)
            else:
                self._fail(UPSTREAM_BROKE_OFF)

    def pause_writing(self) -> None:
        target = self.tunnel or self.client
        if target is not None:
            target.upstream_writable(False)

    def resume_writing(self) -> None:
        target = self.tunnel or self.client
        if target is not None:
            target.upstream_writable(True)

    def _finish(self, client: Downstream) -> None:
        self.client = None
        self._used = True
        self.answers += 1
        client.response_ends(self._reusable and not self._lost_step)

    def _fail(self, problem: ProblemType) -> None:
        client, self.client = self.client, None
        self._out.clear()
        stale = self._used and not self._touched
        if not stale:
            self.pool.failed(Fault.BROKE_OFF)
        self.transport.abort()
        if client is not None:
            client.response_fails(problem, untouched=not self._touched, stale=stale)

    # --- callbacks of the parser

    def on_message_begin(self) -> None:
        if self._done:
            self._lost_step = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            self._trailer(name, value)
            return
        kind, start = self._known.get(name) or self._learn(name)
        if kind == _PASS:
            self._lines.append(start + value)
        elif kind == _LENGTH:
            self._length = value
        elif kind == _CONNECTION:
            if value != b"keep-alive":
                self._connection.append(value)
        elif kind == _CODING:
            if self._chunked or value.strip(b" \t").lower() != b"chunked":
                raise LostStep
            self._chunked = True
        elif kind == _COOKIE:
            if not sets_own_cookie(value):
                self._lines.append(start + value)
        elif kind == _UPGRADE:
            self._upgrade = value

    def _trailer(self, name: bytes, value: bytes) -> None:
        """Passes to a client that asked for it by `TE: trailers`, and stops here otherwise (RFC 9110, section 6.5)."""
        client = self.client
        if client is None or not client.takes_trailers or not self._rechunk or self._rewriting is not None:
            return
        if len(self._trailers) >= self.pool.limits.headers:
            raise LostStep
        if self._kind(name) == _PASS and may_trail(name.lower()):
            self._trailers.append(b"%b: %b\r\n" % (name.lower(), value))

    def _kind(self, name: bytes) -> int:
        return (self._known.get(name) or self._learn(name))[0]

    def _learn(self, name: bytes) -> tuple[int, bytes]:
        lower = name.lower()
        kind = _SPECIAL.get(lower, _PASS if response_passes(lower) else _STRIP)
        if len(self._known) < _KNOWN_BOUND:
            self._known[name] = (kind, lower + b": ")
        return kind, lower + b": "

    def on_headers_complete(self) -> None:
        client = self.client
        status = self._parser.get_status_code()
        if client is None or self._done or not 100 <= status <= 599 or len(self._lines) > self.pool.limits.headers:
            raise LostStep
        if status < 200:
            self._interim_head(client, status)
            return
        self._head_done = True
        if 502 <= status <= 504:
            self.pool.failed(Fault.STATUS)
        elif self.pool.suspect:
            self.pool.answered()
        keep = client.response_begins(status)
        lines = self._lines
        if self._connection:
            named = {name + b": " for name in named_by_connection(self._connection)}
            lines = [line for line in lines if line[: line.index(b" ") + 1] not in named]
        bodiless = status == 204 or status == 304
        if client.rewrite is not None and client.takes_chunks and not (bodiless or client.without_body):
            self._rewriting = client.response_rewritten(status, lines)
        if self._rewriting is not None:
            self._rechunk = True
            self._until_eof = not self._chunked and self._length is None
        elif self._chunked and not (bodiless or client.without_body):
            self._rechunk = client.takes_chunks
        elif self._length is not None:
            if status != 204:
                lines.append(b"content-length: " + self._length)
        elif not (bodiless or client.without_body):
            self._until_eof = True
            self._rechunk = client.takes_chunks
        if self._rechunk:
            lines.append(b"transfer-encoding: chunked")
        if not keep:
            lines.append(b"connection: close")
        self._closes, self._head_lines = not keep, lines
        lines += (client.correlation_line, b"", b"")
        self._out += (STATUS_LINE[status], b"\r\n".join(lines))
        if self._length is None or len(self._length) >= _LARGE_DIGITS:
            client.response_lasts()
        if client.without_body and (self._chunked or self._length != b"0"):
            self._end_without_body()

    def _interim_head(self, client: Downstream, status: int) -> None:
        self._interim += 1
        if self._interim > _INTERIM_BOUND or (status == 101 and not client.upgrade):
            raise LostStep
        if status == 101:
            return
        lines, named = self._lines, named_by_connection(self._connection)
        self._lines = []
        self._connection = []
        if self._chunked or self._length is not None:
            raise LostStep
        if status == 100:
            if client.expects_continue:
                self._out.append(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif client.takes_chunks:  # a client of HTTP/1.0 is sent none (RFC 9110, section 15.2)
            kept = [line for line in lines if line.partition(b": ")[0] not in named and not line.startswith(_COOKIES)]
            self._out += (STATUS_LINE[status], *[line + b"\r\n" for line in kept], b"\r\n")

    def _end_without_body(self) -> None:
        # the parser waits for the body that its length announces, which an answer to HEAD does not have
        self._reusable = self._parser.get_http_version() == "1.1" and b"close" not in named_by_connection(
            self._connection
        )
        self._parser = HttpResponseParser(self)
        self._done = True

    def on_body(self, body: bytes) -> None:
        if self._done:
            self._lost_step = True
        elif self._rechunk:
            if self._rewriting is not None:
                body = self._rewriting.feed(body)
            if body:
                self._out.append(b"%x\r\n%b\r\n" % (len(body), body))
        else:
            self._out.append(body)

    def on_message_complete(self) -> None:
        if not self._head_done:
            return
        if self._done:
            return
        if self._rechunk:
            self._end_chunks()
        self._done = True
        self._reusable = self._parser.should_keep_alive()

    def _end_chunks(self) -> None:
        rest = b"" if self._rewriting is None else self._rewriting.finish()
        if rest:
            self._out.append(b"%x\r\n%b\r\n" % (len(rest), rest))
        self._out += (b"0\r\n", *self._trailers, b"\r\n")
