"""What a link of recovery needs beside it where the person has a second factor: a code, or a passkey.

The code is of their app, or a saved one: whoever lost both password and phone gets back in by mail and paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from starlette.requests import Request

from config.clock import Clock
from config.connections import Transaction
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.typed_codes import TypedCodes
from idp.factors.passkey import PasskeyRefused

Proof = Literal["app", "saved", "passkey"]


class SecondProof:
    """Takes the code or the passkey that a form of recovery carries."""

    def __init__(self, codes: TypedCodes, passkeys: PasskeyCeremonies, clock: Clock) -> None:
        self._codes = codes
        self._passkeys = passkeys
        self._clock = clock

    async def ask_passkey(self, tx: Transaction, person: UUID, bound_to: str) -> dict[str, Any]:
        """Options for the browser."""
        return await self._passkeys.ask(tx, bound_to=bound_to, now=self._clock.now(), person=person)

    async def saved_left(self, tx: Transaction, person: UUID) -> int:
        """How many recovery codes the person has."""
        return await self._codes.saved_left(tx, person)

    async def proves(
        self, tx: Transaction, request: Request, person: UUID, form: Mapping[str, str], bound_to: str
    ) -> Proof | None:
        """By what the form's `code` or `answer` is the person's; it is used up by it. `None`: it is not."""
        if code := form.get("code"):
            if await self._codes.of_app(tx, person, code):
                return "app"
            return "saved" if await self._codes.saved(tx, person, code) else None
        try:
            await self._passkeys.answer(
                tx, form.get("answer", ""), bound_to=bound_to, now=self._clock.now(), person=person, request=request
            )
        except PasskeyRefused:
            return None
        return "passkey"
