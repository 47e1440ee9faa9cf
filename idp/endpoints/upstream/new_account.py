"""Accounts that are made at first sight, where an organisation wants that (just-in-time provisioning)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from idp.directory.account import Account, Directory
from idp.endpoints.login.login_page import record_attempt
from idp.federation.identity import Described
from idp.federation.links import Link, Links
from idp.federation.provider import UpstreamProvider

NAME_SIZE = 8
"""Random bytes of a login name of whoever has no mail address of the organisation's."""


class AccountKeeping(Directory, Protocol):
    """Where people are kept."""

    async def add_account(self, tx: Transaction, account: Account, now: datetime) -> bool:
        """Keep a new person under their login name."""

    async def put_membership(
        self, tx: Transaction, user_id: UUID, organisation_id: UUID, roles: tuple[str, ...], now: datetime
    ) -> None:
        """Make a person a member in exactly these roles."""


class NewAccounts:
    """Makes them."""

    def __init__(self, directory: AccountKeeping, links: Links, clock: Clock, entropy: Entropy) -> None:
        self.directory = directory
        self._links = links
        self._clock = clock
        self._entropy = entropy

    async def make(
        self,
        tx: Transaction,
        request: Request,
        provider: UpstreamProvider,
        subject: str,
        told: Described,
        *,
        locale: str,
    ) -> Link | None:
        """A person of the provider's organisation, linked to this account; the provider is claimed.

        None where it does not want that, and where somebody has the mail address for a name already: a mail address is
        never taken for a proof of who somebody is, so they prove it, and link.
        """
        if not provider.just_in_time:
            return None
        name = told.email or f"member-{self._entropy.token(NAME_SIZE).lower()}"
        if await self.directory.account_by_login_name(tx, name) is not None:
            return None
        now = self._clock.now()
        account = Account(
            id=self._entropy.uuid(),
            login_name=name,
            display_name=told.name or told.shown,
            email=told.email,
            locale=locale,
            state="active",
            version=1,
        )
        if not await self.directory.add_account(tx, account, now):
            return None
        await self.directory.put_membership(tx, account.id, provider.organisation_id, provider.roles, now)
        link = Link(provider_id=provider.id, subject=subject, user_id=account.id, shown=told.shown, linked_at=now)
        await self._links.add(tx, link)
        details = {"provider": str(provider.id), "organisation": str(provider.organisation_id)}
        await record_attempt(tx, request, Kind.ACCOUNT_CREATED, subject=str(account.id), details=details)
        return link
