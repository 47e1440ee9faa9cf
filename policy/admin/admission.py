"""Who may do what through the API, behind what the policy itself allowed at the gateway.

This holds where a policy was loosened, or somebody came past the gateway.
"""

from __future__ import annotations

from uuid import UUID

from audit import trail
from config.clock import Clock
from config.connections import Database
from config.problem import Problem
from jose.assertion import Subject
from jose.freshness import challenge
from policy.admin import problems
from policy.lint import ADMINISTRATOR
from policy.request import client_role


class Admission:
    """Lets administrators in, and programs whose token is for what they ask."""

    def __init__(self, database: Database, clock: Clock, operator: UUID) -> None:
        """`operator`: the organisation whose administrators may change the policy, since it is everybody's."""
        self._database = database
        self._clock = clock
        self._operator = str(operator)

    async def admit(self, who: Subject, correlation_id: str, scope: str, *, changing: bool) -> None:
        """Refuse whoever may not do this, and put it on record.

        Whoever is `changing` something must be an administrator of the operating organisation with fresh factors, or a
        program. Raises `NOT_ADMINISTRATOR`, `NOT_OPERATOR`, `FACTORS_NOT_FRESH`, `SCOPE_MISSING`.
        """
        if is_program(who):
            if scope not in who.scope:
                await self._refused(who, correlation_id)
                raise Problem(problems.SCOPE_MISSING, headers=_insufficient(scope))
            return
        if not (ADMINISTRATOR in who.roles and who.sub):
            await self._refused(who, correlation_id)
            raise Problem(problems.NOT_ADMINISTRATOR)
        if changing and who.org != self._operator:
            await self._refused(who, correlation_id)
            raise Problem(problems.NOT_OPERATOR)
        if changing and (asked := challenge(who, self._clock.timestamp())) is not None:
            raise Problem(problems.FACTORS_NOT_FRESH, headers=asked)

    async def _refused(self, who: Subject, correlation_id: str) -> None:
        async with self._database.begin() as tx:
            await trail.record(
                tx,
                trail.AuditEvent(
                    kind=trail.Kind.ADMINISTRATION_REFUSED,
                    correlation_id=correlation_id,
                    actor=who.sub,
                    subject="policy",
                    sid=who.sid,
                ),
            )


def is_program(who: Subject) -> bool:
    """Whether a program asks for itself: no person holds a program's role, for the gateway takes it from them."""
    return bool(who.sub) and who.roles == (client_role(who.sub),)


def _insufficient(scope: str) -> dict[str, str]:
    """RFC 6750, section 3.1."""
    return {
        "WWW-Authenticate": f'Bearer error="insufficient_scope", error_description="The token must be for {scope}", '
        f'scope="{scope}"'
    }
