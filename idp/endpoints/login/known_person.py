"""Everything that a login must know of a person, as one statement reads it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.authorization.attempts import Recipient
from idp.authorization.next_step import AccountState, SessionState
from idp.devices.device import Device
from idp.factors.requirement import METHODS, FactorKind, taken
from idp.protocol.assurance import Method, Way
from idp.rollout.demands import NOTHING, Demanded
from idp.sessions.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """A person who belongs to an organisation, and what this browser is to them."""

    user_id: UUID
    name: str
    email: str | None
    locale: str
    may_sign_in: bool
    organisation_id: UUID
    """The one that they act for when they name none: which they joined first."""
    roles: tuple[str, ...]
    enrolled: tuple[FactorKind, ...]
    methods: frozenset[Method]
    """What these factors are to the mapping of assurance."""
    signed_in_before: bool
    """They have had a session, on whatever device."""
    device: Device | None
    """This browser as a device of theirs; met, though perhaps no session ever began on it."""
    not_ended: Session | None
    """Their session that nobody has ended; its time may be over."""
    pushes_elsewhere: bool = False
    """Another browser than this one may approve for them."""

    def without(self, forbidden: Collection[Way], *, verified_approvals: bool) -> KnownPerson:
        """The same person where some ways are forbidden: as if they had none of these."""
        left = taken(self.enrolled, forbidden, verified_approvals=verified_approvals)
        if len(left) == len(self.enrolled):
            return self
        gone = frozenset(one for kind in self.enrolled if kind not in left for one in METHODS[kind])
        return replace(
            self, enrolled=left, methods=self.methods - gone, pushes_elsewhere=self.pushes_elsewhere and "push" in left
        )

    @property
    def out_of_reach(self) -> tuple[FactorKind, ...]:
        """Factors of theirs that cannot let this browser in: no device approves its own login."""
        return () if self.pushes_elsewhere else ("push",)

    @property
    def device_id(self) -> UUID | None:
        """That device's."""
        return self.device.id if self.device is not None else None

    @property
    def was_here(self) -> bool:
        """A session of theirs began on it."""
        return self.device is not None and self.device.sign_ins > 0


@dataclass(frozen=True, slots=True)
class Arrived:
    """The person of a login, as this browser meets them."""

    known: KnownPerson
    account: AccountState
    live: Session | None
    """Their live session, on whatever browser."""
    live_state: SessionState | None
    """What `next_step` reads of it, seen from this browser."""
    demanded: Demanded = NOTHING
    """By the programme of their organisation, or since all that they have is forbidden there."""
    forbidden: frozenset[Way] = frozenset()
    """What their organisation forbids."""

    @property
    def recipient(self) -> Recipient:
        """Whom a notice about this login is for."""
        return Recipient(
            user_id=self.known.user_id, email=self.known.email, name=self.known.name, locale=self.known.locale
        )


class PeopleAtHand(Protocol):
    """Where people are looked up for a login."""

    async def known_person(self, tx: Transaction, user_id: UUID, device_cookie: bytes | None) -> KnownPerson | None:
        """The person; `device_cookie` is the hash of this browser's device cookie. None: there is none, or they
        belong nowhere."""
