"""The people that there are to try. Whoever is there already keeps what they have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from config.connections import Database, Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from config.settings import Settings
from idp import demo_organisations
from idp.credentials.password import PasswordPool, fault_of_new
from idp.directory.account import Account
from idp.directory.login_name import normalise
from idp.factors import totp
from idp.factors.totp import Authenticator
from idp.storage import directory, factors, passwords


class ShippedPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `[[person]]`."""

    id: UUID
    login: str
    password: str
    name: str
    email: str
    locale: str
    roles: tuple[str, ...]
    description: str
    """What `munjigi up` says of them."""
    totp_secret: str | None = None
    """Base32; they have an authenticator app then."""


async def load(
    database: Database, settings: Settings, shipped: Mapping[str, object], now: datetime, entropy: Entropy
) -> None:
    """Keep everybody who is not there yet, as members of the first organisation."""
    house = await demo_organisations.load(database, shipped, now)
    people = msgspec.convert(shipped["person"], list[ShippedPerson])
    async with database.begin() as tx:
        missing = [person for person in people if await directory.account(tx, person.id) is None]
    if not missing:
        return  # argon2id takes its time, and a second start has none
    for person in missing:
        if fault := fault_of_new(person.password, login_name=person.login, alone=True):
            raise ValueError(f"the password of {person.login}: {fault}")
    envelope, pool = Envelope.load(settings), PasswordPool(settings.idp.password_threads)
    try:
        hashed = await asyncio.gather(*(pool.hash(person.password) for person in missing))
    finally:
        pool.close()
    async with database.begin() as tx:
        for person, its in zip(missing, hashed, strict=True):
            if await _add(tx, person, its, now):
                await directory.put_membership(tx, person.id, house, person.roles, now)
                if person.totp_secret is not None:
                    await _enrol(tx, person, person.totp_secret, envelope, entropy, now)


async def _add(tx: Transaction, person: ShippedPerson, hashed: str, now: datetime) -> bool:
    name = normalise(person.login)
    if name is None:
        raise ValueError(f"{person.login!r} cannot be a login name")
    account = Account(
        id=person.id,
        login_name=name,
        display_name=person.name,
        email=person.email,
        locale=person.locale,
        state="active",
        version=1,
    )
    if not await directory.add_account(tx, account, now):
        return False  # another process was first
    await passwords.put_password(tx, person.id, hashed, now)
    return True


async def _enrol(
    tx: Transaction, person: ShippedPerson, secret: str, envelope: Envelope, entropy: Entropy, now: datetime
) -> None:
    ident = entropy.uuid()
    authenticator = Authenticator(
        id=ident,
        user_id=person.id,
        label=f"{person.login} (demo)",
        sealed_secret=envelope.seal(secret.encode(), totp.context(ident)),
        last_accepted_step=0,
        created_at=now,
        confirmed_at=None,
    )
    await factors.begin_enrolment(tx, authenticator)
    await factors.confirm(tx, ident, now)
