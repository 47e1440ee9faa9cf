"""Every client there is, for whoever may run a command on a machine of the house: `munjigi clients`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from config.web import new_correlation_id
from events import outbox
from idp.clients.client import Client
from idp.clients.register import Reach, Registered
from idp.clients.registrar import Issued, Registrar
from idp.clients.registration import ADMINISTRATOR
from idp.every_session import OPERATOR
from idp.registrars import own_clients, registrar
from idp.storage import client_register
from idp.storage.administered_organisations import every_organisation

PAGE = 200


class NotDone(Exception):
    """It was not done, and nothing has changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Added:
    """What came of registering a client."""

    issued: Issued
    new: bool
    """False: it was there, as it is asked for."""


class EveryClient:
    """Acts upon clients, each with its record."""

    def __init__(self, database: Database, valkey: Valkey, acts: Registrar, clock: Clock, own: frozenset[str]) -> None:
        self._database = database
        self._valkey = valkey
        self._acts = acts
        self._clock = clock
        self._own = own

    async def all(self, name: str = "") -> Sequence[Registered]:
        """Those whose id or name holds `name`, by id."""
        found: list[Registered] = []
        async with self._database.connect() as tx:
            reach = Reach(await every_organisation(tx), house=True)
            while True:
                after = found[-1].client.client_id if found else ""
                more = await client_register.page(tx, reach, name=name, after=after, limit=PAGE)
                found += more
                if len(more) < PAGE:
                    return found

    async def one(self, client_id: str) -> Registered:
        """Raises `NotDone` where there is none."""
        async with self._database.connect() as tx:
            return await self._find(tx, client_id)

    async def add(
        self, metadata: Mapping[str, object], why: str, *, client_id: str | None, organisation_id: UUID | None
    ) -> Added:
        """Register a client; one that is there as it is asked for stays as it is.

        Raises `InvalidRegistration`, and `NotDone` where it is there otherwise.
        """
        client = await self._acts.read(metadata, ADMINISTRATOR, client_id=client_id, organisation_id=organisation_id)
        async with self._database.begin() as tx:
            if organisation_id is not None and organisation_id not in await every_organisation(tx):
                raise NotDone(f"there is no organisation {organisation_id}")
            issued = await self._acts.add(tx, client, self._clock.now())
            if issued is None:
                found = await self._find(tx, client.client_id)
                if _without_secret(found.client) != _without_secret(client):
                    raise NotDone(f"{client.client_id} is there already, otherwise; see `munjigi clients change`")
                return Added(Issued(registered=found), new=False)
            await _record(tx, Kind.CLIENT_REGISTERED, issued.registered, why)
        await outbox.poke(self._valkey)
        return Added(issued, new=True)

    async def change(
        self, client_id: str, metadata: Mapping[str, object], why: str, *, version: object = None
    ) -> Issued:
        """Make what is registered of a client what is asked, if it is still at a version.

        Raises `InvalidRegistration`, `NotDone`.
        """
        found = await self.one(client_id)
        if version is not None and version != found.version:
            raise NotDone(f"{client_id} is at version {found.version}; look at it again")
        client = await self._acts.read(metadata, ADMINISTRATOR, current=found.client)
        if client == found.client:
            return Issued(registered=found)
        async with self._database.begin() as tx:
            claimed = await self._claim(tx, client_id)
            if claimed.version != found.version:
                raise NotDone(f"somebody changed {client_id} meanwhile; look at it again")
            issued = await self._acts.change(tx, claimed, client, self._clock.now())
            await _record(tx, Kind.CLIENT_CHANGED, issued.registered, why)
        await outbox.poke(self._valkey)
        return issued

    async def switch(self, client_id: str, why: str, *, enabled: bool) -> Registered:
        """Switch a client off, or on; one that is so already stays as it is. Raises `NotDone`."""
        async with self._database.begin() as tx:
            claimed = await self._claim(tx, client_id)
            if claimed.client.enabled is enabled:
                return claimed
            switched = await self._acts.switch(tx, claimed, self._clock.now(), enabled=enabled)
            await _record(tx, Kind.CLIENT_ENABLED if enabled else Kind.CLIENT_DISABLED, switched, why)
        await outbox.poke(self._valkey)
        return switched

    async def new_secret(self, client_id: str, why: str) -> Issued:
        """Another secret. Raises `InvalidRegistration` where it needs none, `NotDone`."""
        async with self._database.begin() as tx:
            claimed = await self._claim(tx, client_id)
            issued = await self._acts.new_secret(tx, claimed, self._clock.now())
            await _record(tx, Kind.CLIENT_SECRET_CHANGED, issued.registered, why)
        await outbox.poke(self._valkey)
        return issued

    async def remove(self, client_id: str, why: str) -> bool:
        """Forget a client and all that it has. False: there was none. Raises `NotDone`."""
        async with self._database.begin() as tx:
            found = None if "\0" in client_id else await client_register.find(tx, client_id)
            if found is None:
                return False
            self._refuse_own(client_id)
            removed = await self._acts.remove(tx, client_id)
            await _record(tx, Kind.CLIENT_REMOVED, found, why)
        await outbox.poke(self._valkey)
        return removed

    async def _claim(self, tx: Transaction, client_id: str) -> Registered:
        self._refuse_own(client_id)
        return await self._find(tx, client_id, claim=True)

    async def _find(self, tx: Transaction, client_id: str, *, claim: bool = False) -> Registered:
        found = None if "\0" in client_id else await client_register.find(tx, client_id, claim=claim)
        if found is None:
            raise NotDone(f"there is no client {client_id!r}")
        return found

    def _refuse_own(self, client_id: str) -> None:
        if client_id in self._own:
            raise NotDone(f"{client_id} is a part of the house: change it by the settings")


@asynccontextmanager
async def every_client(settings: Settings, clock: Clock | None = None) -> AsyncIterator[EveryClient]:
    """Everything it is made of."""
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    try:
        clock = clock or SystemClock()
        acts = registrar(settings, clock, SystemEntropy())
        yield EveryClient(database, valkey, acts, clock, own_clients(settings))
    finally:
        await valkey.aclose()
        await database.dispose()


def _without_secret(client: Client) -> tuple[object, ...]:
    return tuple(getattr(client, name) for name in Client.__slots__ if name not in ("secret_hash", "enabled"))


async def _record(tx: Transaction, kind: Kind, found: Registered, why: str) -> None:
    event = AuditEvent(
        kind=kind,
        correlation_id=new_correlation_id(),
        actor=OPERATOR,
        subject=found.client.client_id,
        details={"why": why} if why else {},
    )
    await trail.record(tx, event)
