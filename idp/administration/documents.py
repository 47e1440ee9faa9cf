"""What the API says and asks, as types: the OpenAPI document is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from idp.devices.sign_in_history import Outcome
from idp.directory.account import AccountState, DuplicateLogin, LockReason
from pages.look import Look

Why = Annotated[
    str, Meta(min_length=1, max_length=500, pattern=r"^(?=[\s\S]*\S)[^\x00]*$", description="Kept in the audit record.")
]
Line = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166-1.")]
SecondFactor = Literal["totp", "passkey", "push", "sms", "recovery_code"]
"""`push`: devices that approve."""
Channel = Literal["mail", "logout", "signal"]
"""A notice by mail, a back-channel logout, or an event to a stream of shared signals."""
DeliveryState = Literal["waiting", "delivered", "dead"]
CHANNELS: Final[tuple[Channel, ...]] = ("mail", "logout", "signal")
STATES: Final[tuple[DeliveryState, ...]] = ("waiting", "delivered", "dead")


class RolesIn(Struct, frozen=True):
    """What a person may do in one organisation."""

    organisation_id: UUID
    organisation: str
    roles: tuple[str, ...]


class PersonEntry(Struct, frozen=True, kw_only=True):
    """A person in a list."""

    id: UUID
    display_name: str
    login_name: str
    state: AccountState
    lock_reason: LockReason | None
    memberships: tuple[RolesIn, ...]
    """Only in organisations that the caller administers."""
    live: bool
    """Whether they have a live session in one of these."""


class PersonList(Struct, frozen=True):
    people: tuple[PersonEntry, ...]
    next: str | None
    """What `after` is for the page that follows; null: there is none."""


class SessionEntry(Struct, frozen=True, kw_only=True):
    """A live session."""

    sid: str
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
    created_at: datetime
    last_activity_at: datetime
    idle_expires_at: datetime
    absolute_expires_at: datetime
    own: bool
    """Whether it is the caller's."""


class SessionList(Struct, frozen=True):
    sessions: tuple[SessionEntry, ...]
    next: str | None


class FactorEntry(Struct, frozen=True, kw_only=True):
    """A way in which a person proves who they are."""

    kind: Literal["password", "totp", "passkey", "push", "sms"]
    label: str
    created_at: datetime
    last_used_at: datetime | None = None
    clone_suspected_at: datetime | None = None
    aaguid: str = ""
    """Of a passkey: the id of its model."""
    model: str = ""
    """What its maker calls that; empty: unknown."""
    attested: bool = False
    """Its maker vouched for its model when it was registered."""
    model_refused: str = ""
    """The status for which the model is believed no more; empty: it is."""


class DeviceEntry(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    trust: str
    sign_ins: int
    first_seen_at: datetime
    last_seen_at: datetime


class PersonDocument(Struct, frozen=True, kw_only=True):
    """One person."""

    id: UUID
    version: int
    whole: bool
    """Whether the caller administers all their organisations. Otherwise mail address, time zone, factors and devices
    are left out: they are not this organisation's alone."""
    display_name: str
    login_names: tuple[str, ...]
    email: str | None
    email_verified: bool
    """Whether they have proven that it is theirs, by a code that was mailed there; false where it is left out."""
    locale: str
    time_zone: str | None
    """The one that they chose."""
    state: AccountState
    lock_reason: LockReason | None
    locked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    """When what apps may be told of them last changed."""
    memberships: tuple[RolesIn, ...]
    factors: tuple[FactorEntry, ...]
    devices: tuple[DeviceEntry, ...]
    session: SessionEntry | None
    """The live one, if it is in an organisation that the caller administers."""


class SignInEntry(Struct, frozen=True, kw_only=True):
    """What came of one attempt of a person to sign in."""

    id: UUID
    at: datetime
    outcome: Outcome
    amr: tuple[str, ...]
    device: str
    browser: str
    place: str
    """A code (`config.places`)."""
    network: str
    ip: str
    client_id: str
    ended_at: datetime | None
    """When the session that began ended."""
    end_reason: str | None
    risk: int | None = None
    """How odd it was for the person, 0 to 100; null: it was not looked at."""
    risk_of: tuple[str, ...] = ()
    """What that is made of, the largest share first: `place 41`."""


class SignInList(Struct, frozen=True):
    sign_ins: tuple[SignInEntry, ...]
    next: str | None


class Support(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the people of an organisation can ask; what is empty is not offered."""

    name: Annotated[Line, Meta(min_length=1)]
    email: Line = ""
    phone: Line = ""
    url: Annotated[str, Meta(max_length=200, pattern=r"^(https?://[^\s\x00-\x1f\x7f]+)?$")] = ""


class OrganisationDocument(Struct, frozen=True, kw_only=True):
    """One organisation: what an administrator may change of it, and what it is called."""

    id: UUID
    version: str
    """Of what can be changed."""
    name: str
    time_zone: str
    duplicate_login: DuplicateLogin | None
    """What happens at a second login; null: as the product's settings say."""
    new_device_factor: bool | None
    """Whether a new device needs a second factor; null likewise."""
    recovery_wait_hours: int | None
    """How long somebody waits who lost every factor; 0: nobody gets in by waiting; null likewise."""
    text_countries: tuple[str, ...] | None
    """Countries (ISO 3166-1) whose numbers get codes by text; null likewise."""
    sign_in_links: bool | None
    """Whether people may sign in by a link that is mailed to them; null likewise."""
    look: Look | None
    """null: as the product looks."""
    support: Support | None
    """null: whom the product's settings name."""


class OrganisationList(Struct, frozen=True):
    organisations: tuple[OrganisationDocument, ...]


class ChangeEntry(Struct, frozen=True, kw_only=True):
    """What an administrator changed of an organisation."""

    id: int
    at: datetime
    user_id: str
    display_name: str
    why: str
    changed: tuple[str, ...]
    """Names of the fields."""


class ChangeList(Struct, frozen=True):
    changes: tuple[ChangeEntry, ...]
    next: str | None


class DeliveryEntry(Struct, frozen=True, kw_only=True):
    """Something that is to be told outside the pages; never what it says."""

    channel: Channel
    id: UUID
    kind: str
    user_id: UUID | None
    display_name: str
    client_id: str
    """To whom a logout or a signal goes; empty for a mail."""
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    expires_at: datetime | None
    finished_at: datetime | None
    problem: str
    correlation_id: str
    may_retry: bool


class DeliveryList(Struct, frozen=True):
    deliveries: tuple[DeliveryEntry, ...]
    next: str | None


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """An act, and why."""

    why: Why


class AskedOfVersion(Struct, frozen=True, forbid_unknown_fields=True):
    """An act upon what was read at this version, and why."""

    why: Why
    version: int


class LookRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """How the pages of an organisation are to look (`pages.look`)."""

    name: Mapping[str, str]
    accent: Mapping[str, str] = {}
    logo: str = ""
    """A `data:` address of a PNG or SVG in base64, as it is shown; empty: the product's own mark."""
    welcome: Mapping[str, str] = {}


class OrganisationRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that can be changed of an organisation, as it is to be."""

    why: Why
    version: str
    duplicate_login: DuplicateLogin | None
    new_device_factor: bool | None
    recovery_wait_hours: Annotated[int, Meta(ge=0, le=720)] | None = None
    look: LookRequest | None
    support: Support | None
    text_countries: tuple[Country, ...] | UnsetType | None = UNSET
    """Left out: as before; so is the next one."""
    sign_in_links: bool | UnsetType | None = UNSET


class Ended(Struct, frozen=True):
    """A session that was ended."""

    sid: str
    ended_at: datetime
    reason: str


class Retried(Struct, frozen=True):
    """A delivery that waits again."""

    channel: Channel
    id: UUID
