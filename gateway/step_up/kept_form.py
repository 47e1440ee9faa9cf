"""A form as it was sent, read so that a page can send the very same one again (HTML, section 4.10.21; RFC 7578)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

LIMIT = 64 * 1024
"""Bytes of a body that are kept."""
FIELDS = 1000
URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class NotKept(Exception):
    """The form cannot be sent again by a page: it holds a file, is too large, or is of another kind."""


@dataclass(frozen=True, slots=True)
class Field:
    """One entry, in the order in which it was sent."""

    name: str
    value: str
    file: bool = False
    """A choice of files that was left empty, which sends an entry all the same."""


@dataclass(frozen=True, slots=True)
class KeptForm:
    """All of it."""

    enctype: Literal["application/x-www-form-urlencoded", "multipart/form-data"]
    fields: tuple[Field, ...]


def read_form(content_type: str, body: bytes) -> KeptForm:
    """Read a whole body. Raises `NotKept`."""
    if len(body) > LIMIT:
        raise NotKept("larger than is kept")
    kind, options = parse_options_header(content_type)
    if not body:
        return KeptForm(URLENCODED, ())
    if kind == URLENCODED.encode():
        return KeptForm(URLENCODED, _sound(_urlencoded(body)))
    if kind == MULTIPART.encode() and options.get(b"boundary"):
        return KeptForm(MULTIPART, _sound(_multipart(body, options[b"boundary"])))
    raise NotKept("not a form")


def _sound(fields: list[Field]) -> tuple[Field, ...]:
    """A page cannot hold NUL (HTML, section 13.2.5), and sends no entry without a name."""
    if any(not field.name or "\0" in field.name or "\0" in field.value for field in fields):
        raise NotKept("an entry that no page sends")
    return tuple(fields)


def _urlencoded(body: bytes) -> list[Field]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=FIELDS
        )
    except ValueError as error:  # not UTF-8, or too many
        raise NotKept("not readable") from error
    return [Field(name, value) for name, value in pairs]


def _multipart(body: bytes, boundary: bytes) -> list[Field]:
    parts = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_part_data": parts.data,
                "on_part_end": parts.end,
                "on_end": parts.finish,
            },
        )
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise NotKept("not readable") from error
    if not parts.finished:
        raise NotKept("cut short")
    return parts.fields


class _Parts:
    """What the parser calls."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.finished = False
        self.begin()

    def begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._content: list[bytes] = []

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        content = b"".join(self._content)
        file = b"filename" in options
        if file and (options[b"filename"] or content):
            raise NotKept("a file")
        if len(self.fields) >= FIELDS:
            raise NotKept("too many entries")
        try:
            self.fields.append(Field(options.get(b"name", b"").decode(), content.decode(), file))
        except UnicodeDecodeError as error:
            raise NotKept("not UTF-8") from error

    def finish(self) -> None:
        self.finished = True
