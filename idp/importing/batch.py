"""A batch: one file brought into one organisation, how far it is, and what its storage must do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from idp.importing.person import Candidate

BatchState = Literal["running", "landing", "finished", "undone"]
ALL_OR_NOTHING = "all_or_nothing"
"""The option of a source."""
FAULTS_KEPT = 10_000
"""Of one batch; all of them are in the report that the command writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is brought, and how: two runs of the same source are one batch."""

    organisation_id: UUID
    file_name: str
    file_size: int
    file_digest: bytes
    format: str
    options: Mapping[str, object]

    @property
    def all_or_nothing(self) -> bool:
        """Whether everybody waits until it is sure of all of them."""
        return self.options.get(ALL_OR_NOTHING) is True


@dataclass(slots=True)
class Counts:
    """What became of people."""

    read: int = 0
    created: int = 0
    unchanged: int = 0
    refused: int = 0
    passwords: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of those created: by scheme, and how it lies (`kept`, `wrapped`, `hashed`)."""

    def add(self, other: Counts) -> None:
        """Add what became of others."""
        self.read += other.read
        self.created += other.created
        self.unchanged += other.unchanged
        self.refused += other.refused
        self.passwords += other.passwords

    def as_document(self) -> dict[str, dict[str, int]]:
        """Passwords by scheme, then by how they lie."""
        found: dict[str, dict[str, int]] = {}
        for (scheme, how), number in sorted(self.passwords.items()):
            found.setdefault(scheme, {})[how] = number
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch as it is kept."""

    id: UUID
    source: Source
    state: BatchState
    who: str
    why: str
    counts: Counts
    removed: int
    started_at: datetime
    ended_at: datetime | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is there already of a login name."""

    user_id: UUID
    checksum: bytes | None
    """Of one that was imported."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A candidate whose password is as it will lie."""

    person: Candidate
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """A person who was imported, as they are now."""

    login_name: str | None
    display_name: str
    email: str | None
    state: str
    roles: Sequence[str] | None
    """`None`: they left the organisation."""
    password_hash: str | None = field(repr=False)
    checksum: bytes
    batch_id: UUID


class Batches(Protocol):
    """Where batches are kept."""

    async def begin(self, tx: Transaction, ident: UUID, source: Source, who: str, why: str, now: datetime) -> Batch:
        """The batch of this source that is under way, or a new one."""

    async def finish(self, tx: Transaction, batch: UUID, now: datetime) -> bool:
        """It is at its end. False, and forgotten: it brought nothing that an earlier one of its source did not."""

    async def find(self, tx: Transaction, batch: UUID, *, claim: bool = False) -> Batch | None:
        """One; `claim`: nobody else changes it before the transaction is over."""

    async def known(self, tx: Transaction, names: Sequence[str], ids: Sequence[UUID]) -> Mapping[str, Known]:
        """Who has these names; and, by an empty name, whether somebody else has one of these ids."""

    async def keep(self, tx: Transaction, batch: Batch, people: Sequence[Ready], counts: Counts, now: datetime) -> None:
        """Keep people, and how far the batch is."""

    async def keep_faults(self, tx: Transaction, batch: UUID, faults: Sequence[tuple[int, str]]) -> None:
        """Keep what is wrong with lines, the first `FAULTS_KEPT` of them."""

    async def stored(self, tx: Transaction, ids: Sequence[UUID]) -> Mapping[UUID, Compared]:
        """People who were imported, to compare them with a file."""

    async def batches(
        self,
        tx: Transaction,
        organisations: Collection[UUID] | None,
        *,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Batch]:
        """Batches of some organisations, or of all, the newest first."""

    async def faults(self, tx: Transaction, batch: UUID, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """What is wrong with lines behind one."""

    async def count(self, tx: Transaction, batch: UUID) -> int:
        """How many people of a batch are there."""

    async def undone(self, tx: Transaction, batch: UUID, now: datetime) -> None:
        """Nobody of it is left who could be removed."""


class Surveyed(Protocol):
    """Where a survey remembers whom it saw: not in memory, which would grow with the file."""

    async def begin(self, tx: Transaction) -> None:
        """Remember nobody yet, for as long as this connection lives."""

    async def earlier(self, tx: Transaction, people: Sequence[Candidate]) -> Mapping[str, bytes]:
        """Who of these was seen: by their name, the checksum."""

    async def remember(self, tx: Transaction, people: Sequence[Candidate]) -> None:
        """They were seen."""


class Stage(Protocol):
    """Where the people of a batch that is all or nothing wait: they are nobody yet."""

    async def stage(
        self, tx: Transaction, batch: Batch, people: Sequence[Ready], counts: Counts, now: datetime
    ) -> None:
        """Have people wait, and keep how far the batch is."""

    async def earlier(self, tx: Transaction, batch: UUID, people: Sequence[Candidate]) -> Mapping[str, bytes]:
        """Who of these waits already: by their name, the checksum."""

    async def taken(self, tx: Transaction, batch: UUID, most: int) -> Sequence[tuple[int, str]]:
        """Whose names somebody has meanwhile: line and name."""

    async def land(self, tx: Transaction, batch: UUID) -> bool:
        """From now on nothing is looked at any more: everybody comes in. False: the batch was not running."""

    async def next(self, tx: Transaction, batch: UUID, most: int) -> Sequence[Ready]:
        """Take the next ones off it, in the order of the file."""

    async def empty(self, tx: Transaction, batch: UUID) -> None:
        """Forget whoever waits."""

    async def left_landing(self, tx: Transaction) -> Sequence[UUID]:
        """Batches that land, or did so when something interrupted them."""


class Removals(Protocol):
    """Where it is known who of a batch may be removed again."""

    async def undoable(self, tx: Transaction, batch: Batch, after: int, most: int) -> tuple[int, Sequence[UUID], int]:
        """Of the next people of a batch: their last line (0: there are none), who may be removed, held against any
        change, and how many may not."""

    async def remove(self, tx: Transaction, batch: UUID, ids: Sequence[UUID]) -> None:
        """Forget people whom `undoable` named."""

    async def why_left(self, tx: Transaction, batch: Batch, most: int) -> Sequence[tuple[int, str, str]]:
        """People of a batch who cannot be removed: line, login name, why."""
