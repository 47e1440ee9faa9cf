"""The tables of a compiled policy while they are written; `policy.snapshot.layout` reads them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from zlib import crc32

import msgspec

from policy.snapshot.layout import Span

_packer = msgspec.msgpack.Encoder(order="deterministic")
packed = _packer.encode


class WordTable:
    """Words with a number each, in spans."""

    def __init__(self) -> None:
        self._checks, self._starts, self._values = array("I"), array("I", [0]), array("I")
        self._texts = bytearray()

    def add(self, words: Mapping[str, int]) -> Span:
        """A span of words, with the number that each leads to."""
        first = len(self._checks)
        if not words:
            return first, first
        rows = [(crc32(text := word.encode()), text, number) for word, number in words.items()]
        rows.sort()
        for check, text, number in rows:
            self._checks.append(check)
            self._texts += text
            self._starts.append(len(self._texts))
            self._values.append(number)
        return first, len(self._checks)

    def places(self, span: Span) -> dict[str, int]:
        """Where the words of a span stand."""
        starts, texts = self._starts, self._texts
        return {texts[starts[place] : starts[place + 1]].decode(): place for place in range(*span)}

    def value(self, place: int) -> int:
        """The number that a word leads to."""
        return self._values[place]

    def sections(self) -> tuple[bytes, ...]:
        return self._checks.tobytes(), self._starts.tobytes(), bytes(self._texts), self._values.tobytes()


class RecordTable:
    """Things in MessagePack."""

    def __init__(self) -> None:
        self._starts, self._bytes = array("Q", [0]), bytearray()

    def add(self, thing: object) -> int:
        """Store a thing; the number of its record."""
        _packer.encode_into(thing, self._bytes, -1)
        self._starts.append(len(self._bytes))
        return len(self._starts) - 2

    def add_all(self, things: Iterable[object]) -> Span:
        """Store things one after the other."""
        first = len(self._starts) - 1
        for thing in things:
            self.add(thing)
        return first, len(self._starts) - 1

    def bytes_of(self, number: int) -> bytes:
        """A record that was stored."""
        return bytes(self._bytes[self._starts[number] : self._starts[number + 1]])

    def sections(self) -> tuple[bytes, ...]:
        return self._starts.tobytes(), bytes(self._bytes)
