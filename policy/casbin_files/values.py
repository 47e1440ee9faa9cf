"""What the values of a Casbin policy line are here: paths for objects, methods for actions.

Every translation is exact or refused: a pattern that means a little more or less here is not taken.
"""

from __future__ import annotations

import re

from policy import path_pattern
from policy.artefact import ANY

_PLAIN = re.compile(r"[A-Za-z0-9_~!&',;=@%/-]*")
"""Of paths, what means itself in Casbin's regular expressions and here."""
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()+,;=@%/-]*")
_METHOD = re.compile(r"[A-Z]{1,32}")
_METHODS = re.compile(r"\^?\(?(?:\(?[A-Z]{1,32}\)?)(?:\|\(?[A-Z]{1,32}\)?)*\)?\$?")
KNOWN = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""None of them begins another, so that an expression without an end anchor means no more of them than it says."""


class WrongValue(ValueError):
    """A value that has no exact meaning here."""


def path(value: str, how: str) -> str:
    """The path pattern of an object. Raises `WrongValue`."""
    slashed = value if value.startswith("/") else f"/{value}"
    match how:
        case "==":
            pattern = slashed if _LITERAL.fullmatch(value) else ""
        case "keyMatch":
            pattern = _key_match(value, slashed)
        case "keyMatch2":
            pattern = _with_names(value, slashed, re.compile(r":[A-Za-z_][A-Za-z0-9_]*"))
        case "keyMatch3":
            pattern = _with_names(value, slashed, re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}"))
        case _:
            pattern = ""
    if not value or not pattern:
        raise WrongValue(f"the object {value[:100]!r} has no exact path here ({how})")
    try:
        path_pattern.parse(pattern)
    except path_pattern.WrongPattern as error:
        raise WrongValue(f"the object {value[:100]!r}: {error}") from error
    return pattern


def _key_match(value: str, slashed: str) -> str:
    if value == "*":
        return "/**"
    head = slashed.removesuffix("*")
    if head != slashed and not head.endswith("/"):
        return ""
    return slashed if _LITERAL.fullmatch(head) else ""


def _with_names(value: str, slashed: str, name: re.Pattern[str]) -> str:
    if value == "*":
        return ""
    head = slashed.removesuffix("/*")
    parts = ["" if name.fullmatch(part) else part for part in head.split("/")]
    if not all(_PLAIN.fullmatch(part) for part in parts):
        return ""
    named = [":" + part.strip(":{}") if name.fullmatch(part) else part for part in head.split("/")]
    return "/".join(named) + slashed[len(head) :]


def methods(value: str, how: str, named: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The methods of an action. `named`: those of actions that are no method. Raises `WrongValue`."""
    if how == "regexMatch":
        if value in (".*", "^.*$", "(.*)"):
            return (ANY,)
        if _METHODS.fullmatch(value) and value.count("(") == value.count(")"):
            expression = re.compile(value)
            found = tuple(method for method in KNOWN if expression.match(method))
            if set(found) == set(re.findall(r"[A-Z]+", value)):
                return found
    elif how == "keyMatch" and value == ANY:
        return (ANY,)
    elif how in ("==", "keyMatch", "keyMatch2", "keyMatch3"):
        if value in named:
            return named[value]
        if _METHOD.fullmatch(value):
            return (value,)
    raise WrongValue(f"the action {value[:100]!r} is no method, and nothing says which methods it means ({how})")
