"""Guesses at second factors at the rim: whose each one is, and that it is counted before it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from idp.credentials.factor_guesses import FACTOR_OF_ACCOUNT, TOLD, TOLD_AFTER, factor_guesses
from idp.credentials.throttle import Limit, Throttle, TooMany
from idp.devices.identification import DEVICE_COOKIE, cookie_hash
from idp.endpoints.login.known_person import KnownPerson
from idp.endpoints.whereabouts import client_ip


@dataclass(frozen=True, slots=True)
class CountedCode:
    """What was counted of one guess."""

    subjects: Sequence[tuple[Limit, str]]
    person: UUID
    strange: bool
    """It came from a device where the person never got a session."""


class CountedCodes:
    """Counts guesses at codes. Answers of passkeys are none."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle

    async def count(self, request: Request, person: UUID, known_device: UUID | None) -> CountedCode:
        """Count a guess. Raises `TooMany`, and `CANNOT_COUNT` where the throttle is away."""
        subjects = factor_guesses(person, client_ip(request), known_device)
        await self._throttle.attempt_all(subjects)
        return CountedCode(subjects, person, strange=known_device is None)

    async def was_right(self, counted: CountedCode) -> None:
        """Give a guess back; after the commit."""
        await self._throttle.all_right(counted.subjects)

    async def to_be_told(self, counted: CountedCode, wrong_in_login: int) -> bool:
        """Whether the person is to be told now that somebody who knows their password guesses on.

        Whoever begins a new login after each two guesses is told of all the same: what the account has against strange
        devices counts as well. Asking notes that they are told.
        """
        if not counted.strange:
            return False
        wrong = await self._throttle.counted([(FACTOR_OF_ACCOUNT, str(counted.person))])
        if max(wrong, wrong_in_login) < TOLD_AFTER:
            return False
        try:
            await self._throttle.attempt(TOLD, str(counted.person))
        except TooMany:
            return False
        return True

    async def known_device(self, request: Request, known: KnownPerson) -> UUID | None:
        """This browser, where the person got a session or was let in by recovery; nobody gets there by trying."""
        if known.was_here:
            return known.device_id
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        if digest is not None and await self._throttle.vouched(str(known.user_id), digest):
            return UUID(bytes=digest[:16])
        return None
