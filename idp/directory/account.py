"""People and organisations as values, and what the directory's storage must answer about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from pages.look import Look

AccountState = Literal["active", "locked"]
LockReason = Literal["administrator", "response", "not_me"]
"""Who locked an account: an administrator, an automated response, or the person by a link of a notice ("not me")."""
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
    lock_reason: LockReason | None = None
    """Of a locked account, where it is known."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Whom people ask who cannot help themselves; what is empty is not offered."""

    name: str
    email: str = ""
    phone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """How an organisation meets people: its look, and whom they ask. `None`: as the product does."""

    organisation_id: UUID
    look: Look | None
    support: Support | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHome:
    """Where a client belongs, and where its own sign-in begins."""

    organisation_id: UUID | None
    """Whose look its sign-in has."""
    starts: tuple[str, ...] = ()
    """Addresses, one for each of its origins, that begin a sign-in when they are opened (OpenID Connect Core 1.0,
    section 4, `initiate_login_uri`)."""


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

    async def face(self, tx: Transaction, organisation_id: UUID) -> Face | None:
        """How one organisation meets people; `None` where there is no such organisation."""

    async def client_home(self, tx: Transaction, client_id: str) -> ClientHome | None:
        """Where a client belongs; `None` where nobody said."""
