"""How often a person's devices may be asked to approve: nobody is worn down until they say yes (CWE-307; NIST SP
800-63B-4, section 3.1.3.1).

What is counted is the person's, wherever it is asked from. Where nothing can be counted, nobody is asked (S7): every
other way to sign in stays.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from uuid import UUID

from config.problem import Problem
from idp.credentials.throttle import Allowance, Throttle, TooMany

ASKED_OF_PERSON: Final = Allowance("approval-asked", 12, 3600)
"""Questions in an hour, answered or not."""
UNANSWERED_OF_PERSON: Final = Allowance("approval-unanswered", 3, 1800)
"""Questions that nobody approved; after so many, none for the rest of the half hour."""
DENIED_BY_PERSON: Final = Allowance("approval-denied", 1, 1800)
"""After one "no" there are no questions for so long."""


class ApprovalLimits:
    """Counts questions, before each is asked."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle

    async def ask(self, person: UUID) -> None:
        """Count one. Raises `TooMany`, and `CANNOT_COUNT` where the throttle is away."""
        if await self._throttle.counted([(DENIED_BY_PERSON, str(person))]):
            raise TooMany(DENIED_BY_PERSON, DENIED_BY_PERSON.seconds, first=False)
        subjects = [(UNANSWERED_OF_PERSON, str(person)), (ASKED_OF_PERSON, str(person))]
        await self._throttle.attempt_all(subjects)

    async def offered(self, person: UUID) -> bool:
        """Whether a question may be asked now, as far as is known; False where nothing can be counted."""
        try:
            if await self._throttle.counted([(DENIED_BY_PERSON, str(person))]):
                return False
            unanswered = await self._throttle.counted([(UNANSWERED_OF_PERSON, str(person))])
            asked = await self._throttle.counted([(ASKED_OF_PERSON, str(person))])
        except Problem:
            return False
        return unanswered < UNANSWERED_OF_PERSON.attempts and asked < ASKED_OF_PERSON.attempts

    async def approved(self, person: UUID) -> None:
        """The person said yes: that question bothered nobody."""
        await self._throttle.was_right(UNANSWERED_OF_PERSON, str(person))

    async def denied(self, person: UUID) -> None:
        """The person said no. Their word stands, whether or not it can be counted."""
        with suppress(Problem):
            await self._throttle.attempt(DENIED_BY_PERSON, str(person))
