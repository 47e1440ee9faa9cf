"""What an administrator looks at: lists by page, and single things."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from config.clock import Clock
from config.connections import Database
from config.problem import Problem
from idp.administration import problems
from idp.administration.documents import (
    ChangeList,
    Channel,
    DeliveryList,
    DeliveryState,
    FactorEntry,
    OrganisationDocument,
    OrganisationList,
    PersonDocument,
    PersonList,
    SessionEntry,
    SessionList,
    SignInEntry,
    SignInList,
)
from idp.administration.page import Page
from idp.administration.registry import Deliveries, History, Organisations, People, Scope, Sessions, SignIns
from idp.administration.scope import Administrator, EntryCursor, MomentCursor, NameCursor
from idp.administration.session_document import SessionDocument
from idp.devices.sign_in_history import Cursor as HistoryCursor
from idp.devices.sign_in_history import Told
from idp.factors.metadata_file import MetadataFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that the API shows."""

    database: Database
    clock: Clock
    people: People
    sessions: Sessions
    sign_ins: SignIns
    organisations: Organisations
    deliveries: Deliveries
    history: History
    models: MetadataFile

    async def list_people(self, who: Administrator, name: str, page: Page) -> PersonList:
        async with self.database.connect() as tx:
            found = await self.people.people(
                tx,
                who.organisations,
                name=name,
                after=page.cursor(NameCursor.decode),
                now=self.clock.now(),
                limit=page.limit + 1,
            )
        shown, following = page.cut(found, lambda one: NameCursor(one.display_name, one.id).encode())
        return PersonList(tuple(shown), following)

    async def person(self, who: Administrator, user_id: UUID) -> PersonDocument:
        async with self.database.connect() as tx:
            found = await self.people.person(tx, who.organisations, user_id, self.clock.now())
        if found is None:
            raise Problem(problems.NOT_FOUND)
        found = msgspec.structs.replace(found, factors=tuple(self._named(one) for one in found.factors))
        if found.session is None:
            return found
        return msgspec.structs.replace(found, session=_marked(found.session, who))

    def _named(self, factor: FactorEntry) -> FactorEntry:
        """With what is known of its model now."""
        if not factor.aaguid:
            return factor
        model, refused = self.models.name_of(factor.aaguid), self.models.refused_model(factor.aaguid)
        return msgspec.structs.replace(factor, model=model, model_refused=refused)

    async def list_sign_ins(self, who: Administrator, user_id: UUID, page: Page) -> SignInList:
        """A person's attempts to sign in, of whatever organisation: for who administers all of theirs."""
        before = page.cursor(EntryCursor.decode)
        async with self.database.connect() as tx:
            if await self.people.person(tx, who.organisations, user_id, self.clock.now()) is None:
                raise Problem(problems.NOT_FOUND)
            if not await self.people.is_within(tx, who.organisations, user_id):
                raise Problem(problems.NOT_YOURS_ALONE)
            found = await self.sign_ins.page(
                tx,
                user_id,
                outcomes=(),
                before=HistoryCursor(*before) if before else None,
                limit=page.limit + 1,
            )
        told = [_told(one) for one in found]
        shown, following = page.cut(told, lambda one: EntryCursor(one.at, one.id).encode())
        return SignInList(tuple(shown), following)

    async def list_sessions(
        self, who: Administrator, *, organisation: UUID | None, name: str, place: str | None, page: Page
    ) -> SessionList:
        async with self.database.connect() as tx:
            found = await self.sessions.live(
                tx,
                _narrowed(who, organisation),
                name=name,
                place=place,
                before=page.cursor(MomentCursor.decode),
                now=self.clock.now(),
                limit=page.limit + 1,
            )
        shown, following = page.cut(found, lambda one: MomentCursor(one.created_at, one.sid).encode())
        return SessionList(tuple(_marked(entry, who) for entry in shown), following)

    async def session(self, who: Administrator, sid: str) -> SessionDocument:
        async with self.database.connect() as tx:
            found = await self.sessions.document(tx, who.organisations, sid, self.clock.now())
        if found is None:
            raise Problem(problems.NOT_FOUND)
        return msgspec.structs.replace(found, own=found.user_id == who.user_id)

    async def list_organisations(self, who: Administrator) -> OrganisationList:
        async with self.database.connect() as tx:
            return OrganisationList(tuple(await self.organisations.organisations(tx, who.organisations)))

    async def organisation(self, who: Administrator, organisation_id: UUID) -> OrganisationDocument:
        async with self.database.connect() as tx:
            found = await self.organisations.organisations(tx, who.organisations & {organisation_id})
        if not found:
            raise Problem(problems.NOT_FOUND)
        return found[0]

    async def list_changes(self, who: Administrator, organisation_id: UUID, page: Page) -> ChangeList:
        """What was changed of an organisation of the caller's."""
        if organisation_id not in who.organisations:
            raise Problem(problems.NOT_FOUND)
        before = page.cursor(_change_cursor)
        async with self.database.connect() as tx:
            found = await self.history.changes(tx, organisation_id, before=before, limit=page.limit + 1)
        shown, following = page.cut(found, lambda one: MomentCursor(one.at, str(one.id)).encode())
        return ChangeList(tuple(shown), following)

    async def list_deliveries(
        self, who: Administrator, channel: Channel, state: DeliveryState, page: Page
    ) -> DeliveryList:
        before = page.cursor(EntryCursor.decode)
        async with self.database.connect() as tx:
            found = await self.deliveries.deliveries(
                tx,
                who.organisations,
                channel,
                state,
                before=before,
                now=self.clock.now(),
                limit=page.limit + 1,
            )
        shown, following = page.cut(found, lambda one: EntryCursor(one.created_at, one.id).encode())
        return DeliveryList(tuple(shown), following)


def _change_cursor(text: str) -> MomentCursor:
    found = MomentCursor.decode(text)
    if not (found.id.isascii() and found.id.isdigit() and len(found.id) <= 18):
        raise ValueError("not a cursor")
    return found


def _narrowed(who: Administrator, organisation: UUID | None) -> Scope:
    return who.organisations if organisation is None else who.organisations & {organisation}


def _told(told: Told) -> SignInEntry:
    one = told.sign_in
    return SignInEntry(
        id=one.id,
        at=one.at,
        outcome=one.outcome,
        amr=one.amr,
        device=one.device_label,
        browser=one.browser,
        place=one.place,
        network=one.network,
        ip=one.ip,
        client_id=one.client_id,
        ended_at=told.ended_at,
        end_reason=told.end_reason,
        risk=one.risk,
        risk_of=one.risk_of,
    )


def _marked(entry: SessionEntry, who: Administrator) -> SessionEntry:
    return msgspec.structs.replace(entry, own=entry.user_id == who.user_id)
