"""The tables in the code are the tables of the migrations; what is append-only is so for its service's role."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from config.sections.engines import Role
from config.settings import Settings
from tests.upstreams.conftest import Databases
from upstreams.commerce.storage import tables as commerce
from upstreams.commerce.storage.stores import catalogue_stores  # every file of tables is known then
from upstreams.reservation.storage import tables as reservation

assert catalogue_stores


@pytest.mark.parametrize("room", ["commerce", "reservation"])
async def test_the_code_knows_the_schema_as_it_is(database: Databases, room: Role):
    declared = (commerce if room == "commerce" else reservation).metadata

    def differences(connection: sa.Connection) -> list[str]:
        live = sa.MetaData(schema=room)
        live.reflect(connection)
        found = [f"{name} is in one only" for name in set(declared.tables) ^ set(live.tables)]
        for name in set(declared.tables) & set(live.tables):
            ours, theirs = declared.tables[name].c, live.tables[name].c
            found += [f"{name}.{column} is in one only" for column in set(ours.keys()) ^ set(theirs.keys())]
            for column in set(ours.keys()) & set(theirs.keys()):
                kinds = {str(side[column].type.compile(connection.dialect)) for side in (ours, theirs)}
                if len(kinds) != 1:
                    found.append(f"{name}.{column}: {kinds}")
                if ours[column].nullable != theirs[column].nullable:
                    found.append(f"{name}.{column} may be null in one only")
            if set(ours_key(declared.tables[name])) != set(ours_key(live.tables[name])):
                found.append(f"{name}: another primary key")
        return found

    async with database("owner").connect() as connection:
        assert await connection.run_sync(differences) == []


def ours_key(table: sa.Table) -> list[str]:
    return [column.name for column in table.primary_key]


APPEND_ONLY: dict[Role, tuple[str, ...]] = {
    "commerce": ("stock_movement", "product_event", "order_event", "stock_proof"),
    "reservation": ("stock_movement", "reservation_event"),
}


async def test_what_was_written_stays(database: Databases):
    for role, tables in APPEND_ONLY.items():
        for table in tables:
            for verb in ("UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"):
                with pytest.raises(DBAPIError, match="permission denied"):
                    async with database(role).begin() as tx:
                        await tx.execute(sa.text(verb.format(f"{role}.{table}")))


async def test_neither_service_reads_the_other_s_tables(database: Databases):
    foreign: dict[Role, str] = {"commerce": "reservation.stock", "reservation": "commerce.stock"}
    for role, table in foreign.items():
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database(role).connect() as tx:
                await tx.execute(sa.text(f"SELECT * FROM {table}"))


async def test_the_database_itself_refuses_to_oversell(shop_data: None, slots_data: None, database: Databases):
    for role in ("commerce", "reservation"):
        for change in ("held = on_hand + 1", "allocated = on_hand + 1", "on_hand = -1", "held = -1", "allocated = -1"):
            with pytest.raises(DBAPIError, match="violates check constraint"):
                async with database(role).begin() as tx:
                    await tx.execute(sa.text(f"UPDATE {role}.stock SET {change}"))


async def test_demo_data_is_brought_once(shop_data: None, slots_data: None, settings: Settings, database: Databases):
    from upstreams.commerce import demo as commerce_demo
    from upstreams.reservation import demo as reservation_demo

    async def snapshot() -> list[object]:
        found: list[object] = []
        for role, declared in (("commerce", commerce.metadata), ("reservation", reservation.metadata)):
            async with database(role).connect() as tx:
                for table in declared.sorted_tables:
                    rows = await tx.execute(sa.select(table))
                    found.append((table.name, sorted(map(str, rows))))
        return found

    before = await snapshot()
    await commerce_demo.load(settings)
    await reservation_demo.load(settings)
    assert await snapshot() == before
