"""What a link of recovery needs beside it where the person has a second factor: a code, or a passkey.

The code is of their app, one that is texted to them, or a saved one: whoever lost both password and phone gets back in
by mail and paper.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from starlette.requests import Request

from config.clock import Clock
from config.connections import Database, Transaction
from idp.authorization.attempts import Recipient
from idp.authorization.login_rules import LoginRulesCache
from idp.credentials.text_guard import Permit
from idp.directory.account import Membership
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.text_codes import Asked, Reach, TextCodes, Texting
from idp.endpoints.login.typed_codes import TypedCodes
from idp.factors.passkey import PasskeyRefused
from idp.factors.requirement import FactorKind, taken
from idp.protocol.assurance import Way

Proof = Literal["app", "text", "saved", "passkey"]


class Homes(Protocol):
    """Where it is known which organisation a person belongs to."""

    async def home(self, tx: Transaction, user_id: UUID) -> Membership | None:
        """The one that they joined first."""


class SecondProof:
    """Takes the code or the passkey that a form of recovery carries."""

    def __init__(
        self,
        codes: TypedCodes,
        texts: TextCodes,
        passkeys: PasskeyCeremonies,
        homes: Homes,
        rules: LoginRulesCache,
        clock: Clock,
    ) -> None:
        self._codes = codes
        self._texts = texts
        self._passkeys = passkeys
        self._homes = homes
        self._rules = rules
        self._clock = clock

    async def taken(self, tx: Transaction, person: UUID, enrolled: Collection[FactorKind]) -> tuple[FactorKind, ...]:
        """Of what somebody has that which their organisation takes. Saved codes stand for the rest."""
        return taken(enrolled, await self._forbidden(tx, person))

    async def _forbidden(self, tx: Transaction, person: UUID) -> frozenset[Way]:
        home = await self._homes.home(tx, person)
        return (await self._rules.of(tx, home.organisation.id)).forbidden if home is not None else frozenset()

    async def ask_passkey(self, tx: Transaction, person: UUID, bound_to: str) -> dict[str, Any]:
        """Options for the browser."""
        return await self._passkeys.ask(tx, bound_to=bound_to, now=self._clock.now(), person=person)

    async def reach(self, tx: Transaction, person: UUID) -> Reach | None:
        """Where texts reach the person."""
        home = await self._homes.home(tx, person)
        if home is None or "sms" in (await self._rules.of(tx, home.organisation.id)).forbidden:
            return None
        return await self._texts.reach(tx, person, home.organisation.id)

    async def may_text(self, request: Request, person: UUID, reach: Reach) -> Permit:
        """`TextCodes.may_send`; while no transaction is open."""
        return await self._texts.may_send(request, person, reach)

    async def text(
        self,
        tx: Transaction,
        request: Request,
        person: Recipient,
        reach: Reach,
        permit: Permit,
        bound_to: str,
        until: datetime,
    ) -> Texting:
        """Send a code for the form of a link, which is good until then."""
        asked = _asked(bound_to, until)
        return await self._texts.send(tx, request, asked, person, reach, self._clock.now(), again=True, permit=permit)

    async def was_typed(self, database: Database, person: UUID) -> None:
        """A code of somebody who gets texts was right: those are weighed against what was sent. After the commit."""
        async with database.connect() as tx:
            reach = await self.reach(tx, person)
        if reach is not None:
            await self._texts.was_used(reach)

    async def saved_left(self, tx: Transaction, person: UUID) -> int:
        """How many recovery codes the person has."""
        return await self._codes.saved_left(tx, person)

    async def proves(
        self, tx: Transaction, request: Request, person: UUID, form: Mapping[str, str], bound_to: str
    ) -> Proof | None:
        """By what the form's `code` or `answer` is the person's; it is used up by it. `None`: it is not."""
        forbidden = await self._forbidden(tx, person)
        if code := form.get("code"):
            if "totp" not in forbidden and await self._codes.of_app(tx, person, code):
                return "app"
            reach = await self.reach(tx, person)
            now = self._clock.now()
            if reach is not None:
                verdict = await self._texts.take(tx, _asked(bound_to, now), person, reach, code, now)
                if verdict == "right":
                    return "text"
            return "saved" if await self._codes.saved(tx, person, code) else None
        if "passkey" in forbidden:
            return None
        try:
            await self._passkeys.answer(
                tx, form.get("answer", ""), bound_to=bound_to, now=self._clock.now(), person=person, request=request
            )
        except PasskeyRefused:
            return None
        return "passkey"


def _asked(bound_to: str, until: datetime) -> Asked:
    digest = hashlib.sha256(b"munjigi-second-proof\0" + bound_to.encode()).digest()
    return Asked(bound_to=UUID(bytes=digest[:16]), faced=None, until=until)
