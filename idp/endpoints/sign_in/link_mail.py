"""Sending a link that signs in: to whoever has the name that was typed, after everybody got the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.authorization.login import Login
from idp.authorization.login_rules import LoginRulesCache
from idp.credentials.throttle import Allowance, Throttle, TooMany
from idp.directory.account import Account, Directory
from idp.directory.cache import FaceCache
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Preferences
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.factors.sign_in_link import LinkKey, SignInLink, SignInLinks, new_token, token_hash
from notifications.notice import NoticeKind
from notifications.queue import Queue

OPEN: Final = "/sign-in/mail/open"
"""Where links lead."""
LINKS_OF_ACCOUNT: Final = Allowance("link-account", 5, 1800)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMail:
    """Sends links, to people whose organisation wants them."""

    shared: LoginPages
    directory: Directory
    faces: FaceCache
    rules: LoginRulesCache
    links: SignInLinks
    key: LinkKey
    queue: Queue
    preferences: Preferences
    throttle: Throttle
    issuer: str
    lifetime: timedelta
    by_default: bool
    """Whether links are sent where no organisation says anything."""

    async def offered(self, login: Login) -> bool:
        """Whether the page of a login offers one: what the client's organisation wants."""
        home = await self.faces.home(login.client_id)
        if home is None or home.organisation_id is None:
            return self.by_default
        return (await self.rules.at_hand(self.shared.database, home.organisation_id)).sign_in_links is True

    async def offered_within(self, tx: Transaction, login: Login) -> bool:
        """`offered`, for whoever has a transaction open."""
        home = await self.faces.home_within(tx, login.client_id)
        if home is None or home.organisation_id is None:
            return self.by_default
        return (await self.rules.of(tx, home.organisation_id)).sign_in_links is True

    async def send(self, request: Request, login_id: UUID, name: str | None) -> None:
        """Send a link to the person of a name, if there is one who may have it."""
        shared = self.shared
        async with shared.database.connect() as tx:
            account = await self.directory.account_by_login_name(tx, name) if name is not None else None
            if account is None or account.email is None or not await self._may_have(tx, account):
                return
            arrived = await shared.arrivals.arrived(tx, request, account.id, shared.clock.now())
        here = arrived.known.device_id if arrived is not None and arrived.known.was_here else None
        try:  # a device of theirs has a limit of its own: strangers who type their name use up nothing of it
            await self.throttle.attempt(LINKS_OF_ACCOUNT, f"{account.id}\0{here}" if here else str(account.id))
        except TooMany:
            return  # those that were sent are good for about as long as this lasts
        async with shared.database.begin() as tx:
            now = shared.clock.now()
            login = await shared.logins.claim(tx, login_id, now)
            if login is None or login.user_id is not None:
                return  # it went on meanwhile
            token, came = new_token(shared.entropy), visitor(request, None)
            told = {
                "device": came.device_label,
                "browser": came.browser,
                "place": came.place,
                "network": came.network,
            }
            link = SignInLink(
                login_id=login.id,
                token_hash=token_hash(token),
                code_digest=self.key.code_digest(self.key.digits(token), login.id, account.id),
                user_id=account.id,
                sent_to=account.email,
                asked_from=told,
                created_at=now,
                expires_at=min(now + self.lifetime, login.expires_at),
            )
            await self.links.put_link(tx, link)
            notice = notice_to(
                account,
                account.email,
                NoticeKind.SIGN_IN_LINK,
                {
                    "link": f"{self.issuer}{OPEN}?{urlencode({'token': token})}",
                    "minutes": str(max(1, int((link.expires_at - now).total_seconds()) // 60)),
                    **told,
                    "at": now.isoformat(),
                    "time_zone": await self.preferences.time_zone(tx, account.id),
                },
                correlation_id(request),
            )
            await self.queue.put(tx, notice)
            details = {"client": login.client_id}
            await record_attempt(tx, request, Kind.SIGN_IN_LINK_ASKED, subject=str(account.id), details=details)
        await shared.telling.poke()

    async def _may_have(self, tx: Transaction, account: Account) -> bool:
        home = await self.directory.home(tx, account.id)
        if home is None or not account.may_sign_in:
            return False
        return (await self.rules.of(tx, home.organisation.id)).sign_in_links is True
