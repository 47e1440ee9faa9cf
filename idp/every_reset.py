"""Resets of people, for whoever may run a command on a machine of the house: `munjigi users reset`.

They name the administrators who ask and agree, and every rule of `ResetActs` holds for those: they are two, neither is
the person, and both administer all organisations of the person. That they proved themselves by two factors is asked of
nobody here; whoever runs commands reads the database anyway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from config.clock import SystemClock
from config.connections import Database, open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.problem import Problem
from config.settings import Settings
from config.web import new_correlation_id
from idp.administration.page import Page
from idp.administration.problems import NOT_ADMINISTRATOR, NOT_FOUND
from idp.administration.reset_acts import ResetActs
from idp.administration.reset_documents import ResetAsked, ResetEntry
from idp.administration.scope import Administrator
from idp.credentials.assisted_reset import ResetState
from idp.directory.account import Account
from idp.directory.login_name import normalise
from idp.storage import administered_people, assisted_resets, directory, preferences, sessions
from idp.storage.administered_organisations import every_organisation
from notifications.queue import Queue

PAGE = 200
OPERATOR = UUID(int=0)
"""Whoever lists them: nobody in particular."""


@dataclass(frozen=True, slots=True)
class EveryReset:
    """Asks, agrees, refuses, lists."""

    database: Database
    acts: ResetActs

    async def ask(self, name: str, by: str, why: str) -> ResetAsked:
        """Raises `Problem` as the API does."""
        person = await self._account(name)
        return await self.acts.ask(await self._administrator(by), person.id, person.version, why)

    async def decide(self, reset_id: UUID, by: str, why: str, *, approve: bool) -> ResetEntry:
        """Agree, or refuse. Raises `Problem` as the API does."""
        who = await self._administrator(by)
        shown = await self.acts.show(who, reset_id)
        decide = self.acts.approve if approve else self.acts.refuse
        return await decide(who, reset_id, shown.version, why)

    async def all(self, states: Sequence[ResetState]) -> Sequence[ResetEntry]:
        """The newest first."""
        async with self.database.connect() as tx:
            everywhere = await every_organisation(tx)
        who = Administrator(OPERATOR, "", everywhere, "")
        return (await self.acts.list(who, states, None, Page(after="", limit=PAGE))).resets

    async def _administrator(self, name: str) -> Administrator:
        account = await self._account(name)
        async with self.database.connect() as tx:
            scope = await administered_people.administered_by(tx, account.id)
        if not scope:
            raise Problem(NOT_ADMINISTRATOR, private=f"{name} administers nothing")
        return Administrator(account.id, "", scope, new_correlation_id())

    async def _account(self, name: str) -> Account:
        known = normalise(name)
        async with self.database.connect() as tx:
            account = await directory.account_by_login_name(tx, known) if known is not None else None
        if account is None:
            raise Problem(NOT_FOUND, private=f"nobody is called {name}")
        return account


@asynccontextmanager
async def every_reset(settings: Settings) -> AsyncIterator[EveryReset]:
    """Everything it is made of."""
    clock, entropy = SystemClock(), SystemEntropy()
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    acts = ResetActs(
        database=database,
        valkey=valkey,
        clock=clock,
        entropy=entropy,
        queue=Queue(Envelope.load(settings), clock, entropy),
        people=administered_people,
        directory=directory,
        resets=assisted_resets,
        sessions=sessions,
        clocks=preferences,
        issuer=settings.idp.issuer,
    )
    try:
        yield EveryReset(database, acts)
    finally:
        await valkey.aclose()
        await database.dispose()
