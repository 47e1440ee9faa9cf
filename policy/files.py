"""A policy as the files of a folder, to be kept beside other sources: `rules.csv` (lines of a Casbin policy: rules,
inheritance, assignments, resources) and `policy.toml` (all else: roles, zones, organisations, tests)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from policy import casbin_lines
from policy.artefact import Policy
from policy.casbin_lines import Lines, WrongLines

RULES: Final = "rules.csv"
REST: Final = "policy.toml"
_IN_LINES = frozenset(casbin_lines.Lines.__struct_fields__)
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


class WrongFiles(ValueError):
    """Files that are no policy, with each fault as (file, line or 0, message)."""

    def __init__(self, faults: tuple[tuple[str, int, str], ...]) -> None:
        super().__init__("; ".join(f"{file}:{line}: {message}" for file, line, message in faults[:10]))
        self.faults = faults


def write(policy: Policy) -> dict[str, str]:
    """The files of a policy, by their names; `read` gives the same policy back."""
    rest = {
        name: part
        for name in Policy.__struct_fields__
        if name not in _IN_LINES and (part := msgspec.to_builtins(getattr(policy, name))) not in ([], {}, ())
    }
    return {RULES: casbin_lines.of_policy(policy), REST: "".join(_toml(rest))}


def read(files: Mapping[str, str]) -> tuple[Policy, Lines]:
    """The policy that files are, and where its rules stand. Raises `WrongFiles`."""
    try:
        lines = casbin_lines.read(files.get(RULES, ""))
    except WrongLines as error:
        raise WrongFiles(tuple((RULES, each.line, each.message) for each in error.errors)) from error
    try:
        rest = tomllib.loads(files.get(REST, ""))
        doubled = sorted(_IN_LINES & rest.keys())
        if doubled:
            raise WrongFiles(((REST, 0, f"`{doubled[0]}` stands in {RULES}, not here"),))
        said = {name: getattr(lines, name) for name in _IN_LINES - {"where"}}
        return msgspec.convert({"roles": (), "zones": (), **rest, **said}, Policy), lines
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise WrongFiles(((REST, 0, str(error)),)) from error


def _toml(document: Mapping[str, object]) -> Iterator[str]:
    """TOML 1.0: lists of tables as such, an entry of them on each line, whatever is deeper in one line."""
    for name, value in document.items():
        if not _tables(value) and not isinstance(value, dict):
            yield f"{_key(name)} = {_inline(value)}\n"
    for name, value in document.items():
        if isinstance(value, dict):
            for key, entry in value.items():
                yield f"\n[{_key(name)}.{_key(key)}]\n"
                yield from _entries(entry)
        elif _tables(value):
            for entry in value:  # type: ignore[attr-defined] # a list, then
                yield f"\n[[{_key(name)}]]\n"
                yield from _entries(entry)


def _tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _entries(table: Mapping[str, object]) -> Iterator[str]:
    for name, value in table.items():
        if value is not None:
            yield f"{_key(name)} = {_inline(value)}\n"


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_inline(each)}" for name, each in value.items() if each is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_inline(each) for each in value)}]"
    if isinstance(value, float):
        return repr(value)
    # a string of JSON is a basic string of TOML, but for DEL
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name and _BARE.issuperset(name) else _inline(name)
