"""What the grants share whose client asks again and again until a person has answered on another screen."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError
from authlib.oauth2.rfc8628 import AuthorizationPendingError, ExpiredTokenError, SlowDownError

from config.connections import Transaction
from idp.clients.client import Client
from idp.grants.grant import Credential, LiveSessions, Unready, binding
from idp.grants.joining import Joining
from idp.grants.pending import PendingGrants, PendingKind, Poll, code_hash
from idp.protocol.confirmation import Confirmation


class ApprovedElsewhere:
    """`Grant` of one kind of what waits; each kind names itself and its parameter."""

    grant_type: str
    kind: ClassVar[PendingKind]
    parameter: ClassVar[str]

    def __init__(self, pending: PendingGrants, sessions: LiveSessions, joining: Joining) -> None:
        self._pending = pending
        self._sessions = sessions
        self._joining = joining

    async def load(
        self, tx: Transaction, form: dict[str, str], client: Client, now: datetime, proven: Confirmation
    ) -> Credential | Unready | None:
        """Claim what waits, and see whether its person has answered. Raises Authlib's `InvalidRequestError`."""
        code = form.get(self.parameter)
        if code is None:
            raise InvalidRequestError(f"{self.parameter} is missing")
        digest = code_hash(code)
        pending = await self._pending.claim(tx, digest)
        if pending is None or pending.client_id != client.client_id or pending.kind != self.kind:
            return None
        answer = pending.poll(now)
        if answer in ("pending", "slow_down"):
            await self._pending.save(tx, pending.polled(now))
        if answer != "approved" or pending.sid is None:
            return Unready(_error(answer))
        session = await self._sessions.lock(tx, pending.sid)
        if session is None or not session.lives(now):
            return None
        return Credential(
            client_id=client.client_id,
            session=session,
            scope=pending.scope,
            digest=digest,
            family_id=self._joining.family_id(),
            resources=pending.resources,
            confirmation=binding(client, proven),
        )

    async def save(self, tx: Transaction, credential: Credential, refresh_token: str | None, now: datetime) -> None:
        """It is used up; the client belongs to the session of whoever allowed it."""
        await self._joining.join(tx, credential, refresh_token, now)
        await self._pending.redeemed(tx, credential.digest)


def _error(answer: Poll) -> OAuth2Error:
    match answer:
        case "expired":
            return ExpiredTokenError("nobody answered in time")
        case "slow_down":
            return SlowDownError("asked too soon: wait five seconds longer from now on")
        case "pending":
            return AuthorizationPendingError("nobody has answered yet")
        case _:
            return AccessDeniedError("the person said no")
