"""`/not-me`: somebody else signed in as this person, and they say so.

They come by the one-time link of a notice, or straight from an open page, whose browser holds the cookie of a session:
of the one that lives, or of one that was taken over. Opening the page changes nothing; its form locks the account, ends
whatever session lives, and mails the way back in. A cookie says it once, as a link does.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem, ProblemType
from events import outbox
from idp.authorization.step_mac import StepMac, WrongHop
from idp.directory.preferences import Preferences
from idp.endpoints.login.arrivals import session_cookie_hash
from idp.endpoints.login.hops import Hops
from idp.endpoints.login.login_page import read_fields
from idp.endpoints.not_me.measures import NotMeMeasures
from idp.endpoints.not_me.said import Said, moment, of_session
from idp.sessions.not_me import NotMe
from idp.sessions.session import Session
from notifications import queue
from pages import Pages

STEP = "not_me"
"""The step of the MAC in the form of whoever comes by a session's cookie."""
COOKIE_BELIEVED = timedelta(hours=1)
"""So long after a takeover the browser that lost its session may still say "this wasn't me", once."""

LINK_OVER = ProblemType(
    "MJ-IDP-210",
    HTTPStatus.GONE,
    "This link cannot be used any more",
    "It works once, for seven days. If you still think somebody else is using your account, change your password.",
)


class SessionLookup(Protocol):
    """Where sessions are looked at."""

    async def find(self, tx: Transaction, sid: str) -> Session | None:
        """One session, live or ended."""

    async def live_by_cookie(self, tx: Transaction, cookie_hash: bytes, now: datetime) -> Session | None:
        """The live session of a browser's session cookie."""

    async def taken_over(self, tx: Transaction, cookie_hash: bytes, since: datetime) -> Session | None:
        """The session of a browser's cookie, if another login took it over after a moment."""


class NotMePage:
    """`GET` and `POST /not-me`."""

    def __init__(
        self,
        *,
        not_me: NotMe,
        sessions: SessionLookup,
        preferences: Preferences,
        measures: NotMeMeasures,
        mac: StepMac,
        hops: Hops,
        pages: Pages,
        database: Database,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._not_me = not_me
        self._sessions = sessions
        self._preferences = preferences
        self._measures = measures
        self._mac = mac
        self._hops = hops
        self._pages = pages
        self._database = database
        self._valkey = valkey
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        return await self._confirm(request) if request.method == "POST" else await self._show(request)

    async def _show(self, request: Request) -> Response:
        token = request.query_params.get("token")
        now = self._clock.now()
        async with self._database.connect() as tx:
            said = await self._by_link(tx, token, now) if token else await self._by_cookie(tx, request, now)
            zone = await self._preferences.time_zone(tx, said.user_id)
        browser = session_cookie_hash(request)
        by_cookie = not token and said.sid is not None and browser is not None
        return self._pages.respond(
            request,
            "not_me.html",
            token=token or "",
            hop=self._mac.issue(_as_uuid(said.sid), STEP, browser) if by_cookie and said.sid and browser else "",
            told=said.told,
            at=said.at,
            zone=zone,
            own=said.own,
        )

    async def _confirm(self, request: Request) -> Response:
        self._hops.refuse_foreign(request)
        form = await read_fields(request)
        now = self._clock.now()
        async with self._database.begin() as tx:
            if "token" in form:
                said = await self._used(tx, form["token"], now)
            else:
                said = await self._by_cookie(tx, request, now)
                self._check_hop(request, form.get("hop", ""), said)
                assert said.sid is not None
                if not await self._not_me.say(tx, said.user_id, said.sid, now):
                    raise Problem(LINK_OVER, private="said of this session before")
            mailed = await self._measures.take(tx, request, said.user_id, said.sid, now)
        await outbox.poke(self._valkey)
        await queue.poke(self._valkey)
        return self._pages.respond(request, "not_me_done.html", mailed=mailed)

    async def _used(self, tx: Transaction, token: str, now: datetime) -> Said:
        link = await self._not_me.consume(tx, token, now)
        if link is None:
            raise Problem(LINK_OVER, private="used before, over, or never made")
        if link.sid is not None:  # the cookie of that session says it no second time
            await self._not_me.say(tx, link.user_id, link.sid, now)
        return Said(link.user_id, link.sid, {}, None)

    async def _by_link(self, tx: Transaction, token: str, now: datetime) -> Said:
        link = await self._not_me.find(tx, token, now)
        if link is None:
            raise Problem(LINK_OVER, private="used before, over, or never made")
        if link.told is not None:
            return Said(link.user_id, link.sid, link.told, moment(link.told.get("at")))
        session = await self._sessions.find(tx, link.sid) if link.sid is not None else None
        return of_session(session) if session is not None else Said(link.user_id, link.sid, {}, None)

    async def _by_cookie(self, tx: Transaction, request: Request, now: datetime) -> Said:
        browser = session_cookie_hash(request)
        if browser is None:
            raise Problem(LINK_OVER, private="neither a link nor the cookie of a session")
        live = await self._sessions.live_by_cookie(tx, browser, now)
        session = live or await self._sessions.taken_over(tx, browser, now - COOKIE_BELIEVED)
        if session is None or await self._not_me.was_said(tx, session.sid):
            raise Problem(
                LINK_OVER, private="the session neither lives nor was taken over, or it was said of it before"
            )
        return Said(session.user_id, session.sid, {}, None, own=True) if live is not None else of_session(session)

    def _check_hop(self, request: Request, hop: str, said: Said) -> None:
        browser = session_cookie_hash(request)
        try:
            assert browser is not None, "the session was found by it"
            assert said.sid is not None
            if self._mac.accept(hop, STEP, browser) == _as_uuid(said.sid):
                return
        except WrongHop as error:
            raise Problem(LINK_OVER, private=str(error)) from None
        raise Problem(LINK_OVER, private="the form is about another session")


def _as_uuid(sid: str) -> UUID:
    """A session id has 128 bits, as a UUID does."""
    return UUID(bytes=base64.urlsafe_b64decode(sid + "=="))
