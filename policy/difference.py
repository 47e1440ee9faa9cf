"""What one policy says that another does not: by rule, zone, role and all else it has, and as lines to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from policy import casbin_lines
from policy.artefact import Inheritance, Policy, Rule

NAMED = 20
"""Ids that a summary names of each kind; of the others it has the number."""


class Change(msgspec.Struct, frozen=True):
    """One thing that is in one of two policies alone, or says something else in each."""

    id: str
    change: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None


class Difference(msgspec.Struct, frozen=True):
    """All that changes, each kind in the order of its ids."""

    version: int
    against: int | None
    """The version it was compared with; null: with nothing, since none is published."""
    rules: tuple[Change, ...]
    zones: tuple[Change, ...]
    roles: tuple[Change, ...]
    inheritance: tuple[Change, ...]
    organisations: tuple[Change, ...]
    assignments: tuple[Change, ...]
    resources: tuple[Change, ...]
    tests: tuple[Change, ...]
    others: dict[str, tuple[Change, ...]]
    """By the name of whatever else a policy has."""
    text: str
    """Lines that begin with `-` (as it was) and `+` (as it is); rules and inheritance are lines of a policy file."""


_OWN_FIELD = frozenset(Difference.__struct_fields__) - {"version", "against", "others", "text"}


def changes(before: Policy, after: Policy) -> dict[str, tuple[Change, ...]]:
    """By the name of each part of a policy what changed in it."""
    return {
        part: _changed(_by_id(getattr(before, part)), _by_id(getattr(after, part))) for part in Policy.__struct_fields__
    }


def difference(before: Policy | None, after: Policy, *, version: int, against: int | None) -> Difference:
    """Compare a policy with an earlier one, or with nothing."""
    found = changes(before or Policy((), (), ()), after)
    own = {part: found.get(part, ()) for part in _OWN_FIELD}
    others = {part: made for part, made in found.items() if part not in _OWN_FIELD and made}
    return Difference(**own, version=version, against=against, others=others, text="".join(_lines(found)))


def summary(before: Policy | None, after: Policy) -> dict[str, object]:
    """The difference in short, for the record: of each part that changed how much, and the first ids."""
    found = changes(before or Policy((), (), ()), after)
    return {part: _in_short(made) for part, made in found.items() if made}


def _in_short(made: tuple[Change, ...]) -> dict[str, object]:
    short: dict[str, object] = {}
    for kind in ("added", "removed", "changed"):
        ids = [change.id for change in made if change.change == kind]
        if ids:
            short[kind] = {"count": len(ids), "ids": ids[:NAMED]}
    return short


def _by_id(part: object) -> dict[str, object]:
    if isinstance(part, Mapping):
        return dict(part)
    assert isinstance(part, tuple)
    return {_id(each): each for each in part}


def _id(thing: object) -> str:
    if isinstance(thing, str):
        return thing
    named = getattr(thing, "id", None) or getattr(thing, "name", None)
    if isinstance(named, str):
        return named
    assert isinstance(thing, msgspec.Struct)
    return " ".join(str(value) for value in msgspec.structs.astuple(thing))


def _changed(before: dict[str, object], after: dict[str, object]) -> tuple[Change, ...]:
    made = []
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            made.append(Change(key, "added", after=after[key]))
        elif key not in after:
            made.append(Change(key, "removed", before=before[key]))
        elif before[key] != after[key]:
            made.append(Change(key, "changed", before[key], after[key]))
    return tuple(made)


def _lines(found: Mapping[str, tuple[Change, ...]]) -> Iterator[str]:
    for part, made in found.items():
        for change in made:
            for sign, side in (("-", change.before), ("+", change.after)):
                if side is not None:
                    yield f"{sign} {_line(part, change.id, side)}\n"


def _line(part: str, key: str, thing: object) -> str:
    if isinstance(thing, Rule):
        return casbin_lines.write((thing,), ()).rstrip("\n")
    if isinstance(thing, Inheritance):
        return casbin_lines.write((), (thing,)).rstrip("\n")
    if isinstance(thing, str):
        return f"{part} {thing}"
    return f"{part} {key} {msgspec.json.encode(thing, order='sorted').decode()}"
