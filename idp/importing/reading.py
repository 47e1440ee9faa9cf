"""Files of people, one by one: CSV, JSON lines, exports of Keycloak and Firebase, never more than a part in memory."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, Literal, get_args

import msgspec

from idp.importing import firebase, keycloak
from idp.importing.firebase import HashParameters
from idp.importing.person import Entry, Fault, Line
from idp.importing.streamed_json import NotJson, elements

Format = Literal["csv", "jsonl", "keycloak", "firebase"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
LONGEST_LINE = 64 * 1024
"""Bytes of a line."""
_YES, _NO = frozenset(("true", "1", "yes")), frozenset(("false", "0", "no", ""))
_COLUMNS: Final = frozenset(Entry.__struct_fields__)
_BY_SUFFIX: Final[Mapping[str, Format]] = MappingProxyType(
    {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "keycloak"}
)


class Unreadable(Exception):
    """A file of which nothing can be taken; the message says why."""


def format_of(path: Path) -> Format:
    """By the name of a file. Raises `Unreadable`."""
    if (found := _BY_SUFFIX.get(path.suffix.lower())) is None:
        raise Unreadable(f"{path.name}: say by --format whether it is {', '.join(FORMATS)}")
    return found


def read(file: BinaryIO, format: Format, firebase_hashes: HashParameters | None = None) -> Iterator[Line]:  # noqa: A002 - what it is called at the command line
    """Every person of a file, or what is wrong there. Raises `Unreadable` where nothing after it could be trusted."""
    if format == "keycloak":
        return _users(file, keycloak.entry_of)
    if format == "firebase":
        return _users(file, lambda user: firebase.entry_of(user, firebase_hashes))
    return _csv(file) if format == "csv" else _json_lines(file)


def _json_lines(file: BinaryIO) -> Iterator[Line]:
    decode = msgspec.json.Decoder(Entry).decode
    number = 0
    while content := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(content) > LONGEST_LINE and not content.endswith(b"\n"):
            while content and not content.endswith(b"\n"):
                content = file.readline(LONGEST_LINE)
            yield Line(number, Fault(f"the line is longer than {LONGEST_LINE} bytes"))
            continue
        content = content.removeprefix(b"\xef\xbb\xbf") if number == 1 else content
        if content.isspace():
            continue
        try:
            yield Line(number, decode(content))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield Line(number, Fault(_without_content(error)))


def _csv(file: BinaryIO) -> Iterator[Line]:
    csv.field_size_limit(LONGEST_LINE)
    rows = csv.reader(_lines_of(file), strict=True)
    columns: list[str] | None = None
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, Fault(str(error)))
            continue
        except UnicodeDecodeError as error:
            raise Unreadable(f"line {number}: it is not UTF-8") from error
        if not row:
            continue
        if columns is None:
            columns = [name.strip().lower() for name in row]
            unknown = [name for name in columns if name not in _COLUMNS]
            if unknown or "login_name" not in columns or len(set(columns)) < len(columns):
                raise Unreadable(
                    f"line 1: the first line names columns, each once, login_name among them; there are "
                    f"{', '.join(Entry.__struct_fields__)}"
                )
            continue
        yield Line(number, _of_row(columns, row))


def _lines_of(file: BinaryIO) -> Iterator[str]:
    return codecs.iterdecode(iter(lambda: file.readline(LONGEST_LINE), b""), "utf-8-sig")


def _of_row(columns: list[str], row: list[str]) -> Entry | Fault:
    if len(row) != len(columns):
        return Fault(f"{len(row)} fields where the first line names {len(columns)}")
    said: dict[str, object] = dict(zip(columns, row, strict=True))
    verified = str(said.get("email_verified", "")).strip().lower()
    if verified not in _YES | _NO:
        return Fault("email_verified: true or false is expected")
    said["email_verified"] = verified in _YES
    said["roles"] = str(said.get("roles", "")).split()
    for name in ("locale", "state"):
        if not said.get(name):
            said.pop(name, None)
    try:
        return msgspec.convert(said, Entry)
    except msgspec.ValidationError as error:
        return Fault(_without_content(error))


def _users(file: BinaryIO, entry_of: Callable[[Any], Entry]) -> Iterator[Line]:
    try:
        for number, user in elements(file, "users"):
            try:
                yield Line(number, entry_of(user))
            except Fault as fault:
                yield Line(number, fault)
    except NotJson as error:
        raise Unreadable(f"line {error.line}: {error}") from error


def _without_content(error: Exception) -> str:
    """What msgspec says of types and places; what it says of JSON itself may quote the line."""
    if isinstance(error, msgspec.ValidationError):
        return str(error).replace("$.", "").replace("`", "")
    return "the line is no JSON object"
