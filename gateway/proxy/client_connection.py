"""A client's connection: reading held and released, deadlines, answers of the gateway's own, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from enum import IntEnum
from time import perf_counter
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from config.problem import Problem, ProblemType
from gateway.exchange import Answer, RequestHead
from gateway.inbound.client_certificate import certificate_of
from gateway.inbound.header_hygiene import UnsafeHeader
from gateway.limits.connections import TOO_MANY_OF_ADDRESS
from gateway.limits.pace import Pace
from gateway.proxy.answer import CORRELATION, answer_bytes, problem_answer
from gateway.proxy.door import Door
from gateway.proxy.problems import (
    DECISION_FAILED,
    DECISION_TIMEOUT,
    REQUEST_TIMEOUT,
    TOO_MANY_CONNECTIONS,
    UPSTREAM_DOWN,
    UPSTREAM_SILENT,
)
from gateway.proxy.request_body import RequestBody
from gateway.proxy.request_head import RequestHeadParser
from gateway.telemetry.measured import Traced

_logger = logging.getLogger("gateway.proxy")

NEVER = float("inf")
_LINGER = 2.0
_CORRELATION = CORRELATION.decode("ascii")


class Phase(IntEnum):
    """How far the exchange at hand is."""

    IDLE = 0
    HEAD = 1
    """Some of a request's head is there."""
    DECIDING = 2
    CONNECTING = 3
    """Waiting for a connection to the upstream."""
    AWAITING = 4
    """The request is sent, or being sent; no answer yet."""
    STREAMING = 5
    """The answer's head went out."""
    OWN_PAGE = 6
    LINGERING = 7
    """Answered for the last time; what still comes is thrown away."""


class Hold(IntEnum):
    """Why reading is paused; bits of a set."""

    AHEAD = 1
    """The client is sending its next request already."""
    UPSTREAM_SLOW = 2
    BODY_EARLY = 4
    """Nobody is ready for the body."""


# plain numbers: comparing them is what the warm path does most
_IDLE, _HEAD, _DECIDING = Phase.IDLE.value, Phase.HEAD.value, Phase.DECIDING.value
_EVERY_HOLD = int(Hold.AHEAD | Hold.UPSTREAM_SLOW | Hold.BODY_EARLY)
_TIMEOUTS: dict[int, ProblemType] = {
    Phase.DECIDING: DECISION_TIMEOUT,
    Phase.CONNECTING: UPSTREAM_DOWN,
    Phase.AWAITING: UPSTREAM_SILENT,
}


class ClientConnection(asyncio.Protocol, ABC):
    """What does not depend on how a request is served. One exchange at a time."""

    door: Door
    asked_by: str = ""
    """Nobody: the request itself is here (`gateway.telemetry.measured.Exchange`)."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._server_state = server_state
        self._connections = cast("set[object]", server_state.connections)  # uvicorn names its own protocols only
        self._app_state = app_state
        self.transport: asyncio.Transport
        self._request: RequestHeadParser
        self._unread = b""
        self._phase: int = _IDLE
        self._deadline = NEVER
        self._held = 0
        self._write_paused_at = NEVER
        self._draining = False
        self._closed = False
        self._body: RequestBody | None = None
        """The request's body, as long as some of it is still to come."""
        self._keep_alive = True
        self._head: RequestHead | None = None
        """Of the exchange at hand, once it could be read."""
        self.correlation_id = ""
        self.correlation_line = b""
        self.began = self.decided_at = self.answered_at = 0.0
        """Moments of `perf_counter`; `began` is 0 between two exchanges."""
        self.status = 0
        self.bytes_in = self.bytes_out = 0
        self.traced: Traced | None = None
        self.forwarded = False
        """It went on to an upstream."""
        self.without_body = False
        self._head_sent = False
        self._body_size = 0
        """Bytes of the request's body so far."""
        self._sending, self._reading = Pace(), Pace()
        """How quickly the client does either."""
        self._unreadable = False
        """The last request was refused as it came: more of it may be on its way."""

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        door = self.door
        self._peer = get_remote_addr(self.transport)
        secure = self.transport.get_extra_info("ssl_object")
        self._request = RequestHeadParser(
            door,
            self._peer[0] if self._peer else "",
            secure=secure is not None,
            certificate=None if secure is None else certificate_of(secure),
        )
        self._connections.add(self)
        door.watch.watched.add(self)
        door.clients += 1
        self._deadline = door.watch.now + door.limits.head_time
        peer = self._peer[0] if self._peer else ""
        self._counted = "" if door.addresses.trusts(peer) else door.addresses.peer(peer)  # a proxy brings many people
        if not door.per_address.enter(self._counted):
            self._refuse(Problem(TOO_MANY_OF_ADDRESS, headers={"Retry-After": "1"}), unreadable=False)
        elif door.clients > door.limits.clients:
            self._refuse(Problem(TOO_MANY_CONNECTIONS), unreadable=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        if self.began:
            self._account(complete=False)
        self.door.watch.watched.discard(self)
        self.door.clients -= 1
        self.door.per_address.leave(self._counted)
        self._connections.discard(self)

    def eof_received(self) -> None:
        """A client that closes its side has gone: the event loop closes the connection."""

    def pause_writing(self) -> None:
        self._write_paused_at = self.door.watch.now
        self._pass_writable(False)

    def resume_writing(self) -> None:
        self._write_paused_at = NEVER
        self._reading.rest()
        self._pass_writable(True)
        if self._unread and self._phase <= _HEAD and not self.transport.is_closing():
            self._release(Hold.AHEAD)
            self._advance(b"")

    @abstractmethod
    def _pass_writable(self, writable: bool) -> None:
        """Tell whoever writes to the client."""

    @abstractmethod
    def _drop_exchange(self) -> None:
        """Let go of whatever serves the exchange at hand."""

    @abstractmethod
    def _advance(self, data: bytes) -> None:
        """Serve the requests in `data`."""

    # --- Watched

    def check(self, now: float) -> None:
        """Look whether a deadline has passed."""
        if now >= self._deadline:
            self._expire()
        if now - self._write_paused_at >= self.door.limits.slow_reader:
            self.cut()
        if self._body is not None or self._write_paused_at != NEVER:
            self._check_pace(now)

    def _check_pace(self, now: float) -> None:
        """Give up on a client that sends or reads a byte now and then (slowloris): each is in time, the whole never."""
        limits = self.door.limits
        if self._body is None or self._held or self._head_sent or self._phase >= Phase.LINGERING:
            self._sending.rest()
        elif self._sending.too_slow(self._body, self._body_size, now, least=limits.least_rate, window=limits.pace):
            self.door.slow_clients += 1
            self._give_up()
        if self._write_paused_at == NEVER:
            self._reading.rest()
            return
        unread = self.transport.get_write_buffer_size()
        if self._reading.too_slow(self.transport, -unread, now, least=limits.least_rate, window=limits.pace):
            self.door.slow_clients += 1
            self.cut()

    def _give_up(self) -> None:
        """A request that does not come."""
        if self._phase == Phase.OWN_PAGE:
            self.cut()
        else:
            self._fail(REQUEST_TIMEOUT)

    @property
    def busy(self) -> bool:
        """Whether a request is being served."""
        return _DECIDING <= self._phase < Phase.LINGERING

    def _expire(self) -> None:
        self._deadline = NEVER
        phase = self._phase
        if phase == _IDLE:
            self.transport.close()
        elif phase == _HEAD:
            self._refuse(Problem(REQUEST_TIMEOUT))
        elif self._body is not None and phase == Phase.AWAITING and not self._held & Hold.UPSTREAM_SLOW:
            self._fail(REQUEST_TIMEOUT)
        elif phase in _TIMEOUTS:
            self._fail(_TIMEOUTS[phase])
        else:
            self.cut()

    def cut(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    # --- answers of the gateway's own

    def _name_exchange(self) -> str:
        self.began = perf_counter()
        self.decided_at = self.answered_at = 0.0
        self.status = self.bytes_in = self.bytes_out = 0
        self.traced = self._head = None
        self.forwarded = False
        self.correlation_id = correlation_id = self.door.next_correlation_id()
        self.correlation_line = f"{_CORRELATION}: {correlation_id}".encode("ascii")
        return correlation_id

    def _refuse(self, problem: Problem, *, unreadable: bool = True) -> None:
        """Answer a request that could not be read, and read no more."""
        self._unreadable = unreadable
        if self._phase <= _HEAD:
            self._name_exchange()
        self._phase = _DECIDING
        self._keep_alive = False
        self._answer(problem_answer(problem, self.correlation_id))

    def _fail(self, kind: ProblemType, detail: str | None = None, *, retry_after: int | None = None) -> None:
        """The exchange cannot be completed: say so, or cut where the answer has begun."""
        self._drop_exchange()
        if self._head_sent:
            self.cut()
        else:
            headers = None if retry_after is None else {"Retry-After": str(retry_after)}
            self._answer(problem_answer(Problem(kind, detail, headers=headers), self.correlation_id))

    def _undecided(self) -> None:
        """Called while an exception is handled: nothing passes."""
        _logger.exception("the request was not let through", extra={"correlation_id": self.correlation_id})
        self._answer(problem_answer(Problem(DECISION_FAILED), self.correlation_id))

    def _answer(self, answer: Answer) -> None:
        if self._closed or self.transport.is_closing():
            return
        if self._body is not None:
            self._keep_alive = False
        try:
            data = answer_bytes(
                answer,
                correlation_id=self.correlation_id,
                keep_alive=self._keep_alive,
                without_body=self.without_body,
                default_headers=self._server_state.default_headers,
            )
        except UnsafeHeader:
            self._undecided()
            return
        if not self.decided_at:
            self.decided_at = perf_counter()
        self.status = answer.status
        self.bytes_out += len(data)
        self.transport.write(data)
        self._end_exchange()

    # --- the end of an exchange

    @property
    def peer(self) -> str:
        """The address at the other end of the connection."""
        return self._peer[0] if self._peer else ""

    def _account(self, *, complete: bool) -> None:
        """Tell what became of the exchange at hand, once."""
        self.door.telemetry.ended(self, self._head, complete)
        self.began = 0.0

    def _end_exchange(self) -> None:
        if self.began:
            self._account(complete=True)
        self._drop_exchange()
        if self.transport.is_closing():
            return
        if self._body is not None or not self._keep_alive:
            self._linger()
            return
        self._phase = _IDLE
        self._deadline = self.door.watch.now + self.door.limits.keep_alive
        if self._held:
            self._release(_EVERY_HOLD)
        if self._unread:
            self._advance(b"")

    def _linger(self) -> None:
        """Close; where a request is still coming, read on for a moment, or a reset would take the answer away.

        RFC 9112, section 9.6.
        """
        incomplete = self._body is not None or bool(self._unread) or self._unreadable
        self._phase = Phase.LINGERING
        self._unread = b""
        self._release(_EVERY_HOLD)
        if not incomplete:
            self.transport.close()
            return
        self._body = None
        patience = self.door.limits.slow_reader if self.transport.get_write_buffer_size() else _LINGER
        self._deadline = self.door.watch.now + patience
        if self.transport.can_write_eof():  # TLS has no half: there the client closes, told by `connection: close`
            self.transport.write_eof()

    # --- reading

    def _hold(self, reason: int) -> None:
        if not self._held:
            self.transport.pause_reading()
        self._held |= reason

    def _release(self, reasons: int) -> None:
        if self._held & reasons:
            self._held &= ~reasons
            if not self._held and not self.transport.is_closing():
                self.transport.resume_reading()
