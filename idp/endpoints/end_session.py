"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): the session ends everywhere.

Whoever shows an ID token of a session may end it. Without a good one the person is asked on a page of ours; the browser
is led on only to an address that the client has registered for it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from config.web import correlation_id
from events.outbox import poke
from idp.authorization.step_mac import StepMac, WrongHop
from idp.authorization.trust import AMBIGUOUS, UNKNOWN_CLIENT, WRONG_REDIRECT_URI
from idp.clients.cache import ClientCache
from idp.endpoints.client_requests import address
from idp.endpoints.id_token_hints import Hint, IdTokenHints
from idp.endpoints.login.arrivals import SESSION_COOKIE, Arrivals, session_cookie_hash
from idp.endpoints.login.hops import FORGED, Hops
from idp.endpoints.parameters import Unreadable, once_each, read_form, read_query
from idp.protocol.redirect_uri import is_registered, source, with_parameters
from idp.sessions.one_session import OneSession
from idp.sessions.session import Session
from pages import Pages

CONFIRM = "end_session"
"""The step of the confirmation's form."""
CARRIED = ("client_id", "post_logout_redirect_uri", "state")


class EndSessionEndpoint:
    """`GET` and `POST /end-session`, and the form of its page, `POST /end-session/confirm`."""

    def __init__(
        self,
        *,
        clients: ClientCache,
        arrivals: Arrivals,
        one_session: OneSession,
        hints: IdTokenHints,
        mac: StepMac,
        hops: Hops,
        pages: Pages,
        database: Database,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._arrivals = arrivals
        self._one_session = one_session
        self._hints = hints
        self._mac = mac
        self._hops = hops
        self._pages = pages
        self._database = database
        self._valkey = valkey
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        values = await _read(request)
        hint = self._hints.read(values["id_token_hint"]) if "id_token_hint" in values else None
        onward = await self._onward(values, hint)
        if hint is not None:
            return await self._end(request, hint.sid, hint.client_id, onward)
        async with self._database.connect() as tx:
            own = await self._arrivals.own(tx, request, self._clock.now())
        return self._ask(request, own, values) if own is not None else self._done(request, onward)

    async def confirm(self, request: Request) -> Response:
        """The person said yes on our own page."""
        self._hops.refuse_foreign(request)
        values = await _read(request)
        onward = await self._onward(values, None)
        async with self._database.connect() as tx:
            own = await self._arrivals.own(tx, request, self._clock.now())
        if own is None:
            return self._done(request, onward)
        browser = session_cookie_hash(request)
        try:
            assert browser is not None
            confirmed = self._mac.accept(values.get("hop", ""), CONFIRM, browser)
        except WrongHop as error:
            raise Problem(FORGED, private=str(error)) from None
        if confirmed != _as_uuid(own.sid):
            raise Problem(FORGED, private="the form is about another session")
        return await self._end(request, own.sid, values.get("client_id", ""), onward)

    async def _onward(self, values: Mapping[str, str], hint: Hint | None) -> str | None:
        """Where the browser goes afterwards; None: to a page of ours. Raises `Problem` unless it is registered."""
        named = values.get("client_id", hint.client_id if hint else None)
        if hint is not None and named != hint.client_id:
            raise Problem(AMBIGUOUS, private="client_id is not that of the id_token_hint")
        target = values.get("post_logout_redirect_uri")
        if target is None:
            return None
        client = await self._clients.find(named) if named is not None else None
        if client is None:
            raise Problem(UNKNOWN_CLIENT, private="post_logout_redirect_uri of no known client")
        if not is_registered(target, client.post_logout_redirect_uris):
            raise Problem(WRONG_REDIRECT_URI, private=f"post_logout_redirect_uri of {client.client_id}")
        return with_parameters(target, [("state", values["state"])] if "state" in values else [])

    def _ask(self, request: Request, own: Session, values: Mapping[str, str]) -> Response:
        browser = session_cookie_hash(request)
        assert browser is not None, "the session was found by it"
        target = values.get("post_logout_redirect_uri")
        return self._pages.respond(
            request,
            "sign_out.html",
            form_action=[source(target)] if target is not None else [],
            hop=self._mac.issue(_as_uuid(own.sid), CONFIRM, browser),
            carried=[(name, values[name]) for name in CARRIED if name in values],
        )

    async def _end(self, request: Request, sid: str, client_id: str, onward: str | None) -> Response:
        async with self._database.begin() as tx:
            own = await self._arrivals.own(tx, request, self._clock.now())
            ended = await self._one_session.end(tx, sid, "sign_out", correlation_id=correlation_id(request))
            if ended is not None:
                await self._record(tx, request, ended, client_id)
        await poke(self._valkey)
        response = self._done(request, onward)
        if own is None or own.sid == sid:
            response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return response

    def _done(self, request: Request, onward: str | None) -> Response:
        if onward is None:
            return self._pages.respond(request, "signed_out.html")
        return RedirectResponse(onward, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})

    async def _record(self, tx: Transaction, request: Request, ended: Session, client_id: str) -> None:
        await record(
            tx,
            AuditEvent(
                kind=Kind.SIGN_OUT,
                correlation_id=correlation_id(request),
                actor=client_id or str(ended.user_id),
                subject=str(ended.user_id),
                sid=ended.sid,
                ip=address(request),
            ),
        )


async def _read(request: Request) -> Mapping[str, str]:
    parameters: Sequence[tuple[str, str]]
    try:
        parameters = await read_form(request) if request.method == "POST" else read_query(request)
        return once_each(parameters)
    except Unreadable as error:
        raise Problem(AMBIGUOUS, private=str(error)) from None


def _as_uuid(sid: str) -> UUID:
    """A session id has 128 bits, as a UUID does."""
    return UUID(bytes=base64.urlsafe_b64decode(sid + "=="))
