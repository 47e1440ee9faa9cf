"""Programmes of every organisation, for whoever may run a command on a machine of the house: `munjigi rollout`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from config.web import new_correlation_id
from events import outbox
from idp.every_client import NotDone
from idp.every_session import OPERATOR
from idp.programme_parts import leading
from idp.rollout.changes import By, Missing, NotChangeable, PhaseView, Stale, Unusable
from idp.rollout.exceptions import PhaseException
from idp.rollout.leading import Leading
from idp.rollout.phases import Act, NotNow, Phase
from idp.rollout.programme import Preview, Programme
from idp.rollout.template import Template
from idp.storage import directory, legacy_counts, phase_people, phase_records, programmes
from idp.storage.administered_organisations import every_organisation


@dataclass(frozen=True, slots=True)
class Shown:
    """A programme with its phases."""

    programme: Programme
    phases: Sequence[PhaseView]


class EveryProgramme:
    """Acts upon programmes, each with its record. Whatever cannot be done raises `NotDone`."""

    def __init__(self, database: Database, valkey: Valkey, leading: Leading, clock: Clock) -> None:
        self._database = database
        self._valkey = valkey
        self._leading = leading
        self._clock = clock

    async def all(self) -> Sequence[Shown]:
        """Every programme, the newest first."""
        async with self._database.connect() as tx:
            organisations = list(await every_organisation(tx))
            found = await programmes.page(tx, organisations, None, _MOST)
            return [Shown(one, await self._leading.look(tx, one)) for one in found]

    async def one(self, programme_id: UUID) -> Shown:
        """One."""
        async with self._database.connect() as tx:
            programme = await _find(tx, programme_id)
            return Shown(programme, await self._leading.look(tx, programme))

    async def begin(
        self, organisation_id: UUID, template: Template, start: datetime, locale: str, why: str, *, by_hand: bool
    ) -> Shown:
        """A programme from a template; unless `by_hand`, its phases go on by their dates."""
        async with self._changing() as tx:
            if organisation_id not in await every_organisation(tx):
                raise NotDone(f"there is no organisation {organisation_id}")
            by = _by(why)
            made = await self._leading.create(tx, organisation_id, template, start, locale, by)
            if not by_hand:
                made = await self._leading.start(tx, made, by)
            return Shown(made, await self._leading.look(tx, made))

    async def act(self, programme_id: UUID, key: str, act: Act, why: str, share: int | None = None) -> Phase:
        """Take a phase, named by its key, on."""
        async with self._changing() as tx:
            programme, phase = await _phase(tx, programme_id, key, claim=True)
            return await self._leading.act(tx, programme, phase.id, act, _by(why), share=share)

    async def preview(self, programme_id: UUID, key: str, limit: int) -> Preview:
        """Whom a phase reaches or would reach."""
        async with self._database.connect() as tx:
            programme, phase = await _phase(tx, programme_id, key)
            rules = {one.id: one.rule for one in await programmes.cohorts(tx, programme_id)}
            rule, now = rules[phase.cohort_id], self._clock.now()
            return await phase_people.preview(tx, programme.organisation_id, rule, phase, now, limit)

    async def exceptions(self, programme_id: UUID) -> Sequence[tuple[PhaseException, bool]]:
        """All of a programme, the newest first, and whether each holds now."""
        async with self._database.connect() as tx:
            await _find(tx, programme_id)
            found = await phase_records.exceptions(tx, programme_id, None, _MOST)
        return [(one, one.holds(self._clock.now())) for one in found]

    async def grant(self, programme_id: UUID, key: str, name: str, until: datetime, why: str) -> PhaseException:
        """An exception for whoever has a login name."""
        async with self._changing() as tx:
            programme, phase = await _phase(tx, programme_id, key, claim=True)
            account = await directory.account_by_login_name(tx, name)
            if account is None:
                raise NotDone(f"nobody has the login name {name}")
            return await self._leading.grant(tx, programme, phase.id, account.id, until, _by(why))

    async def withdraw(self, programme_id: UUID, exception_id: UUID, why: str) -> PhaseException:
        """Take an exception back."""
        async with self._changing() as tx:
            programme = await _find(tx, programme_id, claim=True)
            return await self._leading.withdraw(tx, programme, exception_id, _by(why))

    async def legacy(self, organisation_id: UUID) -> tuple[dict[str, int], int, bool]:
        """Who depends on what an old system made: by scheme, without a password here, and whether one is named."""
        async with self._database.connect() as tx:
            return await legacy_counts.legacy_hashes(tx, organisation_id)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Transaction]:
        try:
            async with self._database.begin() as tx:
                yield tx
        except NotNow as error:
            raise NotDone(f"not now: {error.why.value}") from error
        except (Missing, Stale, NotChangeable) as error:
            raise NotDone((type(error).__doc__ or "").partition("\n")[0]) from error
        except Unusable as error:
            raise NotDone(str(error)) from error
        await outbox.poke(self._valkey)


_MOST = 10_000


@asynccontextmanager
async def every_programme(settings: Settings) -> AsyncIterator[EveryProgramme]:
    """On the engines of these settings."""
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    clock = SystemClock()
    try:
        yield EveryProgramme(database, valkey, leading(settings, clock, SystemEntropy()), clock)
    finally:
        await valkey.aclose()
        await database.dispose()


def _by(why: str) -> By:
    return By(OPERATOR, why, new_correlation_id())


async def _find(tx: Transaction, programme_id: UUID, *, claim: bool = False) -> Programme:
    found = await programmes.find(tx, programme_id, claim=claim)
    if found is None:
        raise NotDone(f"there is no programme {programme_id}")
    return found


async def _phase(tx: Transaction, programme_id: UUID, key: str, *, claim: bool = False) -> tuple[Programme, Phase]:
    programme = await _find(tx, programme_id, claim=claim)
    for one in await programmes.phases(tx, programme_id):
        if one.key == key:
            return programme, one
    raise NotDone(f"the programme has no phase {key}")
