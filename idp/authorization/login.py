"""One attempt to sign in: its state between the authorization request and the code.

A `Login` is a value. Pages and the dispatcher change it only by the transitions below, save it, and go on to the
dispatcher; what was proven can be added to, and whatever was bound to a live session falls with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.authorization.request import AuthorizationRequest
from idp.protocol.assurance import MULTIPLE_FACTORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One attempt to sign in, by one browser, for one client."""

    id: UUID
    request: AuthorizationRequest
    client_id: str
    locale: str
    """`ko` or `en`."""
    created_at: datetime
    expires_at: datetime
    browser_hash: bytes
    """SHA-256 of the value of the browser's login cookie: nobody else's browser may go on with this login."""
    name_hint: str | None = None
    """What stands in the name field: the client's `login_hint`, then what the person typed."""
    user_id: UUID | None = None
    amr: tuple[str, ...] = ()
    """How the person was authenticated so far (RFC 8176); `mfa` once a second factor passed."""
    authenticated_at: datetime | None = None
    recognised_in: str | None = None
    """The browser's own session (sid) from which it was taken who the person is: true while that session lives."""
    takeover_of: str | None = None
    """The live session (sid) that this login faces: the factor and the choice below are about that one alone."""
    takeover_factor: bool = False
    """A second factor passed while facing `takeover_of`."""
    takes_over: bool = False
    """The person chose to end `takeover_of`."""
    kept: bool = False
    """The person chose to keep the other session: this login is over, and did not fail."""
    session: str | None = None
    """The session (sid) that this login began or joined; what follows is the code."""

    def named(self, name: str) -> Login:
        """The person typed a name; nothing is proven by it."""
        return replace(self, name_hint=name)

    def signed_in(self, user_id: UUID, amr: tuple[str, ...], at: datetime) -> Login:
        """A first factor (or a passkey) passed. Whatever an earlier person proved in this login is gone."""
        return replace(
            self,
            user_id=user_id,
            amr=amr,
            authenticated_at=at,
            recognised_in=None,
            takeover_of=None,
            takeover_factor=False,
            takes_over=False,
            kept=False,
            session=None,
        )

    def recognised(self, user_id: UUID, amr: tuple[str, ...], at: datetime, sid: str) -> Login:
        """The browser's own live session says who the person is, and how and when they proved it."""
        return replace(self.signed_in(user_id, amr, at), recognised_in=sid)

    def passed_factor(self, amr: tuple[str, ...], at: datetime) -> Login:
        """A second factor passed; `amr` names it, for example `("otp",)`. It counts for the faced session only."""
        if self.user_id is None:
            raise ValueError("a second factor needs a first")
        methods = dict.fromkeys((*self.amr, *amr, MULTIPLE_FACTORS))
        return replace(self, amr=tuple(methods), authenticated_at=at, takeover_factor=self.takeover_of is not None)

    def facing(self, live: str | None) -> Login:
        """The session that lives now. If it is another one than before, factor and choice must be given anew."""
        if live == self.takeover_of:
            return self
        return replace(self, takeover_of=live, takeover_factor=False, takes_over=False)

    def chose_takeover(self, sid: str) -> Login:
        """The person chose to end the session that the page showed; ignored if it is no longer the one faced."""
        return replace(self, takes_over=True) if sid == self.takeover_of else self

    def chose_keep(self) -> Login:
        """The person chose to keep the other session."""
        return replace(self, kept=True, takes_over=False)

    def in_session(self, sid: str) -> Login:
        """A session was begun or joined."""
        return replace(self, session=sid)


class Logins(Protocol):
    """Where logins are kept."""

    async def add(self, tx: Transaction, login: Login) -> None:
        """Keep a login that begins."""

    async def find(self, tx: Transaction, login_id: UUID, now: datetime) -> Login | None:
        """A login that goes on; None once it is over, or its time is. For pages that only show."""

    async def claim(self, tx: Transaction, login_id: UUID, now: datetime) -> Login | None:
        """`find`, and nobody else changes it before this transaction is over. For whoever saves."""

    async def save(self, tx: Transaction, login: Login) -> None:
        """Keep what changed in a claimed login."""

    async def finish(self, tx: Transaction, login: Login) -> None:
        """A claimed login is over: its code was issued, or its client was told that there will be none."""
