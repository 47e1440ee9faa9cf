"""By what a person signs in whose password a phase of their organisation's programme has closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

from starlette.requests import Request

from config.connections import Transaction
from idp.authorization.login import Login
from idp.devices.identification import DEVICE_COOKIE, cookie_hash
from idp.directory.account import Account
from idp.endpoints.login.demanding import Demanding
from idp.endpoints.login.known_person import KnownPerson, PeopleAtHand
from idp.endpoints.sign_in.link_mail import LinkMail
from idp.protocol.assurance import demanded_assurance
from idp.rollout.phases import Method

Approvals = Literal["off", "first", "both"]
"""What an approval on another device is worth by itself."""
OPEN: Final[frozenset[Method]] = frozenset()


class ClosedPasswords:
    """It closes for those alone who have one of the ways that the phase brings, and who get in by it in this very
    login: nobody is locked out by it."""

    def __init__(self, demanding: Demanding, people: PeopleAtHand, links: LinkMail, *, approvals: Approvals) -> None:
        self._demanding = demanding
        self._people = people
        self._links = links
        self._approvals = approvals

    async def instead(
        self, tx: Transaction, request: Request, login: Login, account: Account, now: datetime
    ) -> frozenset[Method]:
        """The ways of whoever has typed the right password; none: it signs them in."""
        if not await self._demanding.closes_passwords(tx):
            return OPEN
        known = await self._people.known_person(tx, account.id, cookie_hash(request.cookies.get(DEVICE_COOKIE)))
        if known is None:
            return OPEN
        by_link = login.linking is None and await self._links.offered_within(tx, login)
        found = await self._demanding.of(
            tx,
            account.id,
            known.organisation_id,
            enrolled=known.enrolled,
            has_mail=known.email is not None,
            now=now,
            alone=frozenset(_alone(known, self._approvals, _level(login), by_link=by_link)),
        )
        return found.instead


def _alone(known: KnownPerson, approvals: Approvals, level: int, *, by_link: bool) -> Iterator[Method]:
    """What signs this person in without a password, by this browser, up to a level of assurance.

    No device approves its own login, and an approval is no second factor after an approval. Mail is none after mail:
    whoever has factors must be able to give one after a link, and whoever has none reaches the first level by it.
    """
    yield "passkey"
    others = set(known.enrolled) - {"push"}
    if known.pushes_elsewhere and (approvals == "both" or (approvals == "first" and others)):
        yield "push"
    if by_link and (set(known.enrolled) - set(known.out_of_reach) if known.enrolled else level <= 1):
        yield "link"


def _level(login: Login) -> int:
    return max(demanded_assurance(login.request.acr_values), demanded_assurance(login.request.essential_acr))
