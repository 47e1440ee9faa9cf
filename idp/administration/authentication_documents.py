"""How an organisation's people prove who they are, as the API says and asks of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Why
from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules
from idp.protocol.assurance import METHODS, SATISFIES, Counting, Method

Methods = Annotated[tuple[Method, ...], Meta(max_length=len(METHODS))]


class CountingDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which methods count for which `acr`; what is left out is as the product's mapping has it."""

    acr2: Methods = tuple(one for one in METHODS if one in SATISFIES[2])
    acr3: Methods = tuple(one for one in METHODS if one in SATISFIES[3])


class AuthenticationDocument(Struct, frozen=True, kw_only=True):
    """Which keys an organisation takes, and which methods count there."""

    organisation_id: UUID
    attestation: AttestationPolicy
    methods: CountingDocument
    models_known: bool
    """Whether models of keys are known here at all: without the metadata none is attested."""


class AuthenticationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it, as it is to be."""

    why: Why
    attestation: AttestationPolicy
    methods: CountingDocument


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
        models_known=models_known,
    )


def asked(attestation: AttestationPolicy, methods: CountingDocument, version: int) -> AuthenticationRules:
    """The rules that are asked for, in place of those of a version."""
    counting = Counting(frozenset(methods.acr2), frozenset(methods.acr3))
    return AuthenticationRules(attestation=attestation, counting=counting, version=version + 1)
