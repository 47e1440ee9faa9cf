"""One session as the API shows it: where it stands, which apps have it, and who was told of its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from idp.administration.documents import DeliveryEntry


class RelyingParty(Struct, frozen=True):
    """An app that has tokens of a session."""

    client_id: str
    since: datetime


class SessionDocument(Struct, frozen=True, kw_only=True):
    """One session, whole."""

    sid: str
    version: int
    state: Literal["live", "expired", "ended"]
    """`expired`: its time is over, and nobody has swept it yet."""
    user_id: UUID
    display_name: str
    organisation_id: UUID
    organisation: str
    device: str
    browser: str
    ip: str
    place: str
    """A code (`config.places`)."""
    network: str
    amr: tuple[str, ...]
    acr: str
    authenticated_at: datetime
    created_at: datetime
    last_activity_at: datetime
    idle_expires_at: datetime
    absolute_expires_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    ended_by: Mapping[str, str] | None
    """Where a login came from that took it over."""
    relying_parties: tuple[RelyingParty, ...]
    deliveries: tuple[DeliveryEntry, ...]
    """What was to be told of its end, to whom."""
    own: bool
