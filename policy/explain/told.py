"""What is told of a decision: plain values, which a page and a program read alike."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from policy.artefact import RuleEffect
from policy.context import Context
from policy.decision import Decision, Effect, StepUp
from policy.reasons import Reason
from policy.recording.finding import Seal

Value = str | int | bool | float | None
"""Of a fact; None: unknown."""


class Part(StrEnum):
    """What became of a rule that speaks of the request's zone, path and method."""

    DECIDED = "decided"
    REDUCED = "reduced"
    """It matched, and laid its obligations on what a later rule allows."""
    CONDITION_NOT_MET = "condition_not_met"
    NOT_REACHED = "not_reached"
    """An earlier rule decided."""
    ANOTHER_ROLE = "another_role"
    """It is for a role, or an organisation, that is not the caller's."""


class ConditionPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comparison, or parts that `and` or `or` joins."""

    text: str
    holds: bool | None
    """None: it cannot be told, since a fact is unknown."""
    matters: bool = False
    """It is why the rule did not match."""
    fact: str = ""
    """What a comparison speaks of."""
    value: Value = None
    """And what that was."""
    word: str = ""
    """`and`, `or`; empty: a comparison."""
    parts: tuple[ConditionPart, ...] = ()


class Considered(msgspec.Struct, frozen=True):
    """One rule and its part in the answer."""

    rule: str
    priority: int
    effect: RuleEffect
    role: str
    part: Part
    condition: str = ""
    organisation: str = "*"
    checked: ConditionPart | None = None
    """Its condition, part by part; None: it has none, or is not the caller's."""


class FactTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact, and what it was when the session began, where that is what counts."""

    fact: str
    value: Value
    began: Value = None


class Signal(msgspec.Struct, frozen=True):
    """One signal's share of the risk."""

    signal: str
    share: int
    facts: tuple[FactTold, ...]
    """What it looked at."""


class Demand(msgspec.Struct, frozen=True):
    """Something that the zone demands and the request does not bring."""

    reason: Reason
    wanted: tuple[Value, ...]
    got: Value


class Obliged(msgspec.Struct, frozen=True):
    """An obligation, and whose it is."""

    obligation: str
    rule: str
    """Empty: it is no rule's."""


class Who(StrEnum):
    """Who could bring a change about."""

    PERSON = "person"
    """The caller, now, by themselves."""
    CIRCUMSTANCE = "circumstance"
    """It would have to be otherwise: another place, network, device or hour. Nobody is asked to pretend so."""
    ADMINISTRATOR = "administrator"
    """Whoever gives roles, or changes the policy."""


class Kind(StrEnum):
    """What a change is of, the least first."""

    SIGN_IN_AGAIN = "sign_in_again"
    SECOND_FACTOR = "second_factor"
    SECOND_FACTOR_ANEW = "second_factor_anew"
    """Both at once."""
    SIGN_IN = "sign_in"
    """As somebody who holds the role that is named."""
    METHOD = "method"
    ASSURANCE = "assurance"
    AUTHENTICATION = "authentication"
    """When it was."""
    SAME_DEVICE = "same_device"
    SAME_ADDRESS = "same_address"
    SAME_COUNTRY = "same_country"
    NETWORK = "network"
    TIME = "time"
    ACTOR = "actor"
    COUNTRY = "country"
    DEVICE = "device"
    CERTIFICATE = "certificate"
    RISK = "risk"
    MEASURE = "measure"
    """The measure of this id, lifted."""
    ELEVATION = "elevation"
    """The role that is named, for a time: granted, or over."""
    ROLE = "role"
    ASSIGNMENT = "assignment"
    """Without the role or the group that the policy assigns."""
    ORGANISATION = "organisation"
    CONDITION = "condition"
    """The rule that is named, without its condition."""
    DEMAND = "demand"
    """The zone, without the demand that is named."""
    RULE = "rule"
    """The policy, without the rule that is named."""


class Change(msgspec.Struct, frozen=True):
    """One single change, with which the answer would have been another."""

    kind: Kind
    who: Who
    name: str
    """Of the fact, the role, the rule or the demand."""
    was: Value
    would_be: Value
    effect: Effect
    """What would have been answered."""
    winner: str
    """The rule that would have decided; empty: none, or it is not known beforehand."""


class RecordedTold(msgspec.Struct, frozen=True):
    """The record that is explained, and how it stands to the audit's evidence."""

    id: str
    at: datetime
    effect: Effect
    reasons: tuple[Reason, ...]
    version: int
    winner: str
    method: str
    path: str
    route: str
    zone: str
    sub: str
    org: str
    address: str
    segment: str
    sequence: int
    seal: Seal
    reproduced: bool | None
    """Whether its own version answers the same today; None: it was explained by another one, or cannot be decided
    again."""
    limited: str = ""
    """The rate that stopped it, although it was allowed."""


class Explanation(msgspec.Struct, frozen=True):
    """A decision with everything that led to it."""

    decision: Decision
    facts: Context | None = None
    """What conditions could speak of; None stands for unknown there, for `not worked out` here."""
    rules: tuple[Considered, ...] = ()
    """In the order in which they are tried."""
    rules_left_out: int = 0
    """So many more speak of this address, too many to show."""
    unmet: tuple[Reason, ...] = ()
    """What the zone demands and the request does not bring, whatever the rules say."""
    would_allow: StepUp | None = None
    """The least that would make it an allow; None: it is one, or nothing that the caller can do would."""
    demands: tuple[Demand, ...] = ()
    """The same as `unmet`, with what was wanted and what there was."""
    signals: tuple[Signal, ...] = ()
    obligations: tuple[Obliged, ...] = ()
    """Those of the rules that matched, whether or not it was allowed in the end."""
    changes: tuple[Change, ...] = ()
    """Each by itself would have turned it over, the least first; none of them need be advisable."""
    recorded: RecordedTold | None = None
    """None: the request was made up."""
