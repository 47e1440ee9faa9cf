"""A file compared with what is stored of it: counts and checksums on both sides, and who differs in what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal
from uuid import UUID

from config.connections import Database
from idp.credentials.legacy_hashes.stored import is_legacy
from idp.importing.batch import Batches, Compared, Counts, Surveyed
from idp.importing.importer import CHUNK, Faulty, Told
from idp.importing.person import Candidate, Checker, Fault, Line

_SUM = 1 << 256

Verdict = Literal["same", "changed", "differs"]


@dataclass(slots=True)
class Side:
    """People, and the sum of their checksums, which no order changes."""

    people: int = 0
    total: int = 0

    def add(self, checksum: bytes) -> None:
        """One more."""
        self.people += 1
        self.total = (self.total + int.from_bytes(checksum, "big")) % _SUM

    @property
    def checksum(self) -> str:
        """As it is shown."""
        return f"{self.total:064x}"


@dataclass(slots=True)
class Integrity:
    """What a comparison found."""

    file: Side = field(default_factory=Side)
    stored: Side = field(default_factory=Side)
    """Of the people of the file, and of those of the batch whom the file lacks only the number, `not_in_file`."""
    same: int = 0
    signed_in: int = 0
    """Of `same`: those whose hash was replaced by today's since."""
    changed: int = 0
    """Imported as the file says, and changed here since."""
    differs: int = 0
    missing: int = 0
    refused: int = 0
    """Lines that are no people: an import keeps nothing of them."""
    not_in_file: int = 0

    @property
    def sound(self) -> bool:
        """Whether everybody of the file is there as it says, and nobody else."""
        alike = self.file.people == self.stored.people and self.file.total == self.stored.total
        return alike and not (self.differs or self.missing or self.not_in_file)


async def compare(
    database: Database,
    batches: Batches,
    surveyed: Surveyed,
    batch: UUID,
    lines: Iterator[Line],
    checker: Checker,
    told: Told,
    faulty: Faulty,
) -> Integrity:
    """Compare the people of a file with those that are stored; `faulty` hears of each who is not the same."""
    found, of_batch, seen = Integrity(), 0, Counts()
    async with database.connect() as connection:
        try:
            await surveyed.begin(connection)
            while chunk := list(islice(lines, CHUNK)):
                people = _people(chunk, checker, found, faulty)
                stored = await batches.stored(connection, [one.user_id for one in people])
                earlier = set(await surveyed.earlier(connection, people)) if people else set()
                first = []
                for one in people:
                    known = stored.get(one.user_id)
                    found.file.add(one.checksum)
                    if known is None:
                        found.missing += 1
                        faulty(one.line, f"{one.login_name}: is not there")
                        continue
                    found.stored.add(known.checksum)
                    if one.login_name not in earlier:  # whose line comes twice is one person
                        earlier.add(one.login_name)
                        first.append(one)
                        of_batch += known.batch_id == batch
                    _judge(one, known, found, faulty)
                await surveyed.remember(connection, first)
                await connection.commit()
                seen.read += len(chunk)
                told(seen)
        finally:
            await connection.invalidate()  # what it remembers goes with it
    async with database.connect() as tx:
        found.not_in_file = await batches.count(tx, batch) - of_batch
    return found


def _people(chunk: Sequence[Line], checker: Checker, found: Integrity, faulty: Faulty) -> list[Candidate]:
    people = []
    for line in chunk:
        try:
            if isinstance(line.read, Fault):
                raise line.read
            people.append(checker.check(line.number, line.read))
        except Fault as fault:
            found.refused += 1
            faulty(line.number, str(fault))
    return people


def _judge(one: Candidate, known: Compared, found: Integrity, faulty: Faulty) -> None:
    if known.checksum != one.checksum:
        found.differs += 1
        faulty(one.line, f"{one.login_name}: was imported with other data")
        return
    changed = _changed_since(one, known)
    if changed:
        found.changed += 1
        faulty(one.line, f"{one.login_name}: changed since: {', '.join(changed)}")
        return
    found.same += 1
    if one.secret is not None and one.secret.how != "hashed" and not is_legacy(known.password_hash or "$"):
        found.signed_in += 1


def _changed_since(one: Candidate, known: Compared) -> list[str]:
    now = {
        "login_name": known.login_name == one.login_name,
        "display_name": known.display_name == one.display_name,
        "email": known.email == one.email,
        "state": known.state == one.state,
        "roles": known.roles is not None and list(known.roles) == list(one.roles),
        "password": _is_its_hash(one, known.password_hash),
    }
    return [name for name, alike in now.items() if not alike]


def _is_its_hash(one: Candidate, stored: str | None) -> bool:
    """Whether it lies as it was imported, or was replaced at a sign-in."""
    if one.secret is None or stored is None:
        return one.secret is None and stored is None
    if not is_legacy(stored):
        return True
    if one.secret.how == "kept":
        return stored == one.secret.stored
    split = one.secret.split
    return split is not None and stored.startswith(f"wrapped {one.secret.scheme} {split.setting} ")
