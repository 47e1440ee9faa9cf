"""What follows where a passkey seems to have been copied: the record, its person and subscribers are told, at once.

The passkey itself is refused from then on (`idp.factors.passkey`), and the record is an incident that policy answers
(`policy.response`): whoever goes on in this person's name shows two factors first.
"""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.authorization.attempts import Recipient
from idp.directory.account import Directory
from idp.endpoints.login.factor_notices import FactorNotices
from idp.endpoints.login.login_page import record_attempt
from idp.factors.passkey import CloneSuspected
from idp.sessions.signals.changes import ChangeSignals, CredentialChange, passkey_type


class CloneAlarm:
    """Tells of a suspicion, once."""

    def __init__(self, *, directory: Directory, notices: FactorNotices, signals: ChangeSignals) -> None:
        self._directory = directory
        self._notices = notices
        self._signals = signals

    async def suspected(self, tx: Transaction, request: Request, suspected: CloneSuspected, now: datetime) -> None:
        """In the transaction in which the passkey is kept as suspected."""
        passkey = suspected.passkey
        details = {"passkey": passkey.credential_id.hex()[:32], "label": passkey.label, "why": str(suspected)}
        await record_attempt(tx, request, Kind.PASSKEY_CLONE_SUSPECTED, subject=str(passkey.user_id), details=details)
        change = CredentialChange(
            passkey_type(passkey.transports), "update", "clone_suspected", passkey.label, passkey.aaguid
        )
        await self._signals.credential_changed(tx, passkey.user_id, change, correlation_id(request))
        account = await self._directory.account(tx, passkey.user_id)
        if account is not None:
            person = Recipient.of(account)
            await self._notices.passkey_copied(tx, request, person, now, passkey=passkey.label)
