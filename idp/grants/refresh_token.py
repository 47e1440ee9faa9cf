"""The refresh token grant (RFC 6749, section 6) with rotation; reuse ends the family and its session (S3).

Under the FAPI 2.0 profile there is no rotation: the token itself is good with its client's keys alone.
"""

from __future__ import annotations

from datetime import datetime

from config.connections import Transaction
from idp.clients.client import Client
from idp.grants.grant import Credential, LiveSessions, Misuse
from idp.protocol import fapi2
from idp.protocol.confirmation import Confirmation, is_met
from idp.tokens.refresh_family import Families, Successors, judge, token_hash


class RefreshToken:
    """`Grant` for `refresh_token`."""

    grant_type = "refresh_token"

    def __init__(self, families: Families, sessions: LiveSessions, successors: Successors) -> None:
        self._families = families
        self._sessions = sessions
        self._successors = successors

    async def load(
        self, tx: Transaction, form: dict[str, str], client: Client, now: datetime, proven: Confirmation
    ) -> Credential | Misuse | None:
        """Find the token and lock first its family, then its session: the same row that an end locks."""
        token = form.get("refresh_token", "")
        digest = token_hash(token)
        presented = await self._families.present(tx, digest)
        if presented is None or presented.family.client_id != client.client_id:
            return None
        family = presented.family
        # stolen without its key it is of no use, and no reason to end anything
        if not is_met(family.confirmation, proven):
            return None
        successor = self._successors.of(token)
        # a retry is believed of whoever proves to be the same client (S3); a public one does by the key of its family
        same = client.auth_method != "none" or bool(family.confirmation)
        provable = same and presented.rotated_at is not None
        current = provable and await self._families.is_current(tx, token_hash(successor))
        judgement = judge(presented, successor_is_current=current, now=now)
        if judgement == "dead":
            return None
        if judgement == "reuse":
            return Misuse(kind="refresh_reused", user_id=family.user_id, sid=family.sid, family_id=family.id)
        session = await self._sessions.lock(tx, family.sid)
        if session is None or not session.lives(now):
            return None
        # bound to a key, and held by a client that proves itself: rotation would add nothing but lost answers
        # (FAPI 2.0 Security Profile, section 5.3.2.1); the endpoint issues nothing to such a client without that key
        stays = judgement == "rotate" and fapi2.is_bound(client)
        return Credential(
            client_id=family.client_id,
            session=session,
            scope=family.scope,
            digest=digest,
            family_id=family.id,
            successor=token if stays else successor,
            claims=family.claims,
            resources=family.resources,
            retry=stays or judgement == "retry",
        )

    async def save(self, tx: Transaction, credential: Credential, refresh_token: str | None, now: datetime) -> None:
        """Rotate, unless this answers a retry."""
        if credential.retry or refresh_token is None or credential.family_id is None:
            return
        await self._families.rotate(tx, credential.digest, token_hash(refresh_token), credential.family_id, now)
