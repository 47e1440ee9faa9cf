"""How an organisation's people prove who they are, as the API says and asks of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Why
from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules
from idp.factors.requirement import FactorKind
from idp.protocol.assurance import METHODS, SATISFIES, WAYS, Counting, Method, Way

Methods = Annotated[tuple[Method, ...], Meta(max_length=len(METHODS))]
Ways = Annotated[tuple[Way, ...], Meta(max_length=len(WAYS))]
Hit = Literal["led", "stuck"]
"""Of somebody all of whose factors would be forbidden. `led`: at their next sign-in a code by mail lets them go on, and
they set up another way. `stuck`: nothing would be left to ask them for, and an administrator must help."""


class CountingDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which methods count for which `acr`; what is left out is as the product's mapping has it."""

    acr2: Methods = tuple(one for one in METHODS if one in SATISFIES[2])
    acr3: Methods = tuple(one for one in METHODS if one in SATISFIES[3])


class AuthenticationDocument(Struct, frozen=True, kw_only=True):
    """Which keys an organisation takes, which methods count there, and which may not be used."""

    organisation_id: UUID
    attestation: AttestationPolicy
    methods: CountingDocument
    forbidden: Ways
    """What is neither offered nor taken; it counts for nothing, whatever `methods` says."""
    verified_approvals: bool
    """A device approves only together with a passkey of its person, which verifies its user."""
    models_known: bool
    """Whether models of keys are known here at all: without the metadata none is attested."""


class AuthenticationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it, as it is to be."""

    why: Why
    attestation: AttestationPolicy
    methods: CountingDocument
    forbidden: Ways = ()
    verified_approvals: bool = False
    anyway: bool = False
    """Even where people would be stuck: without it such a change is refused, with how many they are."""


class ReachRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is thought of."""

    forbidden: Ways = ()
    verified_approvals: bool = False


class HitPerson(Struct, frozen=True, kw_only=True):
    """Somebody who would have to set up another way, or could not."""

    user_id: UUID
    display_name: str
    has: tuple[FactorKind, ...]
    """All that they have, and all of it forbidden."""
    hit: Hit


class Reach(Struct, frozen=True, kw_only=True):
    """Whom a change would hit, before it is made."""

    use: int
    """People who have something that would be forbidden."""
    led: int
    stuck: int
    people: tuple[HitPerson, ...]
    """Those who would be stuck first, then by name; 100 at most."""


class ModelEntry(Struct, frozen=True, kw_only=True):
    """A model of keys that the metadata knows."""

    aaguid: str
    name: str
    certified: int
    """The level at which FIDO certified it, 1 to 3; 0: it did not."""
    refused: str
    """The status for which it is believed no more; empty: it is."""


class ModelList(Struct, frozen=True, kw_only=True):
    models: tuple[ModelEntry, ...]
    number: int | None
    """Of the metadata in use; null: there is none."""
    next_update: date | None
    """When the next one is due; after that day this one vouches for no new key."""
    problem: str
    """Why the file as it is now is not used; empty: it is, or there is none."""
    next: str | None


class SuspectKey(Struct, frozen=True, kw_only=True):
    """A passkey that somebody should replace."""

    user_id: UUID
    display_name: str
    label: str
    aaguid: str
    model: str
    """What its maker calls it; empty: unknown."""
    why: Literal["copied", "model_refused"]
    status: str
    """Of the model, where it is refused."""
    since: datetime | None
    """When a copy was suspected."""
    last_used_at: datetime | None
    cursor: str
    """What `after` is for those behind it."""


class SuspectKeyList(Struct, frozen=True):
    keys: tuple[SuspectKey, ...]
    next: str | None


def told(organisation_id: UUID, rules: AuthenticationRules, *, models_known: bool) -> AuthenticationDocument:
    """What is said of rules."""
    counting = rules.counting
    return AuthenticationDocument(
        organisation_id=organisation_id,
        attestation=rules.attestation,
        methods=CountingDocument(
            acr2=tuple(one for one in METHODS if one in counting.two),
            acr3=tuple(one for one in METHODS if one in counting.three),
        ),
        forbidden=tuple(one for one in WAYS if one in rules.forbidden),
        verified_approvals=rules.verified_approvals,
        models_known=models_known,
    )


class Said(Protocol):
    """What the API and a file of the command have in common."""

    @property
    def attestation(self) -> AttestationPolicy: ...
    @property
    def methods(self) -> CountingDocument: ...
    @property
    def forbidden(self) -> tuple[Way, ...]: ...
    @property
    def verified_approvals(self) -> bool: ...


def asked(said: Said, version: int) -> AuthenticationRules:
    """The rules that are asked for, in place of those of a version."""
    return AuthenticationRules(
        attestation=said.attestation,
        counting=Counting(frozenset(said.methods.acr2), frozenset(said.methods.acr3)),
        forbidden=frozenset(said.forbidden),
        verified_approvals=said.verified_approvals,
        version=version + 1,
    )
