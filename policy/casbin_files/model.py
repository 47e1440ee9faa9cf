"""A Casbin model as it is written: its definitions, each with the line that it stands in."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from policy.casbin_lines import LineError

LONGEST = 20_000
"""Characters of a model."""
_SECTIONS = {
    "request_definition": "r",
    "policy_definition": "p",
    "role_definition": "g",
    "policy_effect": "e",
    "matchers": "m",
}
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Effects(StrEnum):
    """The policy effects that Casbin knows."""

    ALLOW_OVERRIDE = "some(where(p.eft==allow))"
    DENY_OVERRIDE = "!some(where(p.eft==deny))"
    ALLOW_AND_DENY = "some(where(p.eft==allow))&&!some(where(p.eft==deny))"
    PRIORITY = "priority(p.eft)||deny"
    SUBJECT_PRIORITY = "subjectPriority(p.eft)||deny"


class Model(msgspec.Struct, frozen=True):
    """A model that may be translated."""

    request: tuple[str, ...]
    policy: tuple[str, ...]
    roles: dict[str, int]
    """Of each role definition the number of its values."""
    effect: Effects
    matcher: str
    matcher_line: int


class WrongModel(ValueError):
    """A model that cannot be taken over; every line that is at fault is named."""

    def __init__(self, errors: tuple[LineError, ...]) -> None:
        super().__init__("; ".join(f"line {error.line}: {error.message}" for error in errors))
        self.errors = errors


def read(text: str) -> Model:
    """Read a `model.conf`. Raises `WrongModel`."""
    if len(text) > LONGEST:
        raise WrongModel((LineError(1, f"a model has at most {LONGEST} characters"),))
    found: dict[str, tuple[int, str]] = {}
    errors: list[LineError] = []
    section = ""
    for number, line in _logical_lines(text):
        if line.startswith("[") and line.endswith("]"):
            section = _SECTIONS.get(line[1:-1].strip(), "")
            if not section:
                errors.append(LineError(number, f"the section {line[:50]} is not understood"))
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not section:
            errors.append(LineError(number, "a model has sections, and in them lines NAME = VALUE"))
        elif name == section or (section == "g" and re.fullmatch(r"g[2-9]", name)):
            found[name] = (number, value.partition("#")[0].strip())
        else:
            errors.append(LineError(number, f"{name[:50]!r} is not understood: only one {section} of each is"))
    for name in ("r", "p", "e", "m"):
        if name not in found and not errors:
            errors.append(LineError(1, f"the model has no {name}"))
    if errors:
        raise WrongModel(tuple(errors))
    return _model(found)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines without comments, those that end in a backslash joined with the next."""
    lines: list[tuple[int, str]] = []
    begun: tuple[int, str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        first, before = begun or (number, "")
        begun = None
        if line.endswith("\\"):
            begun = first, before + line[:-1]
        else:
            lines.append((first, before + line))
    return lines if begun is None else [*lines, begun]


def _model(found: dict[str, tuple[int, str]]) -> Model:
    errors: list[LineError] = []

    def words(name: str) -> tuple[str, ...]:
        number, value = found[name]
        split = tuple(word.strip() for word in value.split(","))
        if not all(_WORD.fullmatch(word) for word in split) or len(set(split)) != len(split):
            errors.append(LineError(number, f"{name}: names with commas between them are expected"))
        return split

    roles: dict[str, int] = {}
    for name, (number, value) in found.items():
        if name.startswith("g"):
            marks = [mark.strip() for mark in value.split(",")]
            if set(marks) != {"_"} or len(marks) not in (2, 3):
                errors.append(LineError(number, f"{name}: only `_, _` and `_, _, _` are understood"))
            roles[name] = len(marks)
    number, value = found["e"]
    written = re.sub(r"\s+", "", value).replace("p_eft", "p.eft")
    if written not in set(Effects):
        errors.append(LineError(number, f"the policy effect {value[:100]!r} is not one of Casbin's"))
    request, policy = words("r"), words("p")
    if errors:
        raise WrongModel(tuple(errors))
    return Model(request, policy, roles, Effects(written), found["m"][1], found["m"][0])
