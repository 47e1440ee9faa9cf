"""A proxy's connection: one question after the other, each answered by a verdict, on the warm way without waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from time import perf_counter
from typing import cast

from uvicorn.protocols.utils import get_remote_addr

from config.client_address import UNKNOWN
from config.problem import Problem, ProblemType
from gateway.decision.enforcement import NOT_ALLOWED
from gateway.doors.answers import passing, refuses
from gateway.doors.asked import AskedParser, Said
from gateway.doors.doors import Doors
from gateway.doors.page import answer_of_page, is_of_a_person
from gateway.doors.problems import NOT_A_PEER
from gateway.exchange import Answer, Forward, OwnPage, RequestHead, Verdict
from gateway.header import Header
from gateway.inbound.header_hygiene import UnsafeHeader
from gateway.proxy.answer import CLOSE, problem_answer
from gateway.proxy.problems import DECISION_FAILED, DECISION_TIMEOUT, HEAD_TOO_LARGE, REQUEST_TIMEOUT
from gateway.proxy.turns import REQUEST
from gateway.telemetry.measured import Traced

_logger = logging.getLogger("gateway.doors")


_NOBODY_KNOWN = "unknown"
"""Who asked what was no question of a proxy that is known."""


class DoorConnection(asyncio.Protocol):
    """Of one proxy. To telemetry it is the exchange at hand (`gateway.telemetry.measured.Exchange`)."""

    answered_at: float = 0.0
    forwarded: bool = False
    """The way to the upstream is the proxy's."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._door = doors.door
        self._asked = AskedParser(doors)
        self._watch = doors.door.watch
        self._longest = doors.door.limits.head
        self._patience = doors.door.limits.keep_alive
        self._transport: asyncio.Transport
        self._unread = b""
        self._queued = False
        """It waits for its turn to decide the question in `_unread`."""
        self._deciding: asyncio.Task[None] | None = None
        self._deadline = float("inf")
        self.correlation_id = ""
        self.peer = ""
        self.asked_by = _NOBODY_KNOWN
        self.began = self.decided_at = 0.0
        self.status = 0
        self.bytes_in = self.bytes_out = 0
        self.traced: Traced | None = None
        self._head: RequestHead | None = None
        self._raw = b""
        self._told: tuple[Said, Sequence[Header], bytes | None, frozenset[bytes]] | None = None
        """What `_passing` was made of."""
        self._passing = b""
        self._draining = False

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._doors.connections.add(self)
        self._watch.watched.add(self)
        self._deadline = self._watch.now + self._patience
        peer = get_remote_addr(self._transport)
        self.peer = peer[0] if peer else ""
        if not self._doors.is_peer(self.peer or UNKNOWN):
            _logger.warning("asked by a stranger", extra={"private": self.peer})
            self._break_off(NOT_A_PEER)

    def connection_lost(self, exc: Exception | None) -> None:
        self._doors.left(self)
        self._watch.watched.discard(self)
        if self._deciding is not None:
            self._deciding.cancel()
            self._deciding = None

    def eof_received(self) -> None:
        """A proxy that closes its side has gone: the event loop closes the connection."""

    def data_received(self, data: bytes) -> None:
        if self._unread:
            data = self._unread + data
            self._unread = b""
        turns = self._door.turns
        while data and self._deciding is None and not self._queued:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4 or end > self._longest:
                self._await_head(data)
                return
            if turns.left <= 0:
                self._queued = True
                self._deadline = float("inf")  # it is not the proxy that keeps anybody waiting
                turns.wait(self)
                break
            turns.left -= REQUEST
            if end == len(data):
                self._take(data)
                return
            self._take(data[:end])
            if self._transport.is_closing():
                return
            data = data[end:]
        if len(data) > self._door.limits.held:
            self.cut()
        self._unread = data

    def take_turn(self, late: bool) -> None:
        """Decide what waited (`gateway.proxy.turns`)."""
        self._queued = False
        self._door.turns.left += REQUEST  # whoever reads the question takes it
        if not self._transport.is_closing():
            self.data_received(b"")

    def _await_head(self, data: bytes) -> None:
        if len(data) > self._longest:
            self._break_off(HEAD_TOO_LARGE)
            return
        self._unread = data
        self._deadline = self._watch.now + self._door.limits.head_time

    # --- one question

    def _take(self, raw: bytes) -> None:
        door, asked = self._door, self._asked
        correlation_id = self._begin()
        self._raw = raw
        self.bytes_in = len(raw)
        try:
            self._head = head = asked.parse(raw, correlation_id)
        except Problem as problem:
            self._answer(problem_answer(problem, correlation_id))
            return
        try:
            verdict = door.pipeline(head)
        except Problem as problem:
            self._answer(problem_answer(problem, correlation_id))
        except Exception:
            self._undecided()
        else:
            if isinstance(verdict, Forward):
                self._pass(verdict)
            elif isinstance(verdict, Answer):
                self._answer(verdict, person=_leads(verdict))
            else:
                self._deadline = door.watch.now + door.limits.decide
                self._deciding = task = asyncio.get_running_loop().create_task(self._await_verdict(head, verdict))
                door.tasks.add(task)
                task.add_done_callback(door.tasks.discard)

    def _begin(self) -> str:
        """A question is at hand."""
        self.began = perf_counter()
        self._head = self.traced = None
        self.correlation_id = correlation_id = self._door.next_correlation_id()
        return correlation_id

    async def _await_verdict(self, head: RequestHead, waiting: OwnPage | Awaitable[Verdict]) -> None:
        try:
            verdict: Verdict = waiting if isinstance(waiting, OwnPage) else await waiting
            person = isinstance(verdict, OwnPage) and is_of_a_person(verdict)
            if isinstance(verdict, OwnPage):
                verdict = await self._page(head, verdict, person=person)
        except Problem as problem:
            self._deciding = None
            self._answer(problem_answer(problem, self.correlation_id))
        except Exception:
            self._deciding = None
            self._undecided()
        else:
            self._deciding = None
            if isinstance(verdict, Forward):
                self._pass(verdict)
            else:
                self._answer(verdict, person=person or _leads(verdict))
        self.data_received(b"")

    async def _page(self, head: RequestHead, verdict: OwnPage, *, person: bool) -> Answer:
        dialect = self._asked.dialect
        if person and dialect is not None and not dialect.passes_refusals:
            return Answer(NOT_ALLOWED.status.value)  # the proxy leads the person to the gateway, which has the page
        return await answer_of_page(self._door.own_pages, head, verdict)

    # --- answers

    def _pass(self, verdict: Forward) -> None:
        said, dialect = self._asked.said, self._asked.dialect
        assert dialect is not None
        told = (said, verdict.add, verdict.cookie, verdict.drop)
        if told != self._told:  # what a client of many requests is let pass with repeats for as long as its assertion
            try:
                self._passing = passing(dialect, verdict, said)
            except UnsafeHeader:
                self._undecided()
                return
            self._told = told
        data = b"".join((self._passing, b"munjigi-correlation-id: ", self.correlation_id.encode("ascii"), b"\r\n\r\n"))
        if self._draining or not said.keep_alive:
            data = data[:-2] + CLOSE + b"\r\n"
        self._write(data, 200, keep_alive=said.keep_alive)

    def _undecided(self) -> None:
        """Called while an exception is handled: nothing passes."""
        _logger.exception("the request was not let through", extra={"correlation_id": self.correlation_id})
        self._answer(problem_answer(Problem(DECISION_FAILED), self.correlation_id))

    def _answer(self, answer: Answer, *, person: bool = False) -> None:
        asked = self._asked
        keep_alive = asked.dialect is not None and asked.said.keep_alive
        data = refuses(
            asked.dialect,
            answer,
            correlation_id=self.correlation_id,
            keep_alive=keep_alive and not self._draining,
            without_body=self._raw.startswith(b"HEAD "),
            person=person,
        )
        self._write(data, answer.status, keep_alive=keep_alive)

    def _break_off(self, kind: ProblemType) -> None:
        """Nothing more is read."""
        self._begin()
        self.bytes_in = 0
        self._asked.dialect = None
        self._answer(problem_answer(Problem(kind), self.correlation_id))

    def _write(self, data: bytes, status: int, *, keep_alive: bool) -> None:
        """The answer to the question at hand; `status` is what whoever sent the request gets, unless it passes."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        self.decided_at, self.status, self.bytes_out = perf_counter(), status, len(data)
        dialect = self._asked.dialect
        self.asked_by = asked_by = _NOBODY_KNOWN if dialect is None else dialect.name
        self._door.telemetry.at_door(asked_by).ended(self, self._head, True)
        if keep_alive and not self._draining:
            self._deadline = self._watch.now + self._patience
        else:
            self._transport.close()

    # --- the end

    def check(self, now: float) -> None:
        """Look whether a deadline has passed (`gateway.proxy.watch`)."""
        if now < self._deadline:
            return
        self._deadline = float("inf")
        if self._deciding is not None:
            self._deciding.cancel()
            self._deciding = None
            self._answer(problem_answer(Problem(DECISION_TIMEOUT), self.correlation_id))
        elif self._unread:
            self._break_off(REQUEST_TIMEOUT)
        else:
            self._transport.close()

    def drain(self) -> None:
        """Come to an end: what is being decided is answered first."""
        self._draining = True
        if self._deciding is None and not self._queued:
            self._transport.close()

    def cut(self) -> None:
        """Close at once."""
        self._transport.abort()


def _leads(answer: Answer) -> bool:
    """Whether somebody is led elsewhere."""
    return 300 <= answer.status < 400
