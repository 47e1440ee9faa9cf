"""The tokens by which clients may be registered, as administrators issue them and take them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem
from idp.administration import problems
from idp.administration.client_acts import of_organisation, reach_of
from idp.administration.client_documents import InitialTokenEntry, InitialTokenIssued, InitialTokenList
from idp.administration.record import record
from idp.administration.scope import Administrator
from idp.clients.register import InitialAccessToken, InitialAccessTokens, hash_token
from idp.clients.registrar import SECRET_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialTokenActs:
    """Everything that the API shows and changes of them."""

    database: Database
    clock: Clock
    entropy: Entropy
    initial_tokens: InitialAccessTokens
    operator: UUID
    """The organisation whose administrators issue those of the house."""

    async def tokens(self, who: Administrator, after: UUID | None, limit: int) -> InitialTokenList:
        """Initial access tokens that are good."""
        async with self.database.connect() as tx:
            found = await self.initial_tokens.page(
                tx, reach_of(who, self.operator), self.clock.now(), after=after, limit=limit + 1
            )
        shown = tuple(_token(one) for one in found[:limit])
        return InitialTokenList(shown, str(shown[-1].id) if len(found) > limit else None)

    async def issue(
        self, who: Administrator, organisation_id: UUID | None, label: str, why: str, *, uses: int, expires_in: int
    ) -> InitialTokenIssued:
        """A token by which so many clients may be registered."""
        if not reach_of(who, self.operator).holds(organisation_id):
            raise Problem(problems.NOT_FOUND)
        now, secret = self.clock.now(), self.entropy.token(SECRET_SIZE)
        token = InitialAccessToken(
            id=self.entropy.uuid(),
            organisation_id=organisation_id,
            label=label,
            uses_left=uses,
            created_by=who.user_id,
            created_at=now,
            expires_at=now + timedelta(seconds=expires_in),
        )
        async with self.database.begin() as tx:
            if not await self.initial_tokens.add(tx, token, hash_token(secret)):
                raise Problem(problems.NOT_FOUND)
            details = {"why": why, "label": label, "uses": uses, "expires_in": expires_in}
            await record(
                tx, who, Kind.INITIAL_TOKEN_ISSUED, str(token.id), {**details, **of_organisation(organisation_id)}
            )
        return InitialTokenIssued(token=_token(token), initial_access_token=secret)

    async def revoke(self, who: Administrator, ident: UUID, why: str) -> None:
        """Take one back; clients that it registered stay."""
        async with self.database.begin() as tx:
            revoked = await self.initial_tokens.revoke(tx, reach_of(who, self.operator), ident)
            if revoked is None:
                raise Problem(problems.NOT_FOUND)
            details = {"why": why, **of_organisation(revoked.organisation_id)}
            await record(tx, who, Kind.INITIAL_TOKEN_REVOKED, str(ident), details)


def _token(token: InitialAccessToken) -> InitialTokenEntry:
    return InitialTokenEntry(**{name: getattr(token, name) for name in InitialAccessToken.__slots__})
