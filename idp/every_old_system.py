"""Old systems of organisations, for whoever may run a command on a machine of the house: `munjigi users old-system`.

Whoever is named here is told passwords, so only the house names them, and no organisation's administrator.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import SystemClock
from config.connections import Database, Transaction, open_database
from config.envelope import Envelope
from config.settings import Settings
from config.web import new_correlation_id
from idp.directory.login_name import normalise
from idp.every_client import NotDone
from idp.every_session import OPERATOR
from idp.importing.old_system import SECRET_SIZE, OldSystem, secret_context, shown_secret
from idp.importing.person import ADMINISTRATOR
from idp.storage import legacy_counts, old_systems
from idp.storage.administered_organisations import every_organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An old system as it is to be asked."""

    address: str
    endings: Sequence[str] = ()
    roles: Sequence[str] = ()
    private: Sequence[str] = ()


async def name_old_system(settings: Settings, organisation_id: UUID, wanted: Wanted, why: str) -> str:
    """Have an organisation's old system asked; its new secret, told this once. Raises `NotDone`."""
    _check(wanted)
    secret = secrets.token_bytes(SECRET_SIZE)
    system = OldSystem(
        organisation_id=organisation_id,
        address=wanted.address,
        sealed_secret=Envelope.load(settings).seal(secret, secret_context(organisation_id)),
        endings=tuple(wanted.endings),
        roles=tuple(wanted.roles),
        private=tuple(wanted.private),
    )
    database = open_database(settings, "idp")
    try:
        async with database.begin() as tx:
            if organisation_id not in await every_organisation(tx):
                raise NotDone(f"there is no organisation {organisation_id}")
            for other in await old_systems.every(tx):
                if other.organisation_id != organisation_id and _share(wanted.endings, other.endings):
                    raise NotDone("endings: another organisation's old system is asked about such names")
            await old_systems.put(tx, system, SystemClock().now())
            await _record(tx, organisation_id, why, act="named", address=wanted.address)
    finally:
        await database.dispose()
    return shown_secret(secret)


async def forget_old_system(
    settings: Settings, organisation_id: UUID, why: str, *, although_needed: bool = False
) -> bool:
    """Ask an organisation's old system no more. False: there is none.

    Raises `NotDone` while there are people who can sign in by it alone, or may be known to it alone, unless
    `although_needed`, for a reason.
    """
    database: Database = open_database(settings, "idp")
    try:
        async with database.begin() as tx:
            endings = await old_systems.remove(tx, organisation_id)
            if endings is None:
                return False
            _, waiting, _ = await legacy_counts.legacy_hashes(tx, organisation_id)
            needed = [f"{waiting} people have no password here yet and sign in by it alone"] if waiting else []
            if endings:
                names = ", ".join(endings)
                needed.append(
                    f"whoever has a name with {names} and never came is known to it alone, and nobody here can count "
                    "them: import who is left, and name it once more without --ending"
                )
            if needed and not (although_needed and why.strip()):
                raise NotDone(f"{'; '.join(needed)}; --although-needed with --why stops it all the same")
            await _record(tx, organisation_id, why, act="forgotten", waiting=waiting, endings=list(endings))
            return True
    finally:
        await database.dispose()


def _check(wanted: Wanted) -> None:
    parts = urlsplit(wanted.address)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.fragment:
        raise NotDone("address: an https address is expected")
    for ending in wanted.endings:
        if len(ending) < 2 or normalise(ending) != ending:
            raise NotDone("endings: the end of login names in small letters, such as @example.com")
    if ADMINISTRATOR in wanted.roles:
        raise NotDone("roles: administrators are made one by one, by another administrator")
    try:
        for network in wanted.private:
            ipaddress.ip_network(network)
    except ValueError as error:
        raise NotDone(f"private: {error}") from error


def _share(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether a name may end as both say."""
    return any(one.endswith(other) or other.endswith(one) for one in ours for other in theirs)


async def _record(tx: Transaction, organisation_id: UUID, why: str, **more: object) -> None:
    event = AuditEvent(
        kind=Kind.OLD_SYSTEM_CHANGED,
        correlation_id=new_correlation_id(),
        actor=OPERATOR,
        subject=str(organisation_id),
        details={"why": why, **more},
    )
    await trail.record(tx, event)
