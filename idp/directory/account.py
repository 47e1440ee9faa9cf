"""People and organisations as values, and what the directory's storage must answer about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction

AccountState = Literal["active", "locked"]
DuplicateLogin = Literal["ask", "take_over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person."""

    id: UUID
    login_name: str
    """The name that was asked for, or the person's first."""
    display_name: str
    email: str | None
    locale: str
    """`ko` or `en`."""
    state: AccountState
    version: int
    """Rises with every change of the account."""

    @property
    def may_sign_in(self) -> bool:
        return self.state == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One organisation: the house itself, a business customer, or a vendor."""

    id: UUID
    name: str
    time_zone: str
    """A name of the IANA time zone database."""
    duplicate_login: DuplicateLogin | None
    """What happens at a second login; `None`: as `session.duplicate_login` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A person in an organisation."""

    user_id: UUID
    organisation: Organisation
    roles: tuple[str, ...]


class Directory(Protocol):
    """What the directory's storage answers."""

    async def account_by_login_name(self, tx: Transaction, name: str) -> Account | None:
        """The person of a name in its normal form (`login_name.normalise`)."""

    async def account(self, tx: Transaction, user_id: UUID) -> Account | None:
        """One person."""

    async def home(self, tx: Transaction, user_id: UUID) -> Membership | None:
        """The organisation that a person acts for when they name none: the one they joined first."""

    async def find_membership(self, tx: Transaction, user_id: UUID, organisation_id: UUID) -> Membership | None:
        """A person's roles in one organisation."""
