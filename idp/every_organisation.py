"""How the people of any organisation prove who they are, for whoever may run a command on a machine of the house:
`munjigi organisations authentication`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.settings import Settings
from config.web import new_correlation_id
from events import outbox
from idp.every_client import NotDone
from idp.every_session import OPERATOR
from idp.factors.authentication_rules import AuthenticationRules
from idp.factors.metadata_file import MetadataFile, metadata_file
from idp.storage import organisation_authentication
from idp.storage.administered_organisations import every_organisation as ids_of_all


class EveryOrganisation:
    """Shows and changes rules, each change with its record."""

    def __init__(self, database: Database, valkey: Valkey, clock: Clock, models: MetadataFile) -> None:
        self._database = database
        self._valkey = valkey
        self._clock = clock
        self._models = models

    @property
    def models_known(self) -> bool:
        """Whether models of keys are known here at all."""
        return self._models.current is not None

    async def rules(self, organisation_id: UUID) -> AuthenticationRules:
        """Those of an organisation. Raises `NotDone` where there is none."""
        async with self._database.connect() as tx:
            return await self._find(tx, organisation_id)

    async def change(
        self, organisation_id: UUID, wanted: AuthenticationRules, why: str, *, version: int | None = None
    ) -> AuthenticationRules:
        """Make them what is wanted, if they are still at a version; those that are so already stay as they are.

        Raises `NotDone`: an organisation cannot say so, or somebody changed them meanwhile.
        """
        async with self._database.begin() as tx:
            before = await self._find(tx, organisation_id, claim=True)
            if version is not None and version != before.version:
                raise NotDone(f"they are at version {before.version}; look at them again")
            after = replace(wanted, version=before.version + 1)
            if not before.differences(after):
                return before
            if (fault := after.fault(models_known=self.models_known)) is not None:
                raise NotDone(fault)
            if not await organisation_authentication.put_authentication_rules(
                tx, organisation_id, after, self._clock.now()
            ):
                raise NotDone("somebody changed them meanwhile; look at them again")
            event = AuditEvent(
                kind=Kind.ORGANISATION_CHANGED,
                correlation_id=new_correlation_id(),
                actor=OPERATOR,
                subject=str(organisation_id),
                details={"why": why, "changed": before.differences(after), "version": after.version},
            )
            await trail.record(tx, event)
        await outbox.poke(self._valkey)
        return after

    async def _find(self, tx: Transaction, organisation_id: UUID, *, claim: bool = False) -> AuthenticationRules:
        if organisation_id not in await ids_of_all(tx):
            raise NotDone(f"there is no organisation {organisation_id}")
        found = await organisation_authentication.authentication_rules(tx, organisation_id, claim=claim)
        return found or AuthenticationRules()


@asynccontextmanager
async def every_organisation(settings: Settings, clock: Clock | None = None) -> AsyncIterator[EveryOrganisation]:
    """Everything it is made of."""
    clock = clock or SystemClock()
    database, valkey, models = open_database(settings, "idp"), open_valkey(settings), metadata_file(settings, clock)
    try:
        await models.look(tell=False)  # a command prints what it was asked alone
        yield EveryOrganisation(database, valkey, clock, models)
    finally:
        await valkey.aclose()
        await database.dispose()
