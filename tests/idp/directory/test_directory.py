"""People and organisations: names in their normal form, and the tables as the migration made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from config.connections import Database
from config.sections.engines import Role
from config.settings import Settings
from idp import demo
from idp.directory.account import Organisation
from idp.directory.login_name import normalise
from idp.storage import directory, factors, passwords
from idp.storage.directory_tables import metadata
from tests.clock import FakeClock
from tests.idp.people import HOUSE, add_person

OpenDatabase = Callable[[Role], Database]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Mina", "mina"),
        ("  ＭＩＮＡ@Example.org ", "mina@example.org"),
        ("미나", "미나"),
        ("\u1106\u1175\u1102\u1161", "미나"),
        ("", None),
        ("   ", None),
        ("mi\0na", None),
        ("mi\u200bna", None),
        ("x" * 254, "x" * 254),
        ("x" * 255, None),
    ],
)
def test_a_name_has_one_form(typed: str, name: str | None) -> None:
    assert normalise(typed) == name


def test_a_very_long_name_is_not_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    """To compose ten thousand accents takes a tenth of a second, in which nobody else is answered."""
    monkeypatch.setattr("idp.directory.login_name.unicodedata", None)
    assert normalise("\u0301" * 5000 + "\u0316" * 5000) is None


async def test_people_are_found_by_name_and_by_id(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        mina = await add_person(tx, roles=("customer", "support"))
        assert await directory.account_by_login_name(tx, "mina") == mina
        assert await directory.account(tx, mina.id) == mina
        assert await directory.account_by_login_name(tx, "jun") is None
        assert await directory.account(tx, uuid4()) is None
        assert not await directory.add_account(tx, mina, clock.now())
        home = await directory.home(tx, mina.id)
        assert home is not None
        assert home.roles == ("customer", "support")
        assert home.organisation.duplicate_login is None
        assert await directory.find_membership(tx, mina.id, HOUSE) == home
        assert await directory.find_membership(tx, mina.id, uuid4()) is None
        assert await directory.home(tx, uuid4()) is None


async def test_the_home_is_the_organisation_that_was_joined_first(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        mina = await add_person(tx)
        later = Organisation(id=UUID(int=1), name="Later", time_zone="UTC", duplicate_login="take_over")
        await directory.put_organisation(tx, later, clock.now())
        await directory.put_organisation(tx, replace(later, name="Renamed"), clock.now())
        await directory.put_membership(tx, mina.id, later.id, ("vendor",), clock.now())
        home = await directory.home(tx, mina.id)
        assert home is not None
        assert home.organisation.id == HOUSE
        other = await directory.find_membership(tx, mina.id, later.id)
        assert other is not None
        assert (other.organisation.name, other.organisation.duplicate_login) == ("Renamed", "take_over")


async def test_the_tables_are_as_the_migration_made_them(database: OpenDatabase) -> None:
    async with database("owner").connect() as tx:
        rows = await tx.execute(
            text(
                "SELECT table_name, column_name, is_nullable FROM information_schema.columns "
                "WHERE table_schema = 'idp' AND table_name = ANY(:tables)"
            ),
            {"tables": [table.name for table in metadata.tables.values()]},
        )
        made = {(row.table_name, row.column_name): row.is_nullable == "YES" for row in rows}
    declared = {
        (table.name, column.name): bool(column.nullable) for table in metadata.tables.values() for column in table.c
    }
    assert declared == made


async def test_demo_people_are_loaded_once(settings: Settings, database: OpenDatabase, clock: FakeClock) -> None:
    await demo.load(settings, clock)
    async with database("idp").begin() as tx:
        jun = await directory.account_by_login_name(tx, "jun")
        assert jun is not None
        assert await factors.enrolled(tx, jun.id) == ["totp"]
        await passwords.put_password(tx, jun.id, "$argon2id$changed", clock.now())
    await demo.load(settings, clock)
    async with database("idp").begin() as tx:
        assert await passwords.password_hash(tx, jun.id) == "$argon2id$changed"
        assert len(await factors.authenticators(tx, jun.id)) == 1
        names = (await tx.execute(text("SELECT name FROM idp.login_name ORDER BY name"))).scalars().all()
        assert names == ["admin", "jun", "mina", "sora"]
