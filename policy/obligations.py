"""What an allowed request is obliged to, and what several obligations come to together: the smallest privilege."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110, section 9.2.1; TRACE is never forwarded."""
READ_ONLY = "read_only"
LIMIT = "limit:"
METHODS = "methods:"
SCOPES = "scopes:"
JOINT = "|"


def narrowest(obligations: Iterable[str]) -> tuple[str, ...]:
    """Several obligations as one set: what any of them takes is taken, in the order in which each kind came first.

    Methods and scopes are what all of them leave, maybe nothing (`scopes:`); of limits the lowest holds.
    """
    merged: dict[str, str] = {}
    for obligation in obligations:
        kind = next((each for each in (METHODS, SCOPES, LIMIT) if obligation.startswith(each)), obligation)
        known = merged.get(kind)
        merged[kind] = obligation if known is None else _smaller(kind, known, obligation)
    return tuple(merged.values())


def _smaller(kind: str, one: str, other: str) -> str:
    if kind == LIMIT:
        return min(one, other, key=_number)
    if kind in (METHODS, SCOPES):
        others = _values(kind, other)
        return kind + JOINT.join(value for value in _values(kind, one) if value in others)
    return one


def _number(limit: str) -> int:
    """Requests a minute; what is no number lets nothing through, so it is the lowest."""
    text = limit.removeprefix(LIMIT)
    return int(text) if text.isascii() and text.isdecimal() else 0


def _values(kind: str, obligation: str) -> list[str]:
    return [value for value in obligation.removeprefix(kind).split(JOINT) if value]


def permits(obligations: Iterable[str], method: str) -> bool:
    """Whether a method is left."""
    for obligation in obligations:
        if obligation == READ_ONLY:
            if method not in SAFE_METHODS:
                return False
        elif obligation.startswith(METHODS) and method not in _values(METHODS, obligation):
            return False
    return True


def names_other_methods(obligations: Iterable[str], method: str) -> bool:
    """Whether `methods:` is among them, without this one."""
    return any(
        obligation.startswith(METHODS) and method not in _values(METHODS, obligation) for obligation in obligations
    )


def methods_left(obligations: Sequence[str], common: Sequence[str] = ("GET", "HEAD", "OPTIONS")) -> tuple[str, ...]:
    """The methods that are left, for `Allow` (RFC 9110, section 10.2.1): those that are named, or else of `common`."""
    named = [_values(METHODS, obligation) for obligation in obligations if obligation.startswith(METHODS)]
    candidates: Sequence[str] = named[0] if named else common
    return tuple(method for method in candidates if permits(obligations, method))


def scopes_left(obligations: Iterable[str]) -> frozenset[str] | None:
    """The scopes that an upstream may be told of; None: any."""
    left: frozenset[str] | None = None
    for obligation in obligations:
        if obligation.startswith(SCOPES):
            named = frozenset(_values(SCOPES, obligation))
            left = named if left is None else left & named
    return left
