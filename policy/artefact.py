"""A policy as a document: roles, zones and rules in one canonical form, which is what a version signs."""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec

from policy.decision import Effect
from policy.local_time import WORKING_DAYS
from policy.reasons import Reason
from policy.request import AccessRequest, DeviceTrust, Facts, Subject

ANY = "*"
ANONYMOUS = "anonymous"
"""The role that everybody holds, signed in or not: a rule for it is public."""
ADMINISTRATOR = "administrator"
ADMIN_ZONE = "admin"
RESOURCE = "@"
"""What stands before the name of a resource where a path is expected."""
LARGEST = 64 * 1024 * 1024
"""Bytes of one artefact; a larger one is refused before it is read."""

Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}\Z")]
NameOrAny = Annotated[str, msgspec.Meta(pattern=r"\A(\*|[A-Za-z0-9][A-Za-z0-9._:@-]{0,127})\Z")]
Country = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{2}\Z")]
Method = Annotated[str, msgspec.Meta(pattern=r"\A(\*|[A-Z]{1,32})\Z")]
Hour = Annotated[int, msgspec.Meta(ge=0, le=24)]
Scope = r"(?!(mask|limit|methods|scopes):|read_only)[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}"
"""A scope that may be named (RFC 6749, section 3.3): not one that reads like an obligation of its own."""
Obligation = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A(read_only|(mask|limit):[A-Za-z0-9_.-]{1,64}"
        r"|methods:[A-Z]{1,32}(\|[A-Z]{1,32}){0,15}"
        rf"|scopes:{Scope}(\|{Scope}){{0,63}})\Z"
    ),
]
"""`read_only`: safe methods only (RFC 9110, section 9.2.1); `methods:GET|HEAD`: these only; `scopes:a|b`: an upstream
is told of no other; `mask:FIELD`; `limit:N` requests a minute. Of several the smallest privilege holds
(`policy.obligations`)."""
Service = Annotated[str, msgspec.Meta(pattern=r"\A(client|certificate):[!-~]([ -~]{0,126}[!-~])?\Z")]
"""A service by an identity of its own: `client:ID`, a program that calls for itself or acts for somebody by a token
that it exchanged, or `certificate:NAME`, the common name of a client certificate that an authority of ours vouches
for."""
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]


class RuleEffect(StrEnum):
    """What a rule does. `reduce` grants nothing: it lays its obligations on whatever a later rule allows."""

    ALLOW = "allow"
    DENY = "deny"
    REDUCE = "reduce"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule. Rules are tried in the order of (priority, id); the first allow or deny that matches decides."""

    id: Name
    priority: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    role: NameOrAny
    zone: NameOrAny
    path: str
    effect: RuleEffect
    organisation: NameOrAny = ANY
    methods: Annotated[tuple[Method, ...], msgspec.Meta(min_length=1)] = (ANY,)
    condition: str = ""
    """In the language of `policy.conditions`; empty: always."""
    obligations: tuple[Obligation, ...] = ()

    @property
    def order(self) -> tuple[int, str]:
        return (self.priority, self.id)


class Inheritance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whoever holds `role` holds `inherits` too, in one organisation or in all."""

    role: Name
    inherits: Name
    organisation: NameOrAny = ANY


class Assignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody (a person's `sub`, a program's `client:ID`) or a group (`group:NAME`) holds a role, or is in a group.

    In one organisation or in all; a program belongs to none, so only what it is given in all counts.
    """

    subject: Name
    role: Name
    organisation: NameOrAny = ANY

    @property
    def order(self) -> tuple[str, str, str]:
        return (self.organisation, self.subject, self.role)


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name for paths of one zone, so that a rule may say `@orders` where a path stands.

    The same name may stand once for each zone, and once for all (`*`): a rule means those of its own zone and of all.
    """

    name: Name
    zone: NameOrAny
    paths: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=256)]


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What it takes to enter a zone (P8). Demands on the person do not hold where a public rule (`anonymous`) allows.

    What a zone does while the store of sessions is away is the gateway's, in its route table.
    """

    name: Name
    assurance: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1
    device: DeviceTrust = DeviceTrust.UNKNOWN
    max_age: Annotated[int, msgspec.Meta(gt=0)] | None = None
    """Seconds since the last full authentication, at most."""
    networks: Annotated[tuple[Name, ...], msgspec.Meta(max_length=64)] = ()
    """Named networks; empty: any, an unknown one too."""
    countries: Annotated[tuple[Country, ...], msgspec.Meta(max_length=250)] = ()
    """ISO 3166-1 alpha-2; empty: any, an unknown one too."""
    hours: tuple[Hour, Hour] | None = None
    """From the first hour until before the second, in the organisation's time zone."""
    weekdays: tuple[Weekday, ...] = ()
    step_up_risk: Percent = 100
    """A risk above this demands two factors."""
    max_risk: Percent = 100
    """A risk above this is denied."""
    services: Annotated[tuple[Service, ...], msgspec.Meta(max_length=10_000)] = ()
    """The services whose home it is (`policy.flows`)."""
    within: Annotated[str, msgspec.Meta(pattern=r"\A([A-Za-z0-9][A-Za-z0-9._:@-]{0,127})?\Z")] = ""
    """The zone that it lies in, of which it demands no less; empty: it lies in none."""


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is left of privileges while the risk is above so much (`policy.bands`)."""

    id: Name
    above: Annotated[int, msgspec.Meta(ge=0, le=99)]
    """It is entered at once by a risk above this, and left once the risk has stayed lower for a while."""
    obligations: Annotated[tuple[Obligation, ...], msgspec.Meta(min_length=1)]
    """Laid on whatever a rule allows."""
    zone: NameOrAny = ANY
    role: NameOrAny = ANY
    assurance: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    """Whoever gave so many factors, within `max_age`, is not held; None with no `max_age` either: everybody is."""
    max_age: Annotated[int, msgspec.Meta(gt=0)] | None = None
    """Seconds since the last full authentication; None: however long ago."""


class Flow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"source": "from"}):
    """Services of one zone may call into another one; rules say what there (`policy.flows`)."""

    source: Name
    to: Name
    methods: Annotated[tuple[Method, ...], msgspec.Meta(min_length=1)] = (ANY,)
    certificate: bool = False
    """The service must come with a certificate that its own zone names (RFC 8705)."""


class Organisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where and when an organisation works."""

    time_zone: str = "Asia/Seoul"
    usual_hours: tuple[Hour, Hour] = (7, 22)
    working_days: Annotated[tuple[Weekday, ...], msgspec.Meta(max_length=7)] = WORKING_DAYS
    """ISO 8601: 1 is Monday."""
    holidays: Annotated[tuple[date, ...], msgspec.Meta(max_length=4000)] = ()
    """Days on which nobody works, by the calendar there; a condition asks `holiday`, `working_day`."""


class MadeUpSubject(Subject, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who asks in a test; a name that is misspelt is an error."""


class MadeUpFacts(Facts, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of where a test's request comes from; a name that is misspelt is an error."""


class MadeUpRequest(AccessRequest, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The request of a test: by nobody from nowhere, unless it says otherwise."""

    subject: MadeUpSubject = MadeUpSubject()
    facts: MadeUpFacts = MadeUpFacts()


class PolicyTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A made-up request and what must be answered to it, or the policy is not published (P5)."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    request: MadeUpRequest
    effect: Effect
    winner: str | None = None
    """The id of the rule that decides, empty: none does; None: whichever."""
    reasons: tuple[Reason, ...] | None = None
    """All of them, in any order; None: whichever."""
    obligations: tuple[Obligation, ...] | None = None
    """All of them, in any order; None: whichever."""


class ElevationRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role that people may ask for, for a time; the first of the rules for it that fits who asks holds."""

    role: Name
    asked_by: Name
    """Holders of this role may ask, for themselves."""
    approved_by: Name
    """Holders of this role say yes or no: by what they are, not by an elevation, and never to themselves."""
    longest: Annotated[int, msgspec.Meta(ge=60, le=7 * 86_400)]
    """Seconds for which it may be held at most."""
    organisation: NameOrAny = ANY


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that decisions of one version follow, and the tests that it is published with.

    What was added to it later is left out of the canonical form where it is empty, so that older versions stay what
    they were signed as; a factory keeps the older fields in.
    """

    roles: tuple[Name, ...]
    zones: tuple[Zone, ...]
    rules: tuple[Rule, ...]
    inheritance: tuple[Inheritance, ...] = msgspec.field(default_factory=lambda: ())
    organisations: dict[NameOrAny, Organisation] = msgspec.field(default_factory=lambda: {})  # noqa: PIE807 - `dict` would be left out
    """By organisation id; `*` is everybody else's."""
    assignments: tuple[Assignment, ...] = ()
    resources: tuple[Resource, ...] = ()
    bands: tuple[Band, ...] = ()
    flows: tuple[Flow, ...] = ()
    tests: Annotated[tuple[PolicyTest, ...], msgspec.Meta(max_length=10_000)] = ()
    elevations: tuple[ElevationRule, ...] = ()


class UnreadableArtefact(ValueError):
    """An artefact that is not a policy document; the message says where."""


def encode(policy: Policy) -> bytes:
    """The canonical form: UTF-8 JSON, sorted keys, no spaces, rules in their total order. Same policy, same bytes."""
    ordered = msgspec.structs.replace(
        policy,
        rules=tuple(sorted(policy.rules, key=lambda rule: rule.order)),
        zones=tuple(sorted(policy.zones, key=lambda zone: zone.name)),
        roles=tuple(sorted(set(policy.roles))),
        inheritance=tuple(sorted(policy.inheritance, key=lambda link: (link.organisation, link.role, link.inherits))),
        assignments=tuple(sorted(policy.assignments, key=lambda assignment: assignment.order)),
        organisations={
            name: msgspec.structs.replace(organisation, holidays=tuple(sorted(set(organisation.holidays))))
            for name, organisation in policy.organisations.items()
        },
        resources=tuple(sorted(policy.resources, key=lambda resource: (resource.name, resource.zone))),
        bands=tuple(sorted(policy.bands, key=lambda band: band.id)),
        flows=tuple(sorted(policy.flows, key=lambda flow: (flow.source, flow.to, flow.methods, flow.certificate))),
        tests=tuple(sorted(policy.tests, key=lambda test: test.name)),
        elevations=tuple(
            sorted(policy.elevations, key=lambda rule: (rule.organisation, rule.role, rule.asked_by, rule.approved_by))
        ),
    )
    return msgspec.json.encode(ordered, order="sorted")


def decode(artefact: bytes) -> Policy:
    """Read an artefact. Raises `UnreadableArtefact`."""
    if len(artefact) > LARGEST:
        raise UnreadableArtefact(f"an artefact has at most {LARGEST} bytes")
    try:
        return msgspec.json.decode(artefact, type=Policy)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableArtefact(str(error)) from error


def digest(artefact: bytes) -> str:
    """SHA-256 of the canonical form, hexadecimal."""
    return hashlib.sha256(artefact).hexdigest()
