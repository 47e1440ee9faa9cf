"""What administrators do to clients, each act in one transaction with its record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.client_documents import (
    ClientDocument,
    ClientEntry,
    ClientIssued,
    ClientList,
)
from idp.administration.page import Page
from idp.administration.record import record
from idp.administration.scope import Administrator
from idp.clients.client import Client
from idp.clients.invalid import InvalidRegistration
from idp.clients.register import ClientRegister, Reach, Registered
from idp.clients.registrar import Issued, Registrar
from idp.clients.registration import ADMINISTRATOR, registered_members


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientActs:
    """Everything that the API shows and changes of clients."""

    database: Database
    valkey: Valkey
    clock: Clock
    registrar: Registrar
    register: ClientRegister
    operator: UUID
    """The organisation whose administrators look after the clients that are no organisation's."""
    own: Collection[str]
    """Clients that are parts of the house: they look after themselves."""

    async def clients(self, who: Administrator, name: str, page: Page) -> ClientList:
        async with self.database.connect() as tx:
            found = await self.register.page(tx, self._reach(who), name=name, after=page.after, limit=page.limit + 1)
        entries = [_entry(one) for one in found]
        shown, following = page.cut(entries, lambda one: one.client_id)
        return ClientList(tuple(shown), following)

    async def client(self, who: Administrator, client_id: str) -> ClientDocument:
        async with self.database.connect() as tx:
            return document(await self._find(tx, who, client_id))

    async def add(
        self,
        who: Administrator,
        metadata: Mapping[str, object],
        why: str,
        *,
        client_id: str | None,
        organisation_id: UUID | None,
    ) -> ClientIssued:
        """Register a client for an organisation of the caller's, or for the house."""
        if not self._reach(who).holds(organisation_id):
            raise Problem(problems.NOT_FOUND)
        client = await self._read(metadata, client_id=client_id, organisation_id=organisation_id)
        async with self.database.begin() as tx:
            try:
                issued = await self.registrar.add(tx, client, self.clock.now())
            except InvalidRegistration as error:
                raise Problem(problems.CLIENT_REFUSED, error.description) from error
            if issued is None:
                raise Problem(problems.CLIENT_ID_TAKEN)
            await self._record(tx, who, Kind.CLIENT_REGISTERED, issued.registered, {"why": why})
        await outbox.poke(self.valkey)
        return _issued(issued)

    async def change(
        self, who: Administrator, client_id: str, version: int, metadata: Mapping[str, object], why: str
    ) -> ClientIssued:
        """Make what is registered of a client what is asked."""
        async with self.database.connect() as tx:
            found = await self._find(tx, who, client_id)
        client = await self._read(metadata, current=found.client)
        async with self.database.begin() as tx:
            claimed = await self._claim(tx, who, client_id, version)
            if claimed.version != found.version:  # what was read is older than what the caller has seen
                raise Problem(problems.CHANGED_MEANWHILE)
            try:
                issued = await self.registrar.change(tx, claimed, client, self.clock.now())
            except InvalidRegistration as error:
                raise Problem(problems.CLIENT_REFUSED, error.description) from error
            details = {"why": why, "changed": differences(claimed.client, client)}
            await self._record(tx, who, Kind.CLIENT_CHANGED, issued.registered, details)
        await outbox.poke(self.valkey)
        return _issued(issued)

    async def switch(
        self, who: Administrator, client_id: str, version: int, why: str, *, enabled: bool
    ) -> ClientDocument:
        """Switch a client off, or on again."""
        async with self.database.begin() as tx:
            claimed = await self._claim(tx, who, client_id, version)
            switched = await self.registrar.switch(tx, claimed, self.clock.now(), enabled=enabled)
            kind = Kind.CLIENT_ENABLED if enabled else Kind.CLIENT_DISABLED
            await self._record(tx, who, kind, switched, {"why": why})
        await outbox.poke(self.valkey)
        return document(switched)

    async def new_secret(self, who: Administrator, client_id: str, version: int, why: str) -> ClientIssued:
        """Another secret; the one that it had is good no longer."""
        async with self.database.begin() as tx:
            claimed = await self._claim(tx, who, client_id, version)
            try:
                issued = await self.registrar.new_secret(tx, claimed, self.clock.now())
            except InvalidRegistration as error:
                raise Problem(problems.NO_SECRET) from error
            await self._record(tx, who, Kind.CLIENT_SECRET_CHANGED, issued.registered, {"why": why})
        await outbox.poke(self.valkey)
        return _issued(issued)

    async def remove(self, who: Administrator, client_id: str, version: int, why: str) -> None:
        """Forget a client, and whatever it could still renew, redeem or be told."""
        async with self.database.begin() as tx:
            found = await self._find(tx, who, client_id)
            self._refuse_own(found)
            if found.version != version:
                raise Problem(problems.CHANGED_MEANWHILE)
            if not await self.registrar.remove(tx, client_id):
                raise Problem(problems.NOT_FOUND)
            await self._record(tx, who, Kind.CLIENT_REMOVED, found, {"why": why})
        await outbox.poke(self.valkey)

    def _reach(self, who: Administrator) -> Reach:
        return reach_of(who, self.operator)

    async def _find(self, tx: Transaction, who: Administrator, client_id: str, *, claim: bool = False) -> Registered:
        found = None if "\0" in client_id else await self.register.find(tx, client_id, claim=claim)
        if found is None or not self._reach(who).holds(found.client.organisation_id):
            raise Problem(problems.NOT_FOUND)
        return found

    async def _claim(self, tx: Transaction, who: Administrator, client_id: str, version: int) -> Registered:
        claimed = await self._find(tx, who, client_id, claim=True)
        self._refuse_own(claimed)
        if claimed.version != version:
            raise Problem(problems.CHANGED_MEANWHILE)
        return claimed

    def _refuse_own(self, found: Registered) -> None:
        if found.client.client_id in self.own:
            raise Problem(problems.PART_OF_THE_HOUSE)

    async def _read(
        self,
        metadata: Mapping[str, object],
        *,
        client_id: str | None = None,
        organisation_id: UUID | None = None,
        current: Client | None = None,
    ) -> Client:
        members = {name: value for name, value in metadata.items() if name != "client_id"}
        try:
            return await self.registrar.read(
                members, ADMINISTRATOR, client_id=client_id, organisation_id=organisation_id, current=current
            )
        except InvalidRegistration as error:
            raise Problem(problems.CLIENT_REFUSED, error.description) from error

    async def _record(
        self, tx: Transaction, who: Administrator, kind: Kind, found: Registered, details: Mapping[str, object]
    ) -> None:
        await record(
            tx, who, kind, found.client.client_id, {**details, **of_organisation(found.client.organisation_id)}
        )


def document(found: Registered) -> ClientDocument:
    """A client as it is shown; nothing in it is secret."""
    members = registered_members(found.client)
    del members["client_id"]
    return ClientDocument(
        client_id=found.client.client_id,
        version=found.version,
        organisation_id=found.client.organisation_id,
        enabled=found.client.enabled,
        self_registered=found.token_hash is not None,
        created_at=found.created_at,
        updated_at=found.updated_at,
        metadata=members,
    )


def differences(before: Client, after: Client) -> list[str]:
    """The members that are registered otherwise than before."""
    was, now = registered_members(before), registered_members(after)
    return sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))


def _issued(issued: Issued) -> ClientIssued:
    return ClientIssued(client=document(issued.registered), client_secret=issued.secret)


def reach_of(who: Administrator, operator: UUID) -> Reach:
    """Whose clients an administrator looks after."""
    return Reach(who.organisations, operator in who.organisations)


def of_organisation(organisation_id: UUID | None) -> dict[str, object]:
    """What a record says of where something belongs."""
    return {"organisation_id": str(organisation_id)} if organisation_id is not None else {}


def _entry(found: Registered) -> ClientEntry:
    client = found.client
    return ClientEntry(
        client_id=client.client_id,
        name=client.name,
        organisation_id=client.organisation_id,
        auth_method=client.auth_method,
        grant_types=client.grant_types,
        profile=client.metadata.profile,
        enabled=client.enabled,
        self_registered=found.token_hash is not None,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )
