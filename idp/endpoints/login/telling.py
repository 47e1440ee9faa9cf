"""What people are told of logins outside the login itself: attempts that met their session, and new devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from config.connections import Transaction, Valkey
from config.web import correlation_id
from events import outbox
from idp.authorization.attempts import Attempt, Attempts, NotMeAddresses, Outcome, Recipient, Wishes, told_facts
from idp.authorization.login import Login
from idp.devices.sign_in_history import SignInHistory
from idp.endpoints.login.known_person import Arrived
from idp.sessions.session import Session, Visitor
from notifications import queue
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells within the transaction of what is told; `poke` after its commit lets it go out at once."""

    attempts: Attempts
    queue: Queue
    wishes: Wishes
    addresses: NotMeAddresses
    valkey: Valkey
    history: SignInHistory
    """For whoever ends a login in whatever way."""

    async def attempt(
        self, tx: Transaction, request: Request, login: Login, arrived: Arrived | None, outcome: Outcome, now: datetime
    ) -> Login:
        """The login, once the person of the session that it faces was told that it came to nothing; once a login."""
        if arrived is None or arrived.live is None or login.takeover_of != arrived.live.sid or login.told:
            return login
        await self.attempts.tell(
            tx,
            Attempt(
                faced=arrived.live.sid,
                outcome=outcome,
                came_from=login.came_from or {},
                recipient=arrived.recipient,
                at=now,
                correlation_id=correlation_id(request),
            ),
            now,
        )
        return login.was_told()

    async def new_device(self, tx: Transaction, request: Request, person: Recipient, session: Session) -> None:
        """A session began on a device that was never seen with this person."""
        if person.email is None or not await self.wishes.wants(tx, person.user_id, NoticeKind.NEW_DEVICE):
            return
        link = await self.addresses.link(tx, person.user_id, session.sid, session.created_at)
        facts = {**told_facts(came_from(session.visitor), session.created_at), "not_me": link}
        await self.queue.put(
            tx,
            Notice(
                kind=NoticeKind.NEW_DEVICE,
                user_id=person.user_id,
                to=person.email,
                locale=person.locale,
                name=person.name,
                facts=facts,
                correlation_id=correlation_id(request),
            ),
        )

    async def poke(self) -> None:
        """Wake whoever carries events and mails. It never fails."""
        await outbox.poke(self.valkey)
        await queue.poke(self.valkey)


def came_from(visitor: Visitor) -> dict[str, str]:
    """What a login keeps of the browser that came (`Login.came_from`)."""
    return {
        "device": visitor.device_label,
        "browser": visitor.browser,
        "place": visitor.place,
        "network": visitor.network,
        "ip": visitor.ip,
        "device_id": str(visitor.device_id or ""),
    }
