"""The authorization code grant (RFC 6749, section 4.1.3): a code, once, by the client it was issued to."""

from __future__ import annotations

from datetime import datetime, timedelta

from config.connections import Transaction
from config.entropy import Entropy
from idp.authorization.code import Codes, Redeemed, Replayed, code_hash
from idp.clients.client import Client
from idp.grants.grant import Credential, LiveSessions, Misuse, SessionClients, binding
from idp.protocol.confirmation import JKT, Confirmation, is_met
from idp.tokens.refresh_family import Families, Family, token_hash


class AuthorizationCode:
    """`Grant` for `authorization_code`."""

    grant_type = "authorization_code"

    def __init__(
        self,
        codes: Codes,
        families: Families,
        sessions: LiveSessions,
        session_clients: SessionClients,
        entropy: Entropy,
        *,
        refresh_token_lifetime: timedelta,
    ) -> None:
        self._codes = codes
        self._families = families
        self._sessions = sessions
        self._session_clients = session_clients
        self._entropy = entropy
        self._lifetime = refresh_token_lifetime

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
        return await self._credential(tx, digest, found, now, binding(client, proven))

    async def save(self, tx: Transaction, credential: Credential, refresh_token: str | None, now: datetime) -> None:
        """The client is a relying party of the session now. Begin the family, if it may refresh; tie it to the code."""
        session = credential.session
        await self._session_clients.joined(tx, session.sid, credential.client_id, now)
        if refresh_token is None:
            return
        family = Family(
            id=self._entropy.uuid(),
            client_id=credential.client_id,
            user_id=session.user_id,
            sid=session.sid,
            scope=credential.scope,
            expires_at=min(now + self._lifetime, session.absolute_expires_at),
            confirmation=credential.confirmation,
        )
        await self._families.begin(tx, family, token_hash(refresh_token), now)
        await self._codes.led_to(tx, credential.digest, family.id)

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
            confirmation=confirmation,
        )
