"""What the API says and asks of transmitters of shared signals, as types: the OpenAPI document is made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Line, Why
from idp.sessions.received.transmitter import (
    LONGEST,
    DeliveryKind,
    Effects,
    EndOrRecord,
    OnDevice,
    Transmitter,
    TransmitterStatus,
    push_address,
)

Address = Annotated[str, Meta(max_length=LONGEST, pattern=r"^[^\x00-\x20\x7f]*$")]


class EffectsDocument(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What follows from a transmitter's events; all others are recorded only."""

    session_revoked: EndOrRecord = "end"
    credential_change: EndOrRecord = "end"
    """Of a credential that was revoked, or compromised (RISC): the session ends, and nothing proven before counts."""
    device_compliance_change: OnDevice = "end"
    """Of a device that is not compliant. All but `record` let its trust fall to unknown in this organisation; `step_up`
    takes the second factor from the session on it, `end` ends that session."""

    def value(self) -> Effects:
        return Effects(
            session_revoked=self.session_revoked,
            credential_change=self.credential_change,
            device_compliance_change=self.device_compliance_change,
        )


class TransmitterRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to listen to, and how."""

    why: Why
    name: Annotated[Line, Meta(min_length=1)]
    issuer: Address
    """The `iss` of its tokens, as it is."""
    jwks_uri: Address
    audience: Annotated[str, Meta(max_length=LONGEST, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    """The `aud` of its tokens; empty: the address that it pushes to."""
    delivery: DeliveryKind
    poll_uri: Address = ""
    """Where it is polled; empty where it pushes."""
    authorization: str | None = None
    """The whole value of `Authorization` at a poll; empty: none; null: as it was. It is never shown again."""
    status: TransmitterStatus = "enabled"
    effects: EffectsDocument = EffectsDocument()


class TransmitterChange(TransmitterRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it as it is to be, upon what was read at this version."""

    version: int


class TransmitterDocument(Struct, frozen=True, kw_only=True):
    """A transmitter, and how it fares."""

    id: UUID
    version: int
    organisation_id: UUID
    name: str
    issuer: str
    jwks_uri: str
    audience: str
    delivery: DeliveryKind
    push_uri: str | None
    """Where it pushes to (RFC 8935); null where it is polled."""
    poll_uri: str | None
    has_token: bool
    """Whether a token was made for its pushes."""
    status: TransmitterStatus
    effects: EffectsDocument
    created_at: datetime
    received_at: datetime | None
    """When something of it was taken last."""
    problem: str
    """What was wrong last; empty: nothing ever."""
    problem_at: datetime | None
    poll_failures: int
    """Polls in a row that failed."""


class TransmitterList(Struct, frozen=True):
    transmitters: tuple[TransmitterDocument, ...]


class TransmitterWithToken(Struct, frozen=True):
    """A transmitter, and the token that its pushes must show: this once, it is never shown again."""

    transmitter: TransmitterDocument
    token: str | None
    """null where it is polled."""


class Removed(Struct, frozen=True):
    """What is gone."""

    id: UUID


def document_of(transmitter: Transmitter, issuer: str) -> TransmitterDocument:
    """A transmitter as an administrator sees it."""
    effects = transmitter.effects
    pushes = transmitter.delivery == "push"
    return TransmitterDocument(
        id=transmitter.id,
        version=transmitter.version,
        organisation_id=transmitter.organisation_id,
        name=transmitter.name,
        issuer=transmitter.issuer,
        jwks_uri=transmitter.jwks_uri,
        audience=transmitter.audience,
        delivery=transmitter.delivery,
        push_uri=push_address(issuer, transmitter.id) if pushes else None,
        poll_uri=transmitter.poll_uri,
        has_token=transmitter.token_digest is not None,
        status=transmitter.status,
        effects=EffectsDocument(
            session_revoked=effects.session_revoked,
            credential_change=effects.credential_change,
            device_compliance_change=effects.device_compliance_change,
        ),
        created_at=transmitter.created_at,
        received_at=transmitter.received_at,
        problem=transmitter.problem,
        problem_at=transmitter.problem_at,
        poll_failures=transmitter.poll_failures,
    )
