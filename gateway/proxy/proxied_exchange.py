"""An exchange with an upstream, from the verdict to the last byte of the answer, or to the end of a websocket."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from config.problem import Problem, ProblemType
from gateway.exchange import BodyRewrite, Forward, LiveConnection, Rewrite
from gateway.header import Header
from gateway.inbound.header_hygiene import UnsafeHeader
from gateway.proxy.answer import problem_answer
from gateway.proxy.breaker import Fault
from gateway.proxy.client_connection import NEVER, ClientConnection, Hold, Phase
from gateway.proxy.forwarding import chunk, last_chunk, request_bytes
from gateway.proxy.frames import CLOSE_GOING_AWAY
from gateway.proxy.live_stream import LiveStream
from gateway.proxy.pool import Pool
from gateway.proxy.problems import EXCHANGE_ENDED, UPSTREAM_MALFORMED, UPSTREAM_UNKNOWN
from gateway.proxy.request_head import IDEMPOTENT
from gateway.proxy.upstream import Owner, UpstreamConnection
from gateway.proxy.websocket import Splice, checked_switch

_RETRIES = 2
_AWAITING, _STREAMING = Phase.AWAITING.value, Phase.STREAMING.value
_UNDER_WAY = (Phase.CONNECTING, Phase.AWAITING, Phase.STREAMING)


class ProxiedExchange(ClientConnection):
    """A client's connection as the upstream's side sees it (`Downstream`, `Waiting`)."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.takes_chunks = True
        self.takes_trailers = False
        self.expects_continue = False
        self.upgrade = False
        self.rewrite: Rewrite | None = None
        self._verdict: Forward | None = None
        self._pool: Pool | None = None
        """The pool that was asked for a connection."""
        self._home: Pool
        """The pool of the exchange at hand."""
        self._ends_at = NEVER
        self._upstream: UpstreamConnection | None = None
        self._splice: Splice | None = None
        self._live: LiveConnection | None = None
        self._live_at = NEVER
        self._outgoing = b""
        """What goes to the upstream, kept as long as it may be sent again."""
        self._retries = 0
        self._tried: tuple[Owner, ...] = ()
        """Targets at which the request came to nothing, where it was sent again."""

    # --- to the upstream

    def _forward(self, verdict: Forward, body: bytes) -> None:
        self._verdict = verdict
        self.decided_at = perf_counter()
        pool = self.door.pools.by_name.get(verdict.upstream)
        if pool is None:
            self._answer(problem_answer(Problem(UPSTREAM_UNKNOWN), self.correlation_id))
            return
        request = self._request
        own_lines = self.correlation_line
        if (tracing := self.door.telemetry.tracing) is not None:
            line, self.traced = tracing.onward(request.head)
            own_lines = b"%b\r\n%b" % (own_lines, line)
            self.forwarded = True
        try:
            self._outgoing = request_bytes(request, verdict, own_lines, body)
        except UnsafeHeader:
            self._undecided()
            return
        self.takes_chunks = request.takes_chunks
        self.takes_trailers = request.fields.trailers
        self.expects_continue = request.fields.expects_continue
        self.upgrade = request.fields.upgrade
        self.rewrite = verdict.rewrite
        self._home = pool
        now = self.door.watch.now
        self._ends_at = now + pool.limits.total
        self._retries = retries = _RETRIES if request.body is None and request.head.method in IDEMPOTENT else 0
        if verdict.opened is not None:
            self._live_at = now + pool.limits.live_after
        connection = pool.take(safe=retries > 0)
        if connection is not None:
            self.upstream_ready(connection)
        else:
            self._ask(pool)
        if self._body is not None and self._live_at != NEVER:
            self._stream_lives()  # a body that comes piece by piece must not come on after the end

    def _ask(self, pool: Pool, *, avoid: tuple[Owner, ...] = ()) -> None:
        self._pool = pool
        self._phase = Phase.CONNECTING
        self._deadline = self.door.watch.now + pool.patience
        if self._body is not None:
            self._hold(Hold.BODY_EARLY)
        pool.ask(self, safe=self._retries > 0 or bool(avoid), avoid=avoid)

    def upstream_ready(self, connection: UpstreamConnection) -> None:
        self._pool = None
        self._upstream = connection
        self._phase = _AWAITING
        limits = self._home.limits
        self._deadline = self.door.watch.now + (limits.first_byte if self._body is None else limits.body_idle)
        if self._write_paused_at != NEVER:
            connection.transport.pause_reading()
        connection.send(self, self._outgoing)
        if not self._retries:
            self._outgoing = b""
        if self._held:
            self._release(Hold.BODY_EARLY)

    def upstream_unavailable(self, problem: ProblemType, retry_after: int) -> None:
        self._pool = None
        self._fail(problem, retry_after=retry_after)

    def upstream_writable(self, writable: bool) -> None:
        if self._body is None:
            self._release(Hold.UPSTREAM_SLOW)
            return
        limits = self.door.limits
        if writable:
            self._release(Hold.UPSTREAM_SLOW)
        else:
            self._hold(Hold.UPSTREAM_SLOW)
        if not self._head_sent:  # whose turn it is, is whose time it is
            self._deadline = self.door.watch.now + (limits.body_idle if writable else limits.first_byte)

    def _send_body(self, upstream: UpstreamConnection, payload: bytes) -> None:
        """More of the request's body; it is complete when `_body` is None."""
        complete = self._body is None
        if self._request.fields.length is None:
            payload = chunk(payload) + (last_chunk(self._request, self._verdict) if complete else b"")
        if payload:
            upstream.write(payload)
        limits = self._home.limits
        if self._head_sent:
            self._deadline = self.door.watch.now + limits.stream_idle
        else:
            self._deadline = self.door.watch.now + (limits.first_byte if complete else limits.body_idle)

    # --- from the upstream

    def response_whole(self, status: int, lines: bytes, body: bytes) -> bool:
        verdict = self._verdict
        if (
            self._body is not None
            or self.without_body
            or self.rewrite is not None
            or self._draining
            or not self._keep_alive
            or verdict is None
            or verdict.answered is not None
        ):
            return False
        self.status = status
        self.answered_at = perf_counter()
        sent = b"%b\r\n%b\r\n\r\n%b" % (lines, self.correlation_line, body)
        self.bytes_out += len(sent)
        self.transport.write(sent)
        return True

    def response_begins(self, status: int) -> bool:
        if self._body is not None or self._draining:
            self._keep_alive = False
        self.status = status
        self.answered_at = perf_counter()
        verdict = self._verdict
        if verdict is not None and verdict.answered is not None:
            verdict.answered(status)
        return self._keep_alive

    def response_rewritten(self, status: int, lines: list[bytes]) -> BodyRewrite | None:
        assert self.rewrite is not None
        return self.rewrite.begins(status, lines, self.door.entropy.token(16).encode())

    def response_lasts(self) -> None:
        if self._live_at != NEVER:
            self._live_at = self.door.watch.now

    def response_moves(self) -> None:
        self._head_sent = True
        self._phase = _STREAMING
        now = self.door.watch.now
        self._deadline = now + self._home.limits.stream_idle
        if now >= self._live_at:  # at once, not at the next tick
            self._stream_lives()

    def response_ends(self, reusable: bool) -> None:
        connection = self._released()
        if self._body is not None:
            connection.abort()
        elif reusable:
            if self._write_paused_at != NEVER:
                connection.transport.resume_reading()
            connection.pool.give_back(connection)
        else:
            connection.close()
        self._end_exchange()

    def _released(self) -> UpstreamConnection:
        connection, self._upstream = self._upstream, None
        assert connection is not None
        return connection

    def response_fails(self, problem: ProblemType, *, untouched: bool, stale: bool) -> None:
        connection = self._released()
        if not (untouched and self._repeats(connection, elsewhere=not stale)):
            self._fail(problem)

    def _repeats(self, connection: UpstreamConnection, *, elsewhere: bool) -> bool:
        """Send it again, where nothing can happen twice and nothing of an answer came."""
        if not self._retries:
            return False
        former = () if self._retries == _RETRIES else self._tried
        self._tried = tried = (*former, connection.pool)
        if not self._home.may_repeat(tried, elsewhere=elsewhere):
            return False
        self._retries -= 1
        self._ask(self._home, avoid=tried)
        return True

    def _expire(self) -> None:
        connection = self._upstream
        if connection is not None and self._phase == _AWAITING and self._body is None:
            connection.pool.failed(Fault.SILENT)
            if connection.untouched:
                self._upstream = None
                connection.abort()
                if self._repeats(connection, elsewhere=True):
                    return
        super()._expire()

    def response_switches(self, headers: list[Header], rest: bytes) -> None:
        connection = self._released()
        lines = checked_switch(self._request.head.headers, headers) if self.upgrade else None
        if lines is None:
            connection.abort()
            self._fail(UPSTREAM_MALFORMED)
            return
        door = self.door
        self._splice = splice = Splice(
            self.transport,
            connection,
            limits=self._home.limits,
            watch=door.watch,
            mask=door.entropy.uuid().bytes[:4],
            over=self._drop_live,
        )
        connection.become(splice)
        self._live_at = self._deadline = self._ends_at = NEVER
        self.response_begins(101)
        head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n%b%b\r\n\r\n" % (
            b"".join([b"%b: %b\r\n" % line for line in lines]),
            self.correlation_line,
        )
        self.bytes_out += len(head)
        self.transport.write(head)
        self._go_live(splice)
        if rest:
            splice.from_upstream(rest)
        ahead, self._unread = self._unread, b""
        if ahead:
            splice.from_client(ahead)
        self._release(Hold.AHEAD)
        if self._draining:
            splice.close(CLOSE_GOING_AWAY, "going away")

    # --- what lives on

    def check(self, now: float) -> None:
        if now >= self._ends_at:
            self._ends_at = NEVER
            self._retries = 0
            if self._phase in _UNDER_WAY:
                self._expire()
        super().check(now)
        if now >= self._live_at:
            self._stream_lives()
        if self._splice is not None:
            self._splice.check(now)

    def _stream_lives(self) -> None:
        self._live_at = NEVER
        self._go_live(LiveStream(self._end_live))

    def _go_live(self, live: LiveConnection) -> None:
        verdict = self._verdict
        if verdict is not None and verdict.opened is not None and self._live is None:
            self._live = live
            verdict.opened(live)

    def _end_live(self, reason: str) -> None:
        self._fail(EXCHANGE_ENDED, f"{EXCHANGE_ENDED.title} ({reason})")

    def _drop_live(self) -> None:
        live, self._live = self._live, None
        verdict, self._verdict = self._verdict, None
        if isinstance(live, LiveStream):
            live.over()
        if live is not None and verdict is not None and verdict.closed is not None:
            verdict.closed(live)

    # --- the end

    def connection_lost(self, exc: Exception | None) -> None:
        if self._splice is not None:
            self.bytes_out += self._splice.sent
        super().connection_lost(exc)
        if self._splice is not None:
            self._splice.client_lost()
        self._drop_exchange()

    def _drop_exchange(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None
        if self._pool is not None:
            self._pool.forget(self)
            self._pool = None
        self._live_at = NEVER
        if self._live is None:
            self._verdict = None
        else:
            self._drop_live()

    def _pass_writable(self, writable: bool) -> None:
        if self._splice is not None:
            self._splice.client_writable(writable)
        elif self._upstream is not None:
            transport = self._upstream.transport
            if writable:
                transport.resume_reading()
            else:
                transport.pause_reading()
