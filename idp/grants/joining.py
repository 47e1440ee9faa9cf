"""What every grant does that ends in a person's session: the client is one of the session's, and may refresh in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
from idp.grants.grant import Credential, SessionClients
from idp.tokens.refresh_family import Families, Family, token_hash


class Joining:
    """Joins clients to sessions."""

    def __init__(
        self,
        families: Families,
        session_clients: SessionClients,
        entropy: Entropy,
        *,
        refresh_token_lifetime: timedelta,
    ) -> None:
        self._families = families
        self._session_clients = session_clients
        self._entropy = entropy
        self._lifetime = refresh_token_lifetime

    def family_id(self) -> UUID:
        """What a family will be called that may come of a grant: the access token that comes with it names it, too."""
        return self._entropy.uuid()

    async def join(
        self, tx: Transaction, credential: Credential, refresh_token: str | None, now: datetime
    ) -> UUID | None:
        """The client is a relying party of the session now. Begins the family of its refresh token, if it has one."""
        session = credential.session
        await self._session_clients.joined(tx, session.sid, credential.client_id, now)
        if refresh_token is None or credential.family_id is None:
            return None
        family = Family(
            id=credential.family_id,
            client_id=credential.client_id,
            user_id=session.user_id,
            sid=session.sid,
            scope=credential.scope,
            expires_at=min(now + self._lifetime, session.absolute_expires_at),
            claims=credential.claims,
            resources=credential.resources,
            confirmation=credential.confirmation,
        )
        await self._families.begin(tx, family, token_hash(refresh_token), now)
        return family.id
