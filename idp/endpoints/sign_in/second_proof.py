"""What a link of recovery needs beside it where the person has a second factor: a code of their app, or a passkey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.envelope import Envelope
from idp.endpoints.login.arrivals import Enrolments
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors import totp
from idp.factors.passkey import PasskeyRefused
from idp.factors.totp import TotpStorage


class SecondFactors(TotpStorage, Enrolments, Protocol):
    """Where second factors are kept."""


class SecondProof:
    """Takes the code or the passkey that a form of recovery carries."""

    def __init__(self, factors: SecondFactors, passkeys: PasskeyCeremonies, envelope: Envelope, clock: Clock) -> None:
        self._factors = factors
        self._passkeys = passkeys
        self._envelope = envelope
        self._clock = clock

    async def ask_passkey(self, tx: Transaction, person: UUID, bound_to: str) -> dict[str, Any]:
        """Options for the browser."""
        return await self._passkeys.ask(tx, bound_to=bound_to, now=self._clock.now(), person=person)

    async def proves(self, tx: Transaction, person: UUID, form: Mapping[str, str], bound_to: str) -> bool:
        """Whether the form's `code` or `answer` is the person's; either is used up by it."""
        if code := form.get("code"):
            return await self._code(tx, person, code)
        try:
            await self._passkeys.answer(
                tx, form.get("answer", ""), bound_to=bound_to, now=self._clock.now(), person=person
            )
        except PasskeyRefused:
            return False
        return True

    async def _code(self, tx: Transaction, person: UUID, code: str) -> bool:
        for authenticator in await self._factors.authenticators(tx, person):
            secret = self._envelope.open(authenticator.sealed_secret, totp.context(authenticator.id)).decode()
            step = totp.matching_step(
                secret, code, last_accepted_step=authenticator.last_accepted_step, now=self._clock.timestamp()
            )
            if step is not None and await self._factors.accept_step(tx, authenticator.id, step):
                return True
        return False
