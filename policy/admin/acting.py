"""Who acts on elevations, by the gateway's assertion, and what the rules refuse, as problems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec.structs import replace
from starlette.requests import Request

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from config.web import correlation_id
from events import outbox
from jose.assertion_middleware import assertion_of
from jose.freshness import challenge
from policy.admin import problems
from policy.lint import ADMINISTRATOR
from policy.overlay.elevation import HeldAlready, NotForYou, TooLong
from policy.overlay.granting import AskedAlready, Granting, NoSuchElevation, Person, Settled, TooMany


class Acting:
    """One act, or one look, each in a transaction."""

    def __init__(self, granting: Granting, database: Database, valkey: Valkey, clock: Clock, *, operator: str) -> None:
        self.granting = granting
        self._database = database
        self._valkey = valkey
        self._clock = clock
        self._operator = operator

    def now(self) -> datetime:
        return self._clock.now()

    def demand_factors(self, request: Request) -> None:
        """Raises `FACTORS_NOT_FRESH`."""
        if (asked := challenge(assertion_of(request).subject, self._clock.timestamp())) is not None:
            raise Problem(problems.FACTORS_NOT_FRESH, headers=asked)

    @asynccontextmanager
    async def acting(self, request: Request) -> AsyncIterator[tuple[Transaction, Person]]:
        """One act in a transaction; what the rules refuse becomes a problem."""
        try:
            async with self._database.begin() as tx:
                yield tx, await self._person(tx, request)
        except NoSuchElevation as error:
            raise Problem(problems.NO_SUCH_ELEVATION) from error
        except NotForYou as error:
            raise Problem(problems.NOT_FOR_YOU) from error
        except Settled as error:
            raise Problem(problems.ELEVATION_SETTLED) from error
        except (AskedAlready, HeldAlready) as error:
            raise Problem(problems.ASKED_ALREADY) from error
        except TooLong as error:
            raise Problem(problems.ELEVATION_TOO_LONG, f"at most {error.longest} seconds") from error
        except TooMany as error:
            raise Problem(problems.TOO_MANY_STAND) from error
        await outbox.poke(self._valkey)

    @asynccontextmanager
    async def reading(self, request: Request) -> AsyncIterator[tuple[Transaction, Person]]:
        """One look."""
        async with self._database.connect() as tx:
            person = await self._person(tx, request)
            try:
                yield tx, person
            except NoSuchElevation as error:
                raise Problem(problems.NO_SUCH_ELEVATION) from error

    async def _person(self, tx: Transaction, request: Request) -> Person:
        """Who asks. A program, for itself or for somebody, asks for nothing and decides nothing: `NOT_FOR_YOU`."""
        who = assertion_of(request).subject
        if not who.sub or not who.org or who.actors:
            raise Problem(problems.NOT_FOR_YOU)
        person = Person(who.sub, who.org, frozenset(who.roles), who.sid, correlation_id(request), name=who.name)
        own = await self.granting.own_roles(tx, person, self._clock.now())
        administers = ADMINISTRATOR in own
        return replace(person, roles=own, administers=administers, sees_all=administers and who.org == self._operator)
