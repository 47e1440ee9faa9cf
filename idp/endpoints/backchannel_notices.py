"""A person is told by mail that a client asks for them: with the way to the page, and with nothing that lets one in."""

from __future__ import annotations

from dataclasses import dataclass

from config.connections import Database, Valkey
from idp.clients.client import Client
from idp.directory.account import Account
from idp.directory.preferences import Preferences
from idp.endpoints.account.requests import PATH
from idp.grants.pending import PendingGrant
from notifications import queue
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelNotices:
    """Queues them, in a transaction of their own: the client's answer must not wait for what depends on the person."""

    queue: Queue
    preferences: Preferences
    database: Database
    valkey: Valkey
    issuer: str

    async def tell(self, account: Account | None, client: Client, pending: PendingGrant, correlation_id: str) -> None:
        """Tell whoever is asked, where there is somebody with an address."""
        if account is None or account.email is None:
            return
        lifetime = pending.expires_at - pending.created_at
        async with self.database.begin() as tx:
            notice = Notice(
                kind=NoticeKind.SIGN_IN_REQUEST,
                user_id=account.id,
                to=account.email,
                locale=account.locale,
                name=account.display_name,
                facts={
                    "app": client.name.get(account.locale, client.client_id),
                    "message": pending.binding_message,
                    "at": pending.created_at.isoformat(),
                    "time_zone": await self.preferences.time_zone(tx, account.id),
                    "minutes": str(max(1, round(lifetime.total_seconds() / 60))),
                    "requests": self.issuer + PATH,
                },
                correlation_id=correlation_id,
            )
            await self.queue.put(tx, notice, expires_in=lifetime)
        await queue.poke(self.valkey)
