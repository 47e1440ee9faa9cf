"""Imports of people, for whoever may run a command on a machine of the house: `munjigi users`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, open_database
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from config.web import new_correlation_id
from idp.every_client import NotDone
from idp.every_session import OPERATOR
from idp.importing.asked import Asked, asked_again, digest_of, source_of
from idp.importing.batch import Batch, Counts
from idp.importing.firebase import HashParameters
from idp.importing.importer import Faulty, Importer, Told, undo
from idp.importing.integrity import Integrity, compare
from idp.importing.landing import SHOWN, Landing
from idp.importing.person import Checker, Rules
from idp.importing.reading import read
from idp.importing.wrapping import Wrapping
from idp.storage import imports, imports_removed, imports_staged, imports_surveyed, secrets
from idp.storage.administered_organisations import every_organisation


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file."""

    counts: Counts
    batch: Batch | None = None
    """`None`: nothing was kept, because it was a dry run, because of what is wrong, or because all of it is there."""


class EveryImport:
    """Brings files in, compares them, and takes them out again, each act with its record."""

    def __init__(
        self, database: Database, wrapping: Wrapping, envelope: Envelope, clock: Clock, entropy: Entropy
    ) -> None:
        self._database = database
        self._envelope = envelope
        self._clock = clock
        self._entropy = entropy
        self._importer = Importer(database, imports, imports_staged, imports_surveyed, clock, wrapping)
        self._landing = Landing(database, imports, imports_staged, imports_removed, clock)

    async def survey(self, asked: Asked, told: Callable[[int, Counts], None], faulty: Faulty) -> Brought:
        """What would come of a file. Raises `NotDone` and `Unreadable`."""
        checker = await self._checker(asked)
        with asked.path.open("rb") as file:
            lines = read(file, asked.format, asked.firebase_hashes)
            return Brought(await self._importer.survey(lines, checker, _at(file, told), faulty))

    async def bring(self, asked: Asked, why: str, told: Callable[[int, Counts], None], faulty: Faulty) -> Brought:
        """Bring a file in, or go on with it. Raises `NotDone` and `Unreadable`."""
        if asked.all_or_nothing:
            surveyed = await self.survey(asked, told, faulty)
            if surveyed.counts.refused:
                return surveyed
        checker = await self._checker(asked)
        source = await asyncio.to_thread(source_of, asked)
        async with self._database.begin() as tx:
            batch = await imports.begin(tx, self._entropy.uuid(), source, OPERATOR, why, self._clock.now())
            if not batch.counts.read:
                await _record(tx, batch, Kind.PEOPLE_IMPORTED, why, act="begun")
        async with self._alone(batch):
            batch = await self.one(batch.id)
            if batch.state == "running":
                with asked.path.open("rb") as file:
                    lines = read(file, asked.format, asked.firebase_hashes)
                    await self._importer.bring(batch, lines, checker, _at(file, told), faulty)
                batch = await self.one(batch.id)
                if asked.all_or_nothing and (faults := await self._unsure(batch, why, faulty)):
                    return _given_up(batch, faults)
            elif batch.state != "landing":  # another run brought it to its end a moment ago
                return Brought(batch.counts, batch)
            kept, faults = await self._finish(batch, why)
            _tell(faults, faulty)
            return _given_up(batch, faults) if faults else Brought(batch.counts, kept)

    async def land(self, ident: UUID) -> None:
        """Bring a batch to its end of which it is sure, and which something interrupted, unless somebody does that."""
        batch = await self.one(ident)
        async with self._alone(batch):
            batch = await self.one(ident)
            if batch.state == "landing":
                await self._finish(batch, batch.why)

    async def left_landing(self) -> Sequence[UUID]:
        """Batches to bring to their end by `land`."""
        async with self._database.connect() as tx:
            return await imports_staged.left_landing(tx)

    async def _unsure(self, batch: Batch, why: str, faulty: Faulty) -> Sequence[tuple[int, str]]:
        """What is wrong since the survey, so that nobody comes in; nothing: everybody does."""
        async with self._database.connect() as tx:
            faults = await imports.faults(tx, batch.id, 0, SHOWN)
        if faults:
            await self._landing.nobody(batch, ())
        elif faults := await self._landing.sure(batch):
            _tell(faults, faulty)
            await self._landing.nobody(batch, faults)
        if faults:
            async with self._database.begin() as tx:
                await _record(tx, batch, Kind.PEOPLE_IMPORTED, why, act="given up")
        return faults

    async def _finish(self, batch: Batch, why: str) -> tuple[Batch | None, Sequence[tuple[int, str]]]:
        """Its end; none: all of it was there, or somebody took names while it landed."""
        faults = await self._landing.finish(batch) if batch.source.all_or_nothing else ()
        async with self._database.begin() as tx:
            kept = not faults and await imports.finish(tx, batch.id, self._clock.now())
            counts = batch.counts
            more = {"created": counts.created, "unchanged": counts.unchanged, "refused": counts.refused}
            await _record(tx, batch, Kind.PEOPLE_IMPORTED, why, act="given up" if faults else "finished", **more)
        return await self.one(batch.id) if kept else None, faults

    async def undo(self, ident: UUID, why: str, told: Callable[[int, int], None]) -> tuple[Batch, int]:
        """Remove the people of a batch who never signed in; how many are left. Raises `NotDone`."""
        batch = await self.one(ident)
        async with self._alone(batch):
            async with self._database.begin() as tx:
                await imports_staged.empty(tx, batch.id)
            removed, left = await undo(self._database, imports, imports_removed, batch, told, self._clock)
            async with self._database.begin() as tx:
                await _record(tx, batch, Kind.PEOPLE_IMPORT_UNDONE, why, removed=removed, left=left)
        return await self.one(ident), left

    async def why_left(self, batch: Batch, most: int) -> Sequence[tuple[int, str, str]]:
        """People of a batch who cannot be removed: line, login name, why."""
        async with self._database.connect() as tx:
            return await imports_removed.why_left(tx, batch, most)

    async def verify(
        self,
        batch: Batch,
        path: Path,
        firebase_hashes: HashParameters | None,
        told: Callable[[int, Counts], None],
        faulty: Faulty,
    ) -> Integrity:
        """Compare a file with what is stored of it, by the options of the batch. Raises `NotDone` and `Unreadable`."""
        asked = asked_again(batch, path, firebase_hashes)
        checker = await self._checker(asked)
        with path.open("rb") as file:
            lines = read(file, asked.format, firebase_hashes)
            return await compare(
                self._database, imports, imports_surveyed, batch.id, lines, checker, _at(file, told), faulty
            )

    async def of_file(self, path: Path) -> Batch:
        """The newest batch of a file's content that was not undone. Raises `NotDone`."""
        digest = await asyncio.to_thread(digest_of, path)
        async with self._database.connect() as tx:
            found = await imports.of_file(tx, digest)
        if found is None:
            raise NotDone(f"{path.name} was not imported as it is now; name the batch that it belongs to")
        return found

    async def one(self, ident: UUID) -> Batch:
        """One batch. Raises `NotDone`."""
        async with self._database.connect() as tx:
            found = await imports.find(tx, ident)
        if found is None:
            raise NotDone(f"there is no batch {ident}")
        return found

    async def all(self) -> Sequence[Batch]:
        """The newest 200."""
        async with self._database.connect() as tx:
            return await imports.batches(tx, None, before=None, limit=200)

    async def _checker(self, asked: Asked) -> Checker:
        async with self._database.begin() as tx:
            if asked.organisation_id not in await every_organisation(tx):
                raise NotDone(f"there is no organisation {asked.organisation_id}")
            key = await secrets.ensure(tx, "import-checksums", self._envelope, self._entropy, self._clock.now())
        rules = Rules(
            organisation_id=asked.organisation_id,
            checksum_key=key,
            roles=asked.roles,
            locale=asked.locale,
            scheme=asked.scheme,
        )
        try:
            return Checker(rules)
        except KeyError:
            raise NotDone(f"there is no scheme {asked.scheme!r}; see docs/reference/password-hashes.md") from None

    @asynccontextmanager
    async def _alone(self, batch: Batch) -> AsyncIterator[None]:
        async with self._database.connect() as connection:
            if not await imports.hold(connection, batch.id):
                raise NotDone(f"somebody works on the batch {batch.id} in this moment")
            await connection.commit()  # the lock goes with the connection; an open transaction would stay in the way
            try:
                yield
            finally:
                await connection.invalidate()


@asynccontextmanager
async def every_import(
    settings: Settings, processes: int = 1, clock: Clock | None = None
) -> AsyncIterator[EveryImport]:
    """Everything it is made of; `processes` wrap weak hashes at once."""
    database, wrapping = open_database(settings, "idp"), Wrapping(processes)
    try:
        yield EveryImport(database, wrapping, Envelope.load(settings), clock or SystemClock(), SystemEntropy())
    finally:
        wrapping.close()
        await database.dispose()


def _given_up(batch: Batch, faults: Sequence[tuple[int, str]]) -> Brought:
    return Brought(Counts(read=batch.counts.read, unchanged=batch.counts.unchanged, refused=len(faults)))


def _tell(faults: Sequence[tuple[int, str]], faulty: Faulty) -> None:
    for line, what in faults:
        faulty(line, what)


def _at(file: BinaryIO, told: Callable[[int, Counts], None]) -> Told:
    return lambda counts: told(file.tell() if not file.closed else 0, counts)


async def land_left(every: EveryImport) -> int:
    """Bring to their end the batches that land and were interrupted; how many."""
    landed = 0
    for ident in await every.left_landing():
        with suppress(NotDone):  # somebody brings it to its end
            await every.land(ident)
            landed += 1
    return landed


async def _record(tx: Transaction, batch: Batch, kind: Kind, why: str, **more: object) -> None:
    event = AuditEvent(
        kind=kind,
        correlation_id=new_correlation_id(),
        actor=OPERATOR,
        subject=str(batch.id),
        details={
            "why": why,
            "organisation": str(batch.source.organisation_id),
            "file": batch.source.file_name,
            "sha256": batch.source.file_digest.hex(),
            **more,
        },
    )
    await trail.record(tx, event)
