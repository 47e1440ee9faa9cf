"""uvicorn's HTTP protocol class of our own: requests are read one after the other, and verdicts obeyed.

A head is parsed, the pipeline answers, and the request is forwarded, answered or handed to the gateway's own pages.
What a client sends ahead (pipelining) stays unread until its turn, so answers keep their order whoever gives them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import perf_counter
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr
from uvicorn.server import ServerState

from config.problem import Problem
from gateway.exchange import Answer, Forward, OwnPage, Verdict
from gateway.proxy.answer import problem_answer
from gateway.proxy.client_connection import NEVER, Hold, Phase
from gateway.proxy.frames import CLOSE_GOING_AWAY
from gateway.proxy.own_page import OwnPageCycle
from gateway.proxy.problems import BODY_TOO_LARGE, HEAD_TOO_LARGE, MALFORMED_REQUEST
from gateway.proxy.proxied_exchange import ProxiedExchange
from gateway.proxy.request_body import MalformedBody, RequestBody
from gateway.proxy.turns import REQUEST, TURNED_AWAY
from gateway.routes.route_table import OWN_PAGES

_NO_LIMIT = 1 << 62
_IDLE, _HEAD, _DECIDING = Phase.IDLE.value, Phase.HEAD.value, Phase.DECIDING.value
_OWN_PAGES = b"GET " + OWN_PAGES


class GatewayProtocol(ProxiedExchange):
    """Bound to a `Door` by `server.protocol_class`; uvicorn makes one per connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._advancing = False
        self._queued = False
        """It waits for its turn to begin the request in `_unread`."""
        self._late = False
        """That request waited for longer than is worth while, while there is too much to do."""
        self._deciding: asyncio.Task[None] | None = None
        self._own_page: OwnPageCycle | None = None
        self._body_limit = _NO_LIMIT
        self._body_early = b""
        """What came of the body before anybody was ready for it."""

    # --- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        if self._phase <= _HEAD:
            turns = self.door.turns
            if turns.left > 0 and not self._queued:
                turns.left -= REQUEST
                self._advance(data)
            else:
                self._await_turn(data)
        elif self._splice is not None:
            self.bytes_in += len(data)
            self._splice.from_client(data)
        elif self._body is not None:
            self._take_body(self._body, data)
        elif self._phase != Phase.LINGERING:
            self._unread += data
            self._hold(Hold.AHEAD)

    # --- uvicorn

    def shutdown(self) -> None:
        """Told by uvicorn to come to an end: an answer in flight is finished, a websocket is closed."""
        self._draining = True
        if self._splice is not None:
            self._splice.close(CLOSE_GOING_AWAY, "going away")
        elif self._queued:
            self._keep_alive = False
        elif self._phase <= _HEAD:
            self.transport.close()
        else:
            self._keep_alive = False
            if self._own_page is not None:
                self._own_page.close_after()

    # --- the next request

    def _await_turn(self, data: bytes) -> None:
        if not self._queued:
            turns = self.door.turns
            whole = not self._unread and data.find(b"\r\n\r\n") + 4 == len(data)
            if whole and turns.full and self._turn_away(data):
                return
            self._unread += data
            self._queued = True
            turns.wait(self)
            return
        self._unread += data
        if len(self._unread) > self.door.limits.head:
            self._hold(Hold.AHEAD)

    def take_turn(self, late: bool) -> None:
        """Begin what waited (`gateway.proxy.turns`)."""
        self._queued = False
        self._late = late
        if self._closed or self.transport.is_closing():
            return
        if self._held:
            self._release(Hold.AHEAD)
        self._advance(b"")
        self._late = False

    def _advance(self, data: bytes) -> None:
        if self._unread:
            data = self._unread + data
            self._unread = b""
        if self._advancing:
            self._unread = data  # an exchange ended within `_begin`; the loop below goes on
            return
        self._advancing = True
        while data and self._phase <= _HEAD and not self._closed and self._write_paused_at == NEVER:
            data = self._begin(data)
            if self._unread and self._phase < _HEAD:
                data, self._unread = self._unread + data, b""
        self._advancing = False
        if data and self._phase != Phase.LINGERING:
            self._unread = data
            self._hold(Hold.AHEAD)

    def _begin(self, data: bytes) -> bytes:
        """Begin the exchange whose head `data` holds; returns what stands behind that request."""
        end = data.find(b"\r\n\r\n") + 4
        door = self.door
        if end < 4 or end > door.limits.head:
            self._await_head(data, end)
            return b""
        if data.startswith(b"\r\n"):  # one empty line before a request is ignored (RFC 9112, section 2.2)
            if end > 4:
                return data[2:]
            self._refuse(Problem(MALFORMED_REQUEST))
            return b""
        raw, rest = (data, b"") if end == len(data) else (data[:end], data[end:])
        if self._late and self._turn_away(raw):
            self._late = False
            door.turns.left += REQUEST - TURNED_AWAY
            return rest
        correlation_id = self._name_exchange()
        self._phase = _DECIDING
        self.without_body = raw.startswith(b"HEAD ")
        self._head_sent = False
        request = self._request
        try:
            self.bytes_in = end
            self._head = head = request.parse(raw, correlation_id)
            if self._late:
                head.late = True
                self._late = False
            self._keep_alive = request.fields.keep_alive and not self._draining
            self._body = body = request.body
            if body is not None:
                self._body_size = 0
                self._body_limit = _NO_LIMIT  # until the route is known; then little of it was read
                self._body_early, rest = self._read_body(body, rest)
            elif self._body_early:
                self._body_early = b""
        except Problem as problem:
            self._refuse(problem)
            return b""
        try:
            verdict = door.pipeline(head)
        except Problem as problem:
            self._answer(problem_answer(problem, correlation_id))
        except Exception:
            self._undecided()
        else:
            if isinstance(verdict, Forward) and self._request.body is None:
                self._forward(verdict, self._body_early)
            elif isinstance(verdict, Forward | Answer | OwnPage):
                self._obey(verdict)
            else:
                self._deadline = door.watch.now + door.limits.decide
                self._deciding = task = asyncio.get_running_loop().create_task(self._await_verdict(verdict))
                door.tasks.add(task)
                task.add_done_callback(door.tasks.discard)
        return rest

    def _turn_away(self, raw: bytes) -> bool:
        """Answer a request that nobody read, where only its first line is new: the rest is known to end where it does.
        False: it has to be read."""
        limiting = self.door.limiting
        known = self._keep_alive and raw.startswith(b"GET /") and self._request.repeats(raw)
        if limiting is None or not known or self._draining or raw.startswith(_OWN_PAGES):  # people can always sign out
            return False
        answer = limiting.unread(self._head, self.door.next_correlation_id)
        if answer is None:
            return False
        self.transport.write(answer)
        self._phase = _IDLE
        self._deadline = self.door.watch.now + self.door.limits.keep_alive
        return True

    def _await_head(self, data: bytes, end: int) -> None:
        if end > self.door.limits.head or len(data) > self.door.limits.head:
            self._refuse(Problem(HEAD_TOO_LARGE))
        elif (not data[:1].isalpha() and not data.startswith(b"\r")) or data.count(b"\n") != data.count(b"\r\n"):
            self._refuse(Problem(MALFORMED_REQUEST))
        elif b"\r\n" in data[2:] and b" HTTP/" not in data[: data.index(b"\r\n", 2)]:
            self._refuse(Problem(MALFORMED_REQUEST))  # HTTP/0.9 has no head that could end
        else:
            if self._phase != _HEAD:
                self._phase = _HEAD
                self._deadline = self.door.watch.now + self.door.limits.head_time
            self._unread = data

    async def _await_verdict(self, waiting: Awaitable[Verdict]) -> None:
        try:
            verdict = await waiting
        except Problem as problem:
            self._deciding = None
            self._answer(problem_answer(problem, self.correlation_id))
        except Exception:
            self._deciding = None
            self._undecided()
        else:
            self._deciding = None
            if not self._closed:
                self._obey(verdict)

    def _obey(self, verdict: Verdict) -> None:
        if self._request.body is not None and not isinstance(verdict, Answer):
            self._body_limit = self.door.limits.body
            if isinstance(verdict, Forward) and verdict.body is not None:
                self._body_limit = verdict.body
            announced = 0 if self._body is None else self._body.announced
            if max(self._request.fields.length or 0, self._body_size + announced) > self._body_limit:
                self._refuse(Problem(BODY_TOO_LARGE))
                return
        if isinstance(verdict, Forward):
            self._forward(verdict, self._body_early)
        elif isinstance(verdict, OwnPage):
            self._serve_own_page(verdict)
        else:
            self._answer(verdict)

    def _serve_own_page(self, verdict: OwnPage) -> None:
        self._phase = Phase.OWN_PAGE
        self.decided_at = perf_counter()
        self._deadline = self._own_page_deadline()
        self._own_page = OwnPageCycle(
            self.door.own_pages,
            self._request.head,
            verdict,
            transport=self.transport,
            peer=self._peer,
            server=get_local_addr(self.transport),
            app_state=self._app_state,
            default_headers=self._server_state.default_headers,
            expects_continue=self._request.fields.expects_continue,
            keep_alive=self._keep_alive,
            tasks=self._server_state.tasks,
            ended=self._end_exchange,
            answered=self._own_page_answers,
        )
        self._own_page.feed(self._body_early, complete=self._body is None)
        self._release(Hold.BODY_EARLY)
        if self._write_paused_at != NEVER:
            self._own_page.writable(False)

    def _own_page_answers(self, status: int, size: int) -> None:
        self.status = status or self.status
        self.bytes_out += size

    def _own_page_deadline(self) -> float:
        return NEVER if self._body is None else self.door.watch.now + self.door.limits.body_idle

    # --- the request's body

    def _read_body(self, body: RequestBody, data: bytes) -> tuple[bytes, bytes]:
        try:
            payload, rest = body.feed(data)
        except MalformedBody as error:
            raise Problem(MALFORMED_REQUEST, private=str(error)) from None
        self._body_size += len(payload)
        self.bytes_in += len(payload)
        if self._body_size + body.announced > self._body_limit:
            raise Problem(BODY_TOO_LARGE)
        if body.complete:
            self._body = None
        return payload, rest

    def _take_body(self, body: RequestBody, data: bytes) -> None:
        try:
            payload, rest = self._read_body(body, data)
        except Problem as problem:
            self._break_off(problem)
            return
        if rest:
            self._unread = rest
            self._hold(Hold.AHEAD)
        if self._upstream is not None:
            self._send_body(self._upstream, payload)
        elif self._own_page is not None:
            self._own_page.feed(payload, complete=self._body is None)
            self._deadline = self._own_page_deadline()
        else:
            self._body_early += payload
            if len(self._body_early) > self.door.limits.held:
                self._hold(Hold.BODY_EARLY)

    def _break_off(self, problem: Problem) -> None:
        own_page = self._own_page is not None
        self._drop_exchange()
        if own_page or self._head_sent:
            self.cut()
        else:
            self._refuse(problem)

    # --- the end

    def _drop_exchange(self) -> None:
        super()._drop_exchange()
        if self._own_page is not None:
            self._own_page.disconnect()
            self._own_page = None
        if self._deciding is not None:
            self._deciding.cancel()
            self._deciding = None

    def _pass_writable(self, writable: bool) -> None:
        if self._own_page is not None:
            self._own_page.writable(writable)
        else:
            super()._pass_writable(writable)
