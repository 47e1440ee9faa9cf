"""Lines of a Casbin policy file, taken apart as pycasbin's own reader does: at commas outside of brackets."""

from __future__ import annotations

import re

import msgspec

from policy.casbin_lines import MOST_ERRORS, MOST_LINES, LineError, WrongLines

LONGEST = 4000
"""Characters of one line."""
_INTERESTING = re.compile(r"[,\[\]()]")
_CLOSES = {")": "(", "]": "["}


class Line(msgspec.Struct, frozen=True):
    """One line that says something."""

    number: int
    kind: str
    values: tuple[str, ...]


def split(text: str) -> list[Line]:
    """All lines. Raises `WrongLines`."""
    lines: list[Line] = []
    errors: list[LineError] = []
    raw = text.splitlines()
    if len(raw) > MOST_LINES:
        raise WrongLines((LineError(MOST_LINES + 1, f"a policy file has at most {MOST_LINES} lines"),))
    for number, line in enumerate(raw, start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            kind, *values = _tokens(stripped)
            lines.append(Line(number, kind, tuple(values)))
        except ValueError as error:
            errors.append(LineError(number, str(error)))
            if len(errors) == MOST_ERRORS:
                break
    if errors:
        raise WrongLines(tuple(errors))
    return lines


def _tokens(line: str) -> list[str]:
    if len(line) > LONGEST:
        raise ValueError(f"a line has at most {LONGEST} characters")
    if not line.isprintable():
        raise ValueError("a line has printable characters only")
    open_brackets: list[str] = []
    tokens: list[str] = []
    start = 0
    for found in _INTERESTING.finditer(line):
        mark = found[0]
        if mark in "[(":
            open_brackets.append(mark)
        elif mark in _CLOSES:
            if not open_brackets or open_brackets.pop() != _CLOSES[mark]:
                raise ValueError(f"a {mark!r} closes nothing")
        elif not open_brackets:
            tokens.append(line[start : found.start()].strip())
            start = found.end()
    if open_brackets:
        raise ValueError("a bracket is not closed")
    tokens.append(line[start:].strip())
    if any(token.startswith('"') for token in tokens):
        raise ValueError("quotes around a value: Casbin's readers take them for a part of it, or not")
    return tokens
