"""One attempt to sign in: its state between the authorization request and the code.

A `Login` is a value. Pages and the dispatcher change it only by the transitions below, save it, and go on to the
dispatcher; what was proven can be added to, and whatever was bound to a live session falls with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction
from idp.authorization.consent import Standing
from idp.authorization.request import AuthorizationRequest
from idp.protocol.assurance import MULTIPLE_FACTORS, proven_again

LONGEST = timedelta(hours=2)
"""How long a login lives at most, however often its person asks for a mail."""


class Linking(msgspec.Struct, frozen=True, kw_only=True):
    """An account of an upstream provider that somebody proved to be theirs, and that is nobody's here yet."""

    provider_id: UUID
    subject: str
    shown: str
    """What its person knows it by; never believed."""


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
    factor_passed: bool = False
    """A second factor passed in this login, whether or not it raises the assurance: what a new device needs."""
    wrong_factors: int = 0
    """How many second factors were wrong."""
    overtaken: bool = False
    """Another login took the faced session over, or began one, before this one could: the person is told so."""
    given_up: bool = False
    """The person gave up where a second factor was asked for: this login is over."""
    told: bool = False
    """The person of the faced session was told that this login came to nothing."""
    came_from: Mapping[str, str] | None = None
    """Whose browser it is: `device`, `browser`, `place`, `network`, `ip`, `device_id` (empty before one is known)."""
    consent: Standing = "unasked"
    """Whether the person was asked what the app may have, and what they said."""
    remember: bool = False
    """The person wants this browser remembered, once a session has begun in it."""
    put_off: bool = False
    """The person put off, in this login, what a phase of a programme asks them to set up."""
    linking: Linking | None = None
    """What the person is asked to link, once they have proved fully who they are here."""

    password_due: datetime | None = None
    """The password that was given was leaked: by then it must be another one."""
    risk: int | None = None
    """How odd this sign-in is for its person, 0 to 100; None: it was not looked at yet."""
    risk_of: tuple[str, ...] = ()
    """What that is made of, the largest share first: `place 41`."""
    odd: bool = False
    """So much that a second factor is due."""

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
            # a passkey with user verification is a first and a second factor
            factor_passed=MULTIPLE_FACTORS in amr,
            overtaken=False,
            given_up=False,
            consent="unasked",
            remember=False,
            password_due=None,
            put_off=False,
            risk=None,
            risk_of=(),
            odd=False,
        )

    def assessed(self, risk: int, made_of: tuple[str, ...], *, odd: bool) -> Login:
        """It was looked at whether the person comes as they always do: once after each first factor."""
        return replace(self, risk=risk, risk_of=made_of, odd=odd)

    def owes_password(self, due: datetime) -> Login:
        """The password that was right was leaked; the person chooses another one, by then at the latest."""
        return replace(self, password_due=due)

    def settled_password(self) -> Login:
        """They chose another one, or put it off."""
        return replace(self, password_due=None)

    def waits_until(self, at: datetime) -> Login:
        """The person waits for a mail: the login goes on until then, though never longer than `LONGEST` in all."""
        return replace(self, expires_at=max(self.expires_at, min(at, self.created_at + LONGEST)))

    def puts_off(self) -> Login:
        """The person does not set up now what they are asked to; ignored where it cannot be put off any more."""
        return replace(self, put_off=True)

    def wants_linking(self, linking: Linking) -> Login:
        """Somebody came from an upstream with an account that is nobody's here."""
        return replace(self, linking=linking)

    def chose_linking(self) -> Login:
        """The person linked the account, or does not want to."""
        return replace(self, linking=None)

    def wants_remembering(self) -> Login:
        """The person who just signed in wants this browser remembered."""
        return replace(self, remember=True)

    def recognised(self, user_id: UUID, amr: tuple[str, ...], at: datetime, sid: str) -> Login:
        """The browser's own live session says who the person is, and how and when they proved it."""
        return replace(self.signed_in(user_id, amr, at), recognised_in=sid)

    def passed_factor(self, amr: tuple[str, ...], at: datetime, *, raises: bool = True) -> Login:
        """A second factor passed; `amr` names it, for example `("otp",)`. It counts for the faced session only.

        `raises` is whether it makes the authentication one of several factors; it confirms a takeover either way.
        """
        if self.user_id is None:
            raise ValueError("a second factor needs a first")
        anew = (*amr, *((MULTIPLE_FACTORS,) if raises else ()))
        methods = proven_again(self.amr, anew) if self.recognised_in is not None else dict.fromkeys((*self.amr, *anew))
        return replace(
            self,
            amr=tuple(methods),
            authenticated_at=at,
            factor_passed=True,
            takeover_factor=self.takeover_of is not None,
        )

    def missed_factor(self) -> Login:
        """A second factor was wrong."""
        return replace(self, wrong_factors=self.wrong_factors + 1)

    def facing(self, live: str | None) -> Login:
        """The session that lives now. If it is another one than before, factor and choice must be given anew."""
        if live == self.takeover_of:
            return self
        faster = self.takeover_of is not None and live is not None
        return replace(
            self,
            takeover_of=live,
            takeover_factor=False,
            takes_over=False,
            overtaken=self.overtaken or faster,
            told=False,
        )

    def was_overtaken(self) -> Login:
        """Another session began at the very moment when this login was about to begin its own."""
        return replace(self, overtaken=True)

    def coming_from(self, visitor: Mapping[str, str]) -> Login:
        """Whose browser it is, for the person of the session that it meets to be told."""
        return replace(self, came_from=dict(visitor))

    def chose_takeover(self, sid: str) -> Login:
        """The person chose to end the session that the page showed; ignored if it is no longer the one faced."""
        return replace(self, takes_over=True) if sid == self.takeover_of else self

    def chose_keep(self) -> Login:
        """The person chose to keep the other session."""
        return replace(self, kept=True, takes_over=False)

    def gave_up(self) -> Login:
        """The person did not want to, or could not, give a second factor."""
        return replace(self, given_up=True, takes_over=False)

    def was_told(self) -> Login:
        """The person of the faced session was told of this login."""
        return replace(self, told=True)

    def answered(self, consent: Standing) -> Login:
        """The person said what the app may have, or need not be asked."""
        return replace(self, consent=consent)

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

    async def forget_person(self, tx: Transaction, user_id: UUID) -> int:
        """Forget the logins of a person, as far as one has proved to be them. Call it before the person is locked.

        Returns how many.
        """

    async def forget_others(self, tx: Transaction, login: Login) -> int:
        """`forget_person` for the person of a login that goes on: all but this one, which is locked with them."""
