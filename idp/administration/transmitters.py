"""Whom an organisation listens to: looked at and changed by its administrators, each act with its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from config.problem import Problem
from idp.administration import problems
from idp.administration.record import record
from idp.administration.scope import Administrator
from idp.administration.transmitter_documents import (
    Removed,
    TransmitterChange,
    TransmitterDocument,
    TransmitterList,
    TransmitterRequest,
    TransmitterWithToken,
    document_of,
)
from idp.sessions.received.transmitter import (
    MOST_TRANSMITTERS,
    TOKEN_SIZE,
    Effects,
    Transmitter,
    authorization_context,
    digest_of,
    fault_of,
    push_address,
)


class TransmitterStorage(Protocol):
    """Where transmitters are kept."""

    async def all_of(self, tx: Transaction, organisation_id: UUID) -> Sequence[Transmitter]:
        """Those of an organisation, oldest first."""

    async def claim(self, tx: Transaction, organisation_id: UUID, transmitter_id: UUID) -> Transmitter | None:
        """One of this organisation, which nobody else changes before this transaction is over."""

    async def count(self, tx: Transaction, organisation_id: UUID) -> int:
        """How many an organisation has. Nobody else can add one, or change one, before this transaction is over."""

    async def is_another(self, tx: Transaction, transmitter: Transmitter) -> bool:
        """Whether the organisation has another one of this issuer and audience. Ask after `count`."""

    async def add(self, tx: Transaction, transmitter: Transmitter) -> None:
        """Keep a new one."""

    async def change(self, tx: Transaction, transmitter: Transmitter, now: datetime) -> None:
        """Keep what was changed in a claimed one."""

    async def remove(self, tx: Transaction, transmitter_id: UUID) -> None:
        """It is gone, with all that it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmitters:
    """Everything that the API shows and changes of them."""

    database: Database
    storage: TransmitterStorage
    envelope: Envelope
    clock: Clock
    entropy: Entropy
    issuer: str

    async def list_of(self, who: Administrator, organisation_id: UUID) -> TransmitterList:
        _theirs(who, organisation_id)
        async with self.database.connect() as tx:
            found = await self.storage.all_of(tx, organisation_id)
        return TransmitterList(tuple(document_of(one, self.issuer) for one in found))

    async def show(self, who: Administrator, organisation_id: UUID, transmitter_id: UUID) -> TransmitterDocument:
        _theirs(who, organisation_id)
        async with self.database.begin() as tx:
            return document_of(await self._claim(tx, organisation_id, transmitter_id), self.issuer)

    async def add(self, who: Administrator, organisation_id: UUID, asked: TransmitterRequest) -> TransmitterWithToken:
        """Listen to somebody new."""
        _theirs(who, organisation_id)
        now = self.clock.now()
        token = self.entropy.token(TOKEN_SIZE) if asked.delivery == "push" else None
        blank = Transmitter(
            id=self.entropy.uuid(),
            organisation_id=organisation_id,
            name="",
            issuer="",
            jwks_uri="",
            audience="",
            delivery=asked.delivery,
            poll_uri=None,
            token_digest=digest_of(token) if token is not None else None,
            sealed_authorization=None,
            status="enabled",
            effects=Effects(),
            version=0,
            created_at=now,
        )
        new = self._asked(blank, asked)
        async with self.database.begin() as tx:
            if await self.storage.count(tx, organisation_id) >= MOST_TRANSMITTERS:
                raise Problem(problems.TOO_MANY_TRANSMITTERS)
            await self._alone(tx, new)
            await self.storage.add(tx, new)
            await self._record(tx, who, new, asked.why, "added")
        return TransmitterWithToken(document_of(new, self.issuer), token)

    async def change(
        self, who: Administrator, organisation_id: UUID, transmitter_id: UUID, asked: TransmitterChange
    ) -> TransmitterDocument:
        """Listen otherwise."""
        _theirs(who, organisation_id)
        async with self.database.begin() as tx:
            await self.storage.count(tx, organisation_id)  # before the transmitter, as whoever adds one
            before = await self._claim(tx, organisation_id, transmitter_id, asked.version)
            after = self._asked(before, asked)
            await self._alone(tx, after)
            await self.storage.change(tx, after, self.clock.now())
            await self._record(tx, who, after, asked.why, "changed")
        return document_of(after, self.issuer)

    async def make_token(
        self, who: Administrator, organisation_id: UUID, transmitter_id: UUID, version: int, why: str
    ) -> TransmitterWithToken:
        """A new token for its pushes; the one before works no more."""
        _theirs(who, organisation_id)
        async with self.database.begin() as tx:
            before = await self._claim(tx, organisation_id, transmitter_id, version)
            if before.delivery != "push":
                raise Problem(problems.NO_TOKEN)
            token = self.entropy.token(TOKEN_SIZE)
            after = replace(before, token_digest=digest_of(token), version=before.version + 1)
            await self.storage.change(tx, after, self.clock.now())
            await self._record(tx, who, after, why, "token")
        return TransmitterWithToken(document_of(after, self.issuer), token)

    async def remove(
        self, who: Administrator, organisation_id: UUID, transmitter_id: UUID, version: int, why: str
    ) -> Removed:
        """Listen no more. Devices that it distrusted are trusted as before."""
        _theirs(who, organisation_id)
        async with self.database.begin() as tx:
            found = await self._claim(tx, organisation_id, transmitter_id, version)
            await self.storage.remove(tx, transmitter_id)
            await self._record(tx, who, found, why, "removed")
        return Removed(transmitter_id)

    def _asked(self, before: Transmitter, asked: TransmitterRequest) -> Transmitter:
        pushes = asked.delivery == "push"
        poll_uri = None if pushes else asked.poll_uri
        authorization = asked.authorization or None
        fault = fault_of(issuer=asked.issuer, jwks_uri=asked.jwks_uri, poll_uri=poll_uri, authorization=authorization)
        if fault:
            raise Problem(problems.TRANSMITTER_REFUSED, fault)
        kept = asked.authorization is None and before.sealed_authorization is not None
        if kept and poll_uri not in (None, before.poll_uri):
            # it is shown to nobody, and so is not sent where somebody else might see it either
            raise Problem(
                problems.TRANSMITTER_REFUSED, "authorization: say it anew, or leave it empty, where poll_uri changes"
            )
        sealed = before.sealed_authorization if asked.authorization is None else None
        if authorization is not None:
            sealed = self.envelope.seal(authorization.encode("ascii"), authorization_context(before.id))
        return replace(
            before,
            name=asked.name.strip() or asked.name,
            issuer=asked.issuer,
            jwks_uri=asked.jwks_uri,
            audience=asked.audience or push_address(self.issuer, before.id),
            delivery=asked.delivery,
            poll_uri=poll_uri,
            token_digest=before.token_digest if pushes else None,
            sealed_authorization=None if pushes else sealed,
            status=asked.status,
            effects=asked.effects.value(),
            version=before.version + 1,
        )

    async def _claim(
        self, tx: Transaction, organisation_id: UUID, transmitter_id: UUID, version: int | None = None
    ) -> Transmitter:
        found = await self.storage.claim(tx, organisation_id, transmitter_id)
        if found is None:
            raise Problem(problems.NOT_FOUND)
        if version is not None and found.version != version:
            raise Problem(problems.CHANGED_MEANWHILE)
        return found

    async def _alone(self, tx: Transaction, transmitter: Transmitter) -> None:
        if await self.storage.is_another(tx, transmitter):
            raise Problem(problems.SUCH_A_TRANSMITTER)

    async def _record(self, tx: Transaction, who: Administrator, found: Transmitter, why: str, act: str) -> None:
        details = {
            "why": why,
            "act": act,
            "transmitter": str(found.id),
            "issuer": found.issuer,
            "delivery": found.delivery,
            "status": found.status,
        }
        await record(tx, who, Kind.SIGNAL_TRANSMITTER_CHANGED, str(found.organisation_id), details)


def _theirs(who: Administrator, organisation_id: UUID) -> None:
    if organisation_id not in who.organisations:
        raise Problem(problems.NOT_FOUND)
