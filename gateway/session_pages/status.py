"""The state of the session for scripts: once, as a stream (WHATWG HTML, server-sent events), and its extension.

None of these is a person's act by itself; only an extension carries one, with the moment it happened (S6).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from config.clock import Clock
from config.sections.identity import SessionSettings
from config.web import correlation_id
from gateway.callers.identity import Identity
from gateway.routes.route_table import RouteTable
from gateway.session_pages import told
from gateway.session_pages.visitor import Visitor, Visitors, authority, unknown
from gateway.session_pages.watch import Listener, SessionWatch
from gateway.sessions.activity import Activity
from gateway.sessions.near_cache import EndedSession, LiveSession
from gateway.sessions.session_check import SessionCheck, StoreUnreachable
from gateway.step_up.demand import sensitive_routes

KEEP_ALIVE = 15.0
"""Seconds between comments that keep the stream open."""
ASK_AGAIN = 1.0
"""Seconds between looks at a session that is over by its clock, and of which no store can say so."""
RETRY = 1000
"""Milliseconds after which a browser comes back."""
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
BODY_LIMIT = 1024


class _Extension(msgspec.Struct):
    idle_for: float
    """Seconds since the last key, pointer or touch, as the page counted them."""


class SessionStatus:
    """`GET session`, `GET session/events`, `POST session/extend`."""

    def __init__(
        self,
        *,
        visitors: Visitors,
        sessions: SessionCheck,
        watch: SessionWatch,
        activity: Activity,
        clock: Clock,
        settings: SessionSettings,
        table: Callable[[], RouteTable],
    ) -> None:
        """`table`: the routes in use at this moment."""
        self._visitors = visitors
        self._sessions = sessions
        self._watch = watch
        self._activity = activity
        self._clock = clock
        self._settings = settings
        self._table = table

    async def status(self, request: Request) -> Response:
        """How it stands now, and what holds for the page that asks (`path`)."""
        visitor = await self._found(request)
        host = authority(request)
        table = self._table()
        route = table.find(host.partition(":")[0].encode(), request.query_params.get("path", "/").encode())
        state = self._told(visitor.session, _identity(visitor), host, request)
        if visitor.caller is not None and state["state"] == "live":
            state |= told.warning(route.zone.warn if route else None, self._settings.warn_before)
            state["login"] = told.sign_in(visitor.caller.identity)
            state["sensitive"] = sensitive_routes(table, host, visitor.caller, self._clock.timestamp())
        else:
            state["public"] = route is not None and route.public
        return self._answer(state)

    async def extend(self, request: Request) -> Response:
        """A person was active `idle_for` seconds ago: the idle clock runs from there, if that is still in time."""
        self._visitors.refuse_foreign(request)
        visitor = await self._found(request)
        asked = await _read(request)
        session, identity, host = visitor.session, _identity(visitor), authority(request)
        extended = asked is not None and isinstance(session, LiveSession) and await self._extend(session, asked)
        if isinstance(session, LiveSession):  # as it is known now: while the body came, it may have ended
            session = self._sessions.cache.find(session.sid) or session
        return self._answer(self._told(session, identity, host, request) | {"extended": extended})

    async def _extend(self, session: LiveSession, idle_for: float) -> bool:
        """Whether the act counts: it did extend, and it is in the stream, where it outlives this process."""
        now = self._clock.timestamp()
        before, at = session.expires_at, now - idle_for
        if now >= before or min(at + self._settings.idle_timeout, session.absolute_expires_at) <= before:
            return False
        if not await self._activity.carry(session.sid, at):
            return False
        self._sessions.cache.touch(session.sid, at, self._settings.idle_timeout)
        self._watch.changed(session.sid)
        return True

    async def _found(self, request: Request) -> Visitor:
        """Who asks. Raises `Problem` where a session stood behind the cookie and nobody knows how it stands now: a page
        would take "none" for a sign-out and forget what was typed."""
        visitor = await self._visitors.find(request)
        if visitor.caller is not None and visitor.session is None:
            raise unknown("nobody knows the session")
        return visitor

    async def events(self, request: Request) -> Response:
        """The state at once and whenever it changes; the stream ends with the session."""
        visitor = await self._found(request)
        if visitor.session is None:
            return Response(status_code=204)  # tells an EventSource not to come back
        return StreamingResponse(
            self._stream(visitor.session, _identity(visitor), request),
            media_type="text/event-stream",
            headers={**_NO_STORE, "X-Accel-Buffering": "no"},
        )

    async def _stream(
        self, session: LiveSession | EndedSession, identity: Identity | None, request: Request
    ) -> AsyncIterator[bytes]:
        sid, host = session.sid, authority(request)
        listener = self._watch.join(sid, self._clock.timestamp())
        known: LiveSession | EndedSession | None = session
        try:
            yield b"retry: %d\n\n" % RETRY
            said: dict[str, Any] = {}
            while not self._watch.closing:
                known = await self._state(sid, known)
                now = self._told(known, identity, host, request)
                if now["state"] != "live":
                    yield _event("ended", now)
                    return
                while listener.attempts:
                    yield _event("attempt", told.attempt(listener.attempts.popleft()))
                if self._differs(said, now):
                    yield _event("warning" if self._warns(now) else "session", now)
                    said = now | {"said_at": self._clock.timestamp()}
                elif not listener.news.is_set():
                    yield b": still here\n\n"
                listener.news.clear()
                await self._pause(listener, now)
        except ClientDisconnect:
            return
        finally:
            self._watch.leave(sid, listener)

    async def _pause(self, listener: Listener, now: dict[str, Any]) -> None:
        """Until there is news, it is time to warn, or the session is over."""
        until_warning = now["left"] - self._settings.warn_before
        due = until_warning if until_warning > 0 else now["left"] or ASK_AGAIN
        try:
            async with asyncio.timeout(min(KEEP_ALIVE, due + 0.01)):
                await listener.news.wait()
        except TimeoutError:
            return

    async def _state(self, sid: str, known: LiveSession | EndedSession | None) -> LiveSession | EndedSession | None:
        try:
            return await self._sessions.state(sid) or known  # that nobody knows it, for a moment, is no news either
        except StoreUnreachable:
            return known  # not being able to ask is no news

    def _differs(self, said: dict[str, Any], now: dict[str, Any]) -> bool:
        """Whether the page would think otherwise by itself: it counts down on its own."""
        if not said:
            return True
        expected = said["left"] - (self._clock.timestamp() - said["said_at"])
        return abs(now["left"] - expected) > 1.0 or self._warns(said) != self._warns(now)

    def _warns(self, state: dict[str, Any]) -> bool:
        return bool(state["left"] <= self._settings.warn_before)

    def _told(
        self, session: LiveSession | EndedSession | None, identity: Identity | None, host: str, request: Request
    ) -> dict[str, Any]:
        if isinstance(session, EndedSession):
            return told.ended(session) | {"ref": correlation_id(request)}
        if session is None or identity is None:
            return {"state": "none"}
        return told.live(
            session,
            identity,
            host,
            now=self._clock.timestamp(),
            idle_timeout=self._settings.idle_timeout,
            ask_before=self._settings.ask_before,
        )

    def _answer(self, document: dict[str, Any]) -> Response:
        return JSONResponse(document, headers=_NO_STORE)


def _identity(visitor: Visitor) -> Identity | None:
    return None if visitor.caller is None else visitor.caller.identity


def _event(name: str, document: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(document))


async def _read(request: Request) -> float | None:
    """Seconds since the last activity; None where the body does not say, or says something impossible."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    try:
        asked = msgspec.json.decode(body, type=_Extension).idle_for
    except msgspec.MsgspecError:
        return None
    return asked if math.isfinite(asked) and asked >= 0 else None
