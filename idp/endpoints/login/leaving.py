"""How a login leaves for its client: with a code, or with the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.connections import Transaction
from config.entropy import Entropy
from config.web import correlation_id
from idp.authorization.answer import code_answer, error_answer
from idp.authorization.code import CODE_SIZE, CodeGrant, Codes, code_hash
from idp.authorization.login import Login, Logins
from idp.authorization.next_step import NextStep
from idp.endpoints.client_answers import ClientAnswers
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.query_metrics import LOGINS
from idp.endpoints.login.telling import Telling
from idp.endpoints.whereabouts import client_ip
from idp.protocol import fapi2

_SAID = {
    "access_denied": "the person did not sign in, or did not allow it",
    "login_required": "the person is not signed in",
    "interaction_required": "the person must be asked something",
    "consent_required": "the person must be asked what the app may have",
    "unmet_authentication_requirements": "the person cannot be authenticated as strongly as is asked for",
}


class Leaving:
    """Ends a login, within the dispatcher's transaction."""

    def __init__(
        self,
        *,
        logins: Logins,
        codes: Codes,
        telling: Telling,
        entropy: Entropy,
        issuer: str,
        code_lifetime: timedelta,
        answers: ClientAnswers,
    ) -> None:
        self._logins = logins
        self._codes = codes
        self._telling = telling
        self._entropy = entropy
        self._issuer = issuer
        self._code_lifetime = code_lifetime
        self._answers = answers

    async def with_code(self, tx: Transaction, request: Request, login: Login, now: datetime) -> Response:
        """Its session lives: the client gets a code for it."""
        asked = login.request
        assert login.user_id is not None
        assert login.session is not None
        code = self._entropy.token(CODE_SIZE)
        grant = CodeGrant(
            client_id=login.client_id,
            user_id=login.user_id,
            sid=login.session,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
            scope=asked.scope,
            nonce=asked.nonce,
            expires_at=now + timedelta(seconds=fapi2.code_lifetime(asked.profile, self._code_lifetime.total_seconds())),
            claims=asked.claims,
            resources=asked.resources,
            dpop_jkt=asked.dpop_jkt,
        )
        await self._codes.add(tx, code_hash(code), grant)
        await self._logins.finish(tx, login)
        await _record(tx, request, login, Kind.CODE_ISSUED, {})
        LOGINS.labels("code").inc()
        return self._answers.send(request, code_answer(asked.return_address, code=code, issuer=self._issuer))

    async def refused(
        self, tx: Transaction, request: Request, login: Login, arrived: Arrived | None, decided: NextStep, now: datetime
    ) -> Response:
        """There is no code. Whoever had proved to be somebody is recorded, and told to the person of the session."""
        error = decided.error or "access_denied"
        await self._logins.finish(tx, login)
        LOGINS.labels("kept" if login.kept else error).inc()
        signed_in = error == "consent_required" or login.consent == "refused"
        if login.user_id is not None and not (login.kept or login.given_up or signed_in):
            await _record(tx, request, login, Kind.SIGN_IN_FAILED, {"error": error})
            here = visitor(request, None)
            await self._telling.history.note(
                tx, login.user_id, "refused", here, amr=login.amr, client_id=login.client_id
            )
            await self._telling.attempt(tx, request, login, arrived, "refused", now)
        address = login.request.return_address
        told = error_answer(address, error=error, description=_SAID[error], issuer=self._issuer)
        return self._answers.send(request, told)


async def _record(tx: Transaction, request: Request, login: Login, kind: Kind, details: Mapping[str, object]) -> None:
    await record(
        tx,
        AuditEvent(
            kind=kind,
            correlation_id=correlation_id(request),
            actor=login.client_id,
            subject=str(login.user_id),
            sid=login.session or "",
            ip=client_ip(request),
            details=details,
        ),
    )
