"""Who still depends on what an old system made, in PostgreSQL."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_, exists, func, not_, select

from config.connections import Transaction
from idp.storage.directory_tables import device, membership, passkey, password, user_account
from idp.storage.import_tables import old_system
from idp.storage.upstream_tables import upstream_link

_HERE = user_account.c.id
_CANNOT = and_(
    *(~exists().where(table.c.user_id == _HERE) for table in (password, passkey, upstream_link)),
    ~exists().where(device.c.user_id == _HERE, device.c.sign_ins > 0),
)
"""They have no way in of their own here, and never came in."""


async def legacy_hashes(tx: Transaction, organisation_id: UUID) -> tuple[dict[str, int], int, bool]:
    """People by the scheme of a hash that another system made, people who can sign in by an old system alone, and
    whether one is named. Locked accounts count, too: they may be opened again."""
    of_it = select(membership.c.user_id).where(membership.c.organisation_id == organisation_id)
    scheme = func.split_part(password.c.hash, " ", 2)
    by_scheme = (
        select(scheme, func.count())
        .where(password.c.user_id.in_(of_it), not_(password.c.hash.startswith("$argon2id$")))
        .group_by(scheme)
        .order_by(scheme)
    )
    found = {row[0]: row[1] for row in await tx.execute(by_scheme)}
    without = select(func.count()).select_from(user_account).where(user_account.c.id.in_(of_it), _CANNOT)
    named = select(exists().where(old_system.c.organisation_id == organisation_id))
    return found, (await tx.execute(without)).scalar_one(), bool((await tx.execute(named)).scalar_one())
