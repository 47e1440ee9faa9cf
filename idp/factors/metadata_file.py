"""The file of the metadata: looked at while running, taken up whole or not at all; a damaged one leaves the old in use.

A document with a lower number than the one in use is an older one put back, and is refused, too.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509

from config.clock import Clock
from config.settings import Settings
from idp.factors.metadata import LARGEST, DamagedMetadata, Metadata, Model, read

_log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 5.0
"""Seconds."""
_Mark = tuple[int, int, int]


class MetadataFile:
    """What is known of models now; without a file, nothing is."""

    def __init__(self, path: Path | None, *, roots: Path | None, signer: str, clock: Clock) -> None:
        """`roots`: certificates (PEM) that the document's lead to; `signer`: whom its own is made out to."""
        self._path = path
        self._roots = x509.load_pem_x509_certificates(roots.read_bytes()) if path is not None and roots else []
        self._signer = signer
        self._clock = clock
        self._seen: _Mark | None = None
        self.current: Metadata | None = None
        """The last good one."""
        self.refused = ""
        """Why the file as it is now is not used; empty: it is, or there is none."""

    def model(self, aaguid: str) -> Model | None:
        """What is known of a model, of a document that is out of date, too: what it says of it stays true."""
        return self.current.models.get(aaguid) if self.current is not None else None

    def refused_model(self, aaguid: str) -> str:
        """The status for which a model is believed no more; empty: it is."""
        model = self.model(aaguid)
        return model.refused(self._clock.now().astimezone(UTC).date()) if model is not None else ""

    def name_of(self, aaguid: str) -> str:
        """What its maker calls a model; empty: unknown."""
        model = self.model(aaguid)
        return model.name if model is not None else ""

    async def look(self, *, tell: bool = True) -> None:
        """Take the file up if it changed, and tell the log. A large one must not hold up the loop."""
        if self._path is None:
            return
        mark = _mark(self._path)
        if mark == self._seen:
            return
        self._seen = mark
        try:
            least = self.current.number if self.current is not None else 0
            found = await asyncio.to_thread(self._read, self._path, self._clock.now(), least)
        except (DamagedMetadata, OSError) as error:
            self.refused = str(error) if isinstance(error, DamagedMetadata) else type(error).__name__
        else:
            self.current, self.refused = found, ""
        if tell:
            self._tell()

    def _tell(self) -> None:
        if self.refused:
            _log.error("passkey_metadata_refused", reason=self.refused, kept=self.current is not None)
        elif self.current is not None:
            known = {"number": self.current.number, "models": len(self.current.models)}
            _log.info("passkey_metadata_taken_up", **known, until=str(self.current.next_update))
            if not self.current.is_current(self._clock.now()):
                _log.warning("passkey_metadata_out_of_date", **known, due=str(self.current.next_update))

    async def keep(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            await self.look()
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    def _read(self, path: Path, now: datetime, least: int) -> Metadata:
        with path.open("rb") as file:
            found = read(file.read(LARGEST + 1), roots=self._roots, expected_signer=self._signer, now=now)
        if found.number < least:
            raise DamagedMetadata("an older one than the one in use")
        return found


def _mark(path: Path) -> _Mark:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def metadata_file(settings: Settings, clock: Clock) -> MetadataFile:
    """As the settings say; read by the first look."""
    idp = settings.idp
    return MetadataFile(
        idp.passkey_metadata, roots=idp.passkey_metadata_roots, signer=idp.passkey_metadata_signer, clock=clock
    )
