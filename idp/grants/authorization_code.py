"""The authorization code grant (RFC 6749, section 4.1.3): a code, once, by the client it was issued to."""

from __future__ import annotations

from datetime import datetime

from config.connections import Transaction
from idp.authorization.code import Codes, Redeemed, Replayed, code_hash
from idp.clients.client import Client
from idp.grants.grant import Credential, LiveSessions, Misuse, binding
from idp.grants.joining import Joining
from idp.protocol.code_protection import lacks
from idp.protocol.confirmation import JKT, Confirmation, is_met


class AuthorizationCode:
    """`Grant` for `authorization_code`."""

    grant_type = "authorization_code"

    def __init__(
        self,
        codes: Codes,
        sessions: LiveSessions,
        joining: Joining,
    ) -> None:
        self._codes = codes
        self._sessions = sessions
        self._joining = joining

    async def load(
        self, tx: Transaction, form: dict[str, str], client: Client, now: datetime, proven: Confirmation
    ) -> Credential | Misuse | None:
        """Claim the code; whatever fails afterwards rolls the claim back, so nobody can burn another's code."""
        digest = code_hash(form.get("code", ""))
        found = await self._codes.consume(tx, digest, now)
        if found is None or found.grant.client_id != client.client_id:
            return None
        jkt = found.grant.dpop_jkt
        if jkt is not None and not is_met({JKT: jkt}, proven):  # whoever has it without its key has nothing
            return None
        if isinstance(found, Replayed):
            grant = found.grant
            return Misuse(kind="code_replayed", user_id=grant.user_id, sid=grant.sid, family_id=found.family_id)
        if lacks(client, challenge=found.grant.code_challenge, nonce=found.grant.nonce):  # it may not do without now
            return None
        return await self._credential(tx, digest, found, now, binding(client, proven))

    async def save(self, tx: Transaction, credential: Credential, refresh_token: str | None, now: datetime) -> None:
        """The client is a relying party of the session now. Begin the family, if it may refresh; tie it to the code."""
        await self._joining.join(tx, credential, refresh_token, now)
        if credential.family_id is not None:  # without a refresh token there is no family, and still what it is called
            await self._codes.led_to(tx, credential.digest, credential.family_id)

    async def _credential(
        self, tx: Transaction, digest: bytes, found: Redeemed, now: datetime, confirmation: Confirmation
    ) -> Credential | None:
        grant = found.grant
        session = await self._sessions.lock(tx, grant.sid)
        if session is None or not session.lives(now):
            return None
        return Credential(
            client_id=grant.client_id,
            session=session,
            scope=grant.scope,
            nonce=grant.nonce,
            redirect_uri=grant.redirect_uri,
            code_challenge=grant.code_challenge,
            digest=digest,
            family_id=self._joining.family_id(),
            claims=grant.claims,
            resources=grant.resources,
            confirmation=confirmation,
        )
