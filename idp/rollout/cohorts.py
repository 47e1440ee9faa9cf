"""Who belongs to a cohort: rules as values, asked of one person at a login; `idp.storage.rollout_cohorts` asks the same
rules of everybody by SQL, and a property holds the two together.

A cohort is of people, never of a browser: "mobile" is whoever signed in by a phone lately, wherever they are now.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

Risk = Literal["administrator", "legacy_hash", "no_second_factor", "recent_failures"]
Platform = Literal["mobile", "desktop"]
MOBILE_SYSTEMS: Final = ("iPhone", "iPad", "Android")
"""As `idp.devices.identification` names them in the labels of devices."""
DESKTOP_SYSTEMS: Final = ("Windows", "macOS", "Linux", "ChromeOS")
SYSTEMS: Final = (*MOBILE_SYSTEMS, *DESKTOP_SYSTEMS)
ADMINISTRATOR: Final = "administrator"
SEEN_WITHIN: Final = timedelta(days=90)
"""Platforms and apps of sign-ins that are older count no more."""
FAILED_WITHIN: Final = timedelta(days=30)
FAILURES: Final = 5
"""So many failed sign-ins within `FAILED_WITHIN` are recent failures."""
BUCKETS: Final = 10_000
DEEPEST: Final = 8
"""Levels of `all`, `any` and `not`."""
MOST_PARTS: Final = 200
MOST_PEOPLE: Final = 1000

Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00]*\Z")]
Percent = Annotated[int, Meta(ge=0, le=100)]


class Everybody(Struct, frozen=True, tag="everybody", forbid_unknown_fields=True):
    """Whoever belongs to the programme's organisation."""


class HasRole(Struct, frozen=True, tag="role", forbid_unknown_fields=True):
    """They have one of these roles in the programme's organisation."""

    roles: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=50)]


class BelongsTo(Struct, frozen=True, tag="organisation", forbid_unknown_fields=True):
    """They belong to this organisation, too."""

    organisation: UUID


class AtRisk(Struct, frozen=True, tag="risk", forbid_unknown_fields=True):
    """One of these is true of them."""

    risks: Annotated[tuple[Risk, ...], Meta(min_length=1, max_length=4)]


class SignsInOn(Struct, frozen=True, tag="platform", forbid_unknown_fields=True):
    """They signed in lately on such a platform, or by one of these systems."""

    platform: Platform | None = None
    systems: Annotated[tuple[str, ...], Meta(max_length=len(SYSTEMS))] = ()

    def wanted(self) -> frozenset[str]:
        """The systems that count."""
        of_platform = {"mobile": MOBILE_SYSTEMS, "desktop": DESKTOP_SYSTEMS}.get(self.platform or "", ())
        return frozenset((*of_platform, *self.systems))


class Uses(Struct, frozen=True, tag="client", forbid_unknown_fields=True):
    """They signed in lately to one of these apps."""

    clients: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=50)]


class Share(Struct, frozen=True, tag="percentage", forbid_unknown_fields=True):
    """A part of everybody, the same people each time; `salt`: another one chooses others."""

    percent: Percent
    salt: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*\Z")] = ""


class OneOf(Struct, frozen=True, tag="people", forbid_unknown_fields=True):
    """These people."""

    people: Annotated[tuple[UUID, ...], Meta(max_length=MOST_PEOPLE)]


class All(Struct, frozen=True, tag="all", forbid_unknown_fields=True):
    """All of these; of none: everybody."""

    of: tuple[Rule, ...]


class AnyOf(Struct, frozen=True, tag="any", forbid_unknown_fields=True):
    """One of these at least; of none: nobody."""

    of: tuple[Rule, ...]


class Not(Struct, frozen=True, tag="not", forbid_unknown_fields=True):
    """Everybody else."""

    of: Rule


Rule = Everybody | HasRole | BelongsTo | AtRisk | SignsInOn | Uses | Share | OneOf | All | AnyOf | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """A rule with a name."""

    id: UUID
    programme_id: UUID
    name: str
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules ask of one person, as it is stored."""

    user_id: UUID
    roles: frozenset[str]
    """In the programme's organisation."""
    organisations: frozenset[UUID]
    legacy_hash: bool
    """Their password lies as another system made it, wrapped or as it came."""
    second_factor: bool
    failures: int
    """Failed sign-ins within `FAILED_WITHIN`."""
    systems: frozenset[str]
    """Of the devices on which they got in within `SEEN_WITHIN`."""
    clients: frozenset[str]
    """Apps to which they got in likewise."""
    proven_mail: bool = False
    """They have shown that mail to the address that they have reaches them."""


def nobody(user_id: UUID) -> Facts:
    """Of somebody of whom nothing is stored."""
    nothing: frozenset[str] = frozenset()
    return Facts(
        user_id=user_id,
        roles=nothing,
        organisations=frozenset(),
        legacy_hash=False,
        second_factor=False,
        failures=0,
        systems=nothing,
        clients=nothing,
    )


class UnusableRule(ValueError):
    """A rule that cannot be used; the message says why."""


def belongs(rule: Rule, facts: Facts) -> bool:
    """Whether a person belongs to a cohort."""
    match rule:
        case Everybody():
            return True
        case HasRole(roles):
            return not facts.roles.isdisjoint(roles)
        case BelongsTo(organisation):
            return organisation in facts.organisations
        case AtRisk(risks):
            return any(_at_risk(risk, facts) for risk in risks)
        case SignsInOn():
            return not facts.systems.isdisjoint(rule.wanted())
        case Uses(clients):
            return not facts.clients.isdisjoint(clients)
        case Share(percent, salt):
            return within(percent, salt, facts.user_id)
        case OneOf(people):
            return facts.user_id in people
        case All(of):
            return all(belongs(one, facts) for one in of)
        case AnyOf(of):
            return any(belongs(one, facts) for one in of)
        case Not(of):
            return not belongs(of, facts)


def bucket(salt: str, user_id: UUID) -> int:
    """Where a person falls, below `BUCKETS`: the first four bytes of SHA-256, big-endian, which SQL can say, too."""
    digest = hashlib.sha256(f"{salt}{user_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % BUCKETS


def within(percent: int, salt: str, user_id: UUID) -> bool:
    """Whether a person is of this part of everybody. Of a larger part is whoever is of a smaller one."""
    return bucket(salt, user_id) < percent * (BUCKETS // 100)


def systems_of(labels: frozenset[str] | set[str]) -> frozenset[str]:
    """The systems that labels of devices name ("Chrome · Windows")."""
    return frozenset(label.rpartition(" · ")[2] for label in labels) & frozenset(SYSTEMS)


def check_rule(rule: Rule) -> None:
    """Raises `UnusableRule` for one that is too large, or names systems that nobody knows."""
    parts = 0
    level: list[Rule] = [rule]
    for _ in range(DEEPEST):
        parts += len(level)
        deeper: list[Rule] = []
        for one in level:
            if isinstance(one, SignsInOn):
                if unknown := set(one.systems) - set(SYSTEMS):
                    raise UnusableRule(f"no such systems: {', '.join(sorted(unknown))}")
                if not one.wanted():
                    raise UnusableRule("a platform or systems are expected")
            elif isinstance(one, All | AnyOf):
                deeper += one.of
            elif isinstance(one, Not):
                deeper.append(one.of)
        if not deeper:
            if parts > MOST_PARTS:
                raise UnusableRule(f"at most {MOST_PARTS} parts")
            return
        level = deeper
    raise UnusableRule(f"at most {DEEPEST} levels")


def _at_risk(risk: Risk, facts: Facts) -> bool:
    match risk:
        case "administrator":
            return ADMINISTRATOR in facts.roles
        case "legacy_hash":
            return facts.legacy_hash
        case "no_second_factor":
            return not facts.second_factor
        case "recent_failures":
            return facts.failures >= FAILURES
