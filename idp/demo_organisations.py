"""The organisations that there are to try, how they look, and whose apps are whose. What was changed since stays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from config.connections import Database, Transaction
from idp.directory.account import ClientHome, Face, Organisation, Support
from idp.storage import directory
from pages.look import checked_look


class ShippedLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `look` of an organisation."""

    name: dict[str, str]
    accent: dict[str, str]
    logo: str
    """SVG."""
    welcome: dict[str, str] = {}


class ShippedSupport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `support` of an organisation."""

    name: str
    email: str = ""
    phone: str = ""
    url: str = ""


class ShippedApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `apps` of an organisation."""

    client_id: str
    starts: tuple[str, ...]


class ShippedOrganisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `[[organisation]]`; the people are the first one's."""

    id: UUID
    name: str
    time_zone: str
    look: ShippedLook
    support: ShippedSupport
    apps: tuple[ShippedApp, ...] = ()


async def load(database: Database, shipped: Mapping[str, object], now: datetime) -> UUID:
    """Keep the organisations; returns the first, to which the people belong."""
    organisations = msgspec.convert(shipped["organisation"], list[ShippedOrganisation])
    async with database.begin() as tx:
        for found in organisations:
            await _keep(tx, found, now)
    return organisations[0].id


async def _keep(tx: Transaction, found: ShippedOrganisation, now: datetime) -> None:
    if await directory.face(tx, found.id) is None:
        organisation = Organisation(id=found.id, name=found.name, time_zone=found.time_zone, duplicate_login=None)
        await directory.put_organisation(tx, organisation, now)
    kept = await directory.face(tx, found.id)
    if kept is not None and kept.look is None and kept.support is None:
        look = checked_look(
            name=found.look.name,
            accent=found.look.accent,
            logo=found.look.logo.encode(),
            welcome=found.look.welcome,
        )
        support = Support(**msgspec.structs.asdict(found.support))
        await directory.put_face(tx, Face(organisation_id=found.id, look=look, support=support))
    for app in found.apps:
        if await directory.client_home(tx, app.client_id) is None:
            home = ClientHome(organisation_id=found.id, starts=app.starts)
            await directory.put_client_home(tx, app.client_id, home)
