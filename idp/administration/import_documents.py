"""Imports of people, as the API says and asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Why
from idp.importing.batch import BatchState

PastLine = Annotated[int, Meta(ge=0, lt=2**53)]


class ImportEntry(Struct, frozen=True, kw_only=True):
    """One file that was brought into one organisation."""

    id: UUID
    organisation_id: UUID
    file: str
    """What it was called."""
    size: int
    """Bytes."""
    sha256: str
    format: str
    state: BatchState
    who: str
    why: str
    read: int
    """People of the file that were looked at."""
    created: int
    unchanged: int
    """Those who were there already, as the file has them."""
    refused: int
    removed: int
    """Those who were taken out again."""
    passwords: Mapping[str, Mapping[str, int]]
    """Of those created: how many of each scheme lie how (`kept`, `wrapped`, `hashed`)."""
    started_at: datetime
    ended_at: datetime | None
    undone_at: datetime | None


class ImportList(Struct, frozen=True):
    imports: tuple[ImportEntry, ...]
    next: str | None


class ImportFault(Struct, frozen=True):
    """What is wrong with somebody."""

    line: int
    what: str


class ImportFaultList(Struct, frozen=True):
    """The first of them; the report that the command writes has all."""

    faults: tuple[ImportFault, ...]
    next: str | None


class UndoRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Take the next people out, those behind a line."""

    why: Why
    after: PastLine = 0
    """`next` of the answer before."""


class Undone(Struct, frozen=True):
    """What became of some hundreds of them; whoever signed in stays."""

    removed: int
    left: int
    next: int | None
    """Ask again with this; null: there is nobody else."""
