"""Push-based delivery to this house (RFC 8935): `POST /signals/receive/{transmitter_id}`.

Whoever pushes shows the token of its stream, which is compared in constant time before anything else is looked at. An
answer is given once everything that follows is committed.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Database, Transaction
from config.problem import Problem, ProblemType
from config.web import correlation_id
from idp.endpoints.client_requests import ClientRequests
from idp.endpoints.oauth_answers import NO_STORE
from idp.sessions.received.intake import Intake
from idp.sessions.received.security_event import Unacceptable
from idp.sessions.received.transmitter import NOBODY_S, Transmitter, digest_of
from jose.jws import MAX_LENGTH
from jose.published_keys import AGAIN_AFTER, KeysAway

MEDIA_TYPE = "application/secevent+jwt"

KEYS_AWAY = ProblemType(
    "MJ-IDP-221",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The transmitter's keys cannot be had now",
    "Push the token again in a moment; see that jwks_uri answers.",
)


class TransmittersAtHand(Protocol):
    """Where transmitters are kept."""

    async def find(self, tx: Transaction, transmitter_id: UUID) -> Transmitter | None:
        """One, of whatever organisation."""


class SignalReceiver:
    """Takes what is pushed."""

    def __init__(
        self, *, transmitters: TransmittersAtHand, intake: Intake, requests: ClientRequests, database: Database
    ) -> None:
        self._transmitters = transmitters
        self._intake = intake
        self._requests = requests
        self._database = database

    async def __call__(self, request: Request) -> Response:
        try:
            transmitter = await self._transmitter(request)
        except Unacceptable as error:
            await self._record(request, error, request.path_params["transmitter_id"][:64])
            return _refusal(error)
        try:
            token = await _body(request, transmitter)
            await self._intake.accept(transmitter, token, correlation_id(request))
        except Unacceptable as error:
            await self._record(request, error, str(transmitter.id))
            await self._intake.refused(transmitter, error)
            return _refusal(error)
        except KeysAway as error:
            await self._intake.went_wrong(transmitter, f"keys: {error}")
            raise Problem(KEYS_AWAY, private=str(error), headers={"Retry-After": str(int(AGAIN_AFTER))}) from None
        return Response(status_code=HTTPStatus.ACCEPTED, headers=dict(NO_STORE))

    async def _transmitter(self, request: Request) -> Transmitter:
        """Who pushes. Raises `Unacceptable`, whether there is such a transmitter or not."""
        found = None
        ident = _as_uuid(request.path_params["transmitter_id"])
        if ident is not None:
            async with self._database.connect() as tx:
                found = await self._transmitters.find(tx, ident)
        token = _bearer(request)
        # compared with something in any case, so that the time does not tell whether there is such a transmitter
        shown = found.shows(token) if found is not None else digest_of(token) == NOBODY_S
        if found is None or not token or not shown or found.delivery != "push":
            raise Unacceptable("authentication_failed", "the token of the stream is expected as a bearer token")
        return found

    async def _record(self, request: Request, error: Unacceptable, subject: str) -> None:
        details = {"err": error.err, "why": error.description}
        await self._requests.refused(request, Kind.SIGNAL_REFUSED, subject=subject.replace("\0", ""), details=details)


def _bearer(request: Request) -> str:
    """The token that is shown (RFC 6750, section 2.1); empty: none, or more than one."""
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" and len(token) <= MAX_LENGTH else ""


async def _body(request: Request, transmitter: Transmitter) -> str:
    if transmitter.status != "enabled":
        raise Unacceptable("access_denied", "this stream is disabled")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Unacceptable("invalid_request", f"Content-Type must be {MEDIA_TYPE}")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_LENGTH:
                raise Unacceptable("invalid_request", "the token is too long")
        return bytes(body).decode("ascii").strip()
    except ClientDisconnect:
        raise Unacceptable("invalid_request", "the token broke off") from None
    except UnicodeDecodeError:
        raise Unacceptable("invalid_request", "it is no security event token") from None


def _refusal(error: Unacceptable) -> Response:
    """RFC 8935, section 2.3."""
    return Response(
        msgspec.json.encode({"err": error.err, "description": error.description}),
        status_code=HTTPStatus.BAD_REQUEST,
        media_type="application/json",
        headers={**NO_STORE, "Content-Language": "en"},
    )


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
