"""The sandbox's books on disk: one line of JSON an entry, so that it finds everything again after a restart."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from upstreams.trade.payments.sandbox.bank import AnyEntry, Bank

_decoder = msgspec.json.Decoder(AnyEntry)


class Books:
    """A file that is only added to."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b")

    def keep(self, entry: AnyEntry) -> None:
        """Write an entry down, for good."""
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def bank(self, name: Callable[[], str]) -> Bank:
        """The bank as the books have it; a line that was cut off by a crash was never answered, and is left out."""
        bank = Bank(self.keep, name)
        self._file.seek(0)
        whole = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            bank.read(_decoder.decode(line))
        self._file.truncate(whole)
        return bank

    def close(self) -> None:
        self._file.close()
