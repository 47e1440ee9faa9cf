"""A file that is to be brought in, and how its people are taken."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from idp.importing.batch import ALL_OR_NOTHING, Batch, Source
from idp.importing.firebase import HashParameters
from idp.importing.reading import FORMATS, Format

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A file, and how its people are taken."""

    path: Path
    format: Format
    organisation_id: UUID
    roles: Sequence[str] = ()
    locale: str = "ko"
    scheme: str | None = None
    firebase_hashes: HashParameters | None = None
    all_or_nothing: bool = False
    """Where something is wrong with anybody nothing is kept."""

    @property
    def options(self) -> dict[str, object]:
        """What makes another batch of the same file."""
        options: dict[str, object] = {"roles": list(self.roles), "locale": self.locale, "scheme": self.scheme}
        return {**options, ALL_OR_NOTHING: True} if self.all_or_nothing else options


def asked_again(batch: Batch, path: Path, firebase_hashes: HashParameters | None) -> Asked:
    """A file by the options of a batch."""
    options: Mapping[str, object] = batch.source.options
    [named] = [one for one in FORMATS if one == batch.source.format]
    roles, scheme = options.get("roles"), options.get("scheme")
    return Asked(
        path=path,
        format=named,
        organisation_id=batch.source.organisation_id,
        roles=[str(role) for role in roles] if isinstance(roles, list) else (),
        locale=str(options.get("locale", "ko")),
        scheme=str(scheme) if scheme else None,
        firebase_hashes=firebase_hashes,
    )


def source_of(asked: Asked) -> Source:
    """What its batch is known by."""
    return Source(
        organisation_id=asked.organisation_id,
        file_name=asked.path.name,
        file_size=asked.path.stat().st_size,
        file_digest=digest_of(asked.path),
        format=asked.format,
        options=asked.options,
    )


def digest_of(path: Path) -> bytes:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in _blocks(file):
            digest.update(block)
    return digest.digest()


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block
