"""The smallest database in MaxMind's format: one record for every address (MaxMind DB specification 2.0)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_MARKER = b"\xab\xcd\xefMaxMind.com"


def written_database(file: Path, record: Mapping[str, object], *, ip_version: int = 6) -> Path:
    """Write a tree whose branches end at `record`; one for IPv6 is as deep as where its IPv4 begins (::/96)."""
    nodes = 97 if ip_version == 6 else 1
    to_record, to_nothing = (nodes + 16).to_bytes(3, "big"), nodes.to_bytes(3, "big")
    chain = [(node + 1).to_bytes(3, "big") + (to_record if node < 95 else to_nothing) for node in range(nodes - 1)]
    tree = b"".join(chain) + to_record * 2
    metadata = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1781726061,
        "database_type": "Test",
        "ip_version": ip_version,
        "languages": [],
        "description": {},
        "node_count": nodes,
        "record_size": 24,
    }
    file.write_bytes(tree + bytes(16) + _encoded(record) + _MARKER + _encoded(metadata))
    return file


def _encoded(value: object) -> bytes:
    if isinstance(value, str):
        content = value.encode()
        return _head(2, len(content)) + content
    if isinstance(value, int):
        content = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _head(6, len(content)) + content
    if isinstance(value, Mapping):
        pairs = (_encoded(key) + _encoded(inner) for key, inner in value.items())
        return _head(7, len(value)) + b"".join(pairs)
    assert isinstance(value, list)
    return _head(11, len(value)) + b"".join(_encoded(inner) for inner in value)


def _head(kind: int, size: int) -> bytes:
    """Type and size; kinds beyond seven follow in a byte of their own, and sizes beyond 28 likewise."""
    if size < 29:
        control, more = size, b""
    elif size < 285:
        control, more = 29, bytes([size - 29])
    else:
        control, more = 30, (size - 285).to_bytes(2, "big")
    if kind <= 7:
        return bytes([kind << 5 | control]) + more
    return bytes([control, kind - 7]) + more
