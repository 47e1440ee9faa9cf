"""Whom a security event is about (RFC 9493; SSF 1.0, section 3): read strictly, resolved within one organisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from config.connections import Transaction

LONGEST = 320
"""Characters of a part of a subject; a mail address has no more (RFC 5321, section 4.5.3.1)."""
MOST_ALIASES = 8
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("email",),
    "iss_sub": ("iss", "sub"),
    "opaque": ("id",),
}


class Misshapen(Exception):
    """A subject that is none; the message says why, and may be shown."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One name of a person, a session or a device, in a format that is understood here."""

    format: str
    value: str
    issuer: str = ""
    """Of `iss_sub`: who calls them so."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an event names; what is empty was not named, or not in a way that is understood here."""

    people: tuple[Identifier, ...] = ()
    """Names of one person."""
    session: str = ""
    device: str = ""
    strange: bool = False
    """Something of it is in a format that is not understood here."""


class Subjects(Protocol):
    """Where it is known whom a transmitter means."""

    async def subject_of(self, tx: Transaction, organisation_id: UUID, subject: Identifier) -> UUID | None:
        """The one member of the organisation whom it names: by mail address, by our own `sub` (`opaque`, or `iss_sub`
        with our own issuer), or as another issuer calls them where that is linked. `None`: nobody, or more than one."""


def read_subject(said: object) -> Subject:
    """The subject of a token's `sub_id`. Raises `Misshapen`."""
    whole = _object(said)
    if _text(whole, "format") != "complex":
        return Subject(people=_people(whole), strange=_is_strange(whole))
    people = _people(_object(whole["user"])) if "user" in whole else ()
    session, device = (_opaque(whole[name]) if name in whole else "" for name in ("session", "device"))
    strange = any(_is_strange(_object(whole[name])) for name in ("user", "session", "device") if name in whole)
    if not any(name in whole for name in ("user", "session", "device")):
        strange = True
    return Subject(people, session, device, strange)


def _people(named: Mapping[str, object]) -> tuple[Identifier, ...]:
    if _text(named, "format") != "aliases":
        found = _identifier(named)
        return () if found is None else (found,)
    several = named.get("identifiers")
    if not isinstance(several, list) or not 0 < len(several) <= MOST_ALIASES:
        raise Misshapen("identifiers: a few subjects are expected")
    inner = [_object(one) for one in several]
    if any(_text(one, "format") in ("aliases", "complex") for one in inner):
        raise Misshapen("identifiers: aliases hold simple subjects")
    return tuple(found for one in inner if (found := _identifier(one)) is not None)


def _identifier(named: Mapping[str, object]) -> Identifier | None:
    kind = _text(named, "format")
    if kind == "complex":
        raise Misshapen("a complex subject holds simple ones")
    members = _MEMBERS.get(kind)
    if members is None:
        return None
    values = [_text(named, member) for member in members]
    return Identifier(kind, values[-1], values[0] if kind == "iss_sub" else "")


def _opaque(said: object) -> str:
    """A session or a device has a name of ours, or one that means nothing here."""
    found = _identifier(_object(said))
    return found.value if found is not None and found.format == "opaque" else ""


def _is_strange(named: Mapping[str, object]) -> bool:
    return named.get("format") not in (*_MEMBERS, "aliases")


def _object(said: object) -> Mapping[str, object]:
    if not isinstance(said, dict):
        raise Misshapen("a subject is an object")
    return said


def _text(named: Mapping[str, object], member: str) -> str:
    value = named.get(member)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or "\0" in value:
        raise Misshapen(f"{member}: text is expected")
    return value
