"""What an administrator does to sessions, organisations and deliveries, each act in one transaction with its record."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from msgspec import UNSET

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Valkey
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.documents import Channel, Ended, OrganisationDocument, OrganisationRequest
from idp.administration.looks import asked_look
from idp.administration.record import record
from idp.administration.registry import Deliveries, Directory, Organisations, Rules, Sessions
from idp.administration.scope import Administrator
from idp.authorization.login_rules import LoginRules
from idp.directory.account import Face, Support
from idp.sessions.one_session import OneSession
from notifications import queue as notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """Everything that the API changes but people."""

    database: Database
    valkey: Valkey
    clock: Clock
    one_session: OneSession
    sessions: Sessions
    organisations: Organisations
    deliveries: Deliveries
    directory: Directory
    rules: Rules

    async def end_session(self, who: Administrator, sid: str, why: str) -> Ended:
        """End a live session of one of the caller's organisations, and tell its person."""
        async with self.database.begin() as tx:
            found = await self.sessions.find(tx, sid)
            if found is None or found.organisation_id not in who.organisations:
                raise Problem(problems.NOT_FOUND)
            if sid == who.sid or found.user_id == who.user_id:
                raise Problem(problems.YOURSELF)
            ended = await self.one_session.end(tx, sid, "administrator", correlation_id=who.correlation_id)
            if ended is None:
                raise Problem(problems.ENDED_ALREADY)
            details = {"why": why, "reason": ended.end_reason}
            await record(tx, who, Kind.SESSION_END_ORDERED, str(found.user_id), details, sid=sid)
        await self._poke()
        assert ended.ended_at is not None
        assert ended.end_reason is not None
        return Ended(sid, ended.ended_at, ended.end_reason)

    async def change_organisation(
        self, who: Administrator, organisation_id: UUID, asked: OrganisationRequest
    ) -> OrganisationDocument:
        """Make an organisation what is asked, and tell every node that keeps it in memory."""
        look = asked_look(asked.look)
        support = None
        if asked.support is not None:
            given = asked.support
            support = Support(name=given.name.strip(), email=given.email, phone=given.phone, url=given.url)
        async with self.database.begin() as tx:
            if organisation_id not in who.organisations:
                raise Problem(problems.NOT_FOUND)
            before = await self.organisations.claim(tx, organisation_id)
            if before is None:
                raise Problem(problems.NOT_FOUND)
            if before.version != asked.version:
                raise Problem(problems.CHANGED_MEANWHILE)
            rules = LoginRules(
                asked.duplicate_login,
                asked.new_device_factor,
                text_countries=before.text_countries if asked.text_countries is UNSET else asked.text_countries,
                sign_in_links=before.sign_in_links if asked.sign_in_links is UNSET else asked.sign_in_links,
            )
            await self.rules.put_login_rules(tx, organisation_id, rules)
            await self.organisations.put_recovery_wait(tx, organisation_id, asked.recovery_wait_hours)
            face = Face(organisation_id=organisation_id, look=look, support=support)
            await self.directory.put_face(tx, face)
            after = await self.organisations.claim(tx, organisation_id)
            assert after is not None
            details = {"why": asked.why, "changed": _differences(before, after), "version": after.version}
            await record(tx, who, Kind.ORGANISATION_CHANGED, str(organisation_id), details)
        await outbox.poke(self.valkey)
        return after

    async def retry(self, who: Administrator, channel: Channel, ident: UUID, why: str) -> None:
        """Let a dead letter wait again."""
        async with self.database.begin() as tx:
            retried = await self.deliveries.retry(tx, who.organisations, channel, ident, self.clock.now())
            if retried is None:
                raise Problem(problems.NOT_FOUND)
            if not retried:
                raise Problem(problems.NOT_TO_RETRY)
            details = {"why": why, "channel": channel}
            await record(tx, who, Kind.DELIVERY_RETRIED, str(ident), details)
        await self._poke()

    async def _poke(self) -> None:
        await outbox.poke(self.valkey)
        await notices.poke(self.valkey)


def _differences(before: OrganisationDocument, after: OrganisationDocument) -> list[str]:
    changeable = (
        "duplicate_login",
        "new_device_factor",
        "recovery_wait_hours",
        "text_countries",
        "sign_in_links",
        "look",
        "support",
    )
    return [name for name in changeable if getattr(before, name) != getattr(after, name)]
