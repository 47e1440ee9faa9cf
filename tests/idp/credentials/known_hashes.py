"""The known hashes of `legacy_hashes.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hash, its password, and where both stand."""

    scheme: str
    password: str
    hash: str
    source: str


def known_hashes() -> list[Known]:
    """All of them."""
    said = tomllib.loads(Path(__file__).with_name("legacy_hashes.toml").read_text(encoding="utf-8"))
    return msgspec.convert(said["known"], list[Known])
