"""Codes that a person types as a second factor: of their authenticator app, or a saved recovery code."""

from __future__ import annotations

from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.envelope import Envelope
from idp.factors import totp
from idp.factors.recovery_code import RecoveryCodeStorage, digest_of
from idp.factors.totp import TotpStorage


class TypedCodes:
    """Takes codes; a right one is used up by it."""

    def __init__(
        self, authenticators: TotpStorage, recovery_codes: RecoveryCodeStorage, envelope: Envelope, clock: Clock
    ) -> None:
        self._authenticators = authenticators
        self._recovery_codes = recovery_codes
        self._envelope = envelope
        self._clock = clock

    async def of_app(self, tx: Transaction, person: UUID, typed: str) -> bool:
        """Whether it is what one of the person's apps shows now."""
        for authenticator in await self._authenticators.authenticators(tx, person):
            secret = self._envelope.open(authenticator.sealed_secret, totp.context(authenticator.id)).decode()
            step = totp.matching_step(
                secret, typed, last_accepted_step=authenticator.last_accepted_step, now=self._clock.timestamp()
            )
            if step is not None and await self._authenticators.accept_step(tx, authenticator.id, step):
                return True
        return False

    async def saved(self, tx: Transaction, person: UUID, typed: str) -> bool:
        """Whether it is one of the person's recovery codes that was not used."""
        digest = digest_of(person, typed)
        return digest is not None and await self._recovery_codes.consume(tx, person, digest)

    async def saved_left(self, tx: Transaction, person: UUID) -> int:
        """How many recovery codes the person has."""
        return await self._recovery_codes.left(tx, person)
