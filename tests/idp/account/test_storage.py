"""What the account keeps: history, preferences, devices, connected apps; and that the tables are the migration's."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, inspect
from sqlalchemy.dialects import postgresql

from config.connections import Transaction
from config.entropy import SystemEntropy
from idp.devices.sign_in_history import CameFrom, Cursor, Outcome, SignInHistory
from idp.directory.preferences import ALWAYS, CHOSEN, NoticeSetting, time_zones
from idp.storage import preferences, sign_in_history
from idp.storage.account_tables import metadata
from notifications.notice import NoticeKind
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import BEGUN, add_person

DIALECT = postgresql.dialect()
SEOUL = CameFrom(None, "Chrome · Windows", "Chrome", "203.0.113.7", "KR", "Example Telecom")
BERLIN = CameFrom(None, "Firefox · Linux", "Firefox", "2001:db8::1", "DE", "")


def _migrated(connection: Connection) -> dict[str, set[tuple[str, str, bool]]]:
    inspector = inspect(connection)
    return {
        table.name: {
            (column["name"], column["type"].compile(DIALECT), column["nullable"])
            for column in inspector.get_columns(table.name, schema="idp")
        }
        for table in metadata.tables.values()
    }


async def test_columns(database: OpenDatabase) -> None:
    async with database("owner").connect() as tx:
        migrated = await tx.run_sync(_migrated)
    for table in metadata.tables.values():
        declared = {(c.name, c.type.compile(DIALECT), bool(c.nullable)) for c in table.c}
        assert declared == migrated[table.name], table.name


async def _note(tx: Transaction, clock: FakeClock, user: UUID, outcome: Outcome, visit: CameFrom = SEOUL) -> None:
    history = SignInHistory(sign_in_history, clock, SystemEntropy())
    await history.note(tx, user, outcome, visit, amr=("pwd",), client_id="app")


async def test_the_history_is_read_page_by_page_the_latest_first(database: OpenDatabase, clock: FakeClock) -> None:
    outcomes: list[Outcome] = ["signed_in", "failed", "kept", "failed", "taken_over"]
    async with database("idp").begin() as tx:
        mina, jun = (await add_person(tx)).id, (await add_person(tx, "jun")).id
        for outcome in outcomes:
            await _note(tx, clock, mina, outcome)
            await _note(tx, clock, mina, outcome)  # at the same moment: the id decides
            await _note(tx, clock, jun, outcome)
            clock.advance(1)
        seen, before = [], None
        while page := await sign_in_history.page(tx, mina, outcomes=(), before=before, limit=3):
            seen += page
            before = Cursor(page[-1].sign_in.at, page[-1].sign_in.id)
        assert [told.sign_in.outcome for told in seen] == [o for o in reversed(outcomes) for _ in range(2)]
        assert len({told.sign_in.id for told in seen}) == 10
        failed = await sign_in_history.page(tx, mina, outcomes=("failed",), before=None, limit=9)
        assert [told.sign_in.outcome for told in failed] == ["failed"] * 4
        assert failed[0].sign_in.ip == "203.0.113.7"
        assert await sign_in_history.find(tx, jun, failed[0].sign_in.id) is None, "another person's"
        assert await sign_in_history.find(tx, mina, failed[0].sign_in.id) == failed[0]


async def test_of_nobody_nothing_is_kept(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        await _note(tx, clock, uuid4(), "failed")
        await _note(tx, clock, UUID(int=0), "failed")
    async with database("owner").connect() as tx:
        assert (await tx.exec_driver_sql("SELECT count(*) FROM idp.sign_in_history")).scalar_one() == 0


async def test_places_count_who_got_in_and_who_did_not(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        await _note(tx, clock, user, "signed_in", BERLIN)
        clock.advance(3600)
        since = clock.now()
        for outcome in ("signed_in", "failed", "taken_over"):
            await _note(tx, clock, user, outcome)
        await _note(tx, clock, user, "kept", BERLIN)
        visited = await sign_in_history.places(tx, user, since)
        assert [(one.place, one.sign_ins, one.attempts) for one in visited] == [("KR", 2, 1), ("DE", 0, 1)]


async def test_history_is_forgotten_after_180_days_by_the_worker(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        await _note(tx, clock, user, "signed_in")
        clock.advance(1)
        await _note(tx, clock, user, "failed")
    at = clock.now() + timedelta(days=180)
    async with database("worker").begin() as tx:
        assert await sign_in_history.sweep(tx, at) == 1
    async with database("idp").connect() as tx:
        left = await sign_in_history.page(tx, user, outcomes=(), before=None, limit=9)
    assert [told.sign_in.outcome for told in left] == ["failed"]


def test_what_a_login_keeps_of_who_left() -> None:
    kept = {
        "device": "Chrome · Windows",
        "browser": "Chrome",
        "ip": "::1",
        "place": "KR",
        "network": "",
        "device_id": "",
    }
    assert CameFrom.read(kept) == CameFrom(None, "Chrome · Windows", "Chrome", "::1", "KR", "")
    assert CameFrom.read({}) is None


async def test_notices_come_until_a_person_says_otherwise(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        mina, jun = (await add_person(tx)).id, (await add_person(tx, "jun")).id
        assert all([await preferences.wants(tx, mina, kind) for kind in NoticeKind])
        off = NoticeSetting(NoticeKind.ATTEMPT, "mail", wanted=False)
        assert await preferences.choose(tx, mina, off, clock.now())
        assert not await preferences.choose(tx, mina, off, clock.now())
        assert not await preferences.wants(tx, mina, NoticeKind.ATTEMPT)
        assert await preferences.wants(tx, jun, NoticeKind.ATTEMPT)
        assert off in await preferences.notice_settings(tx, mina)
        # a row about a notice that protects the account is not believed
        await preferences.choose(tx, mina, NoticeSetting(NoticeKind.TAKEOVER, "mail", wanted=False), clock.now())
        assert await preferences.wants(tx, mina, NoticeKind.TAKEOVER)
    async with database("worker").connect() as tx:
        assert not await preferences.wants(tx, mina, NoticeKind.ATTEMPT)


def test_every_kind_of_notice_is_chosen_or_comes_always_or_was_asked_for() -> None:
    asked_for = {NoticeKind.SIGN_IN_CODE, NoticeKind.SIGN_IN_LINK, NoticeKind.RECOVERY, NoticeKind.RECOVERY_READY}
    of_what_they_did_at_a_service = {kind for kind in NoticeKind if kind.startswith(("reservation_", "order_"))}
    assert {*CHOSEN, *ALWAYS, *asked_for, *of_what_they_did_at_a_service} == set(NoticeKind)
    assert not set(CHOSEN) & set(ALWAYS)


async def test_the_clock_is_the_persons_or_that_of_their_organisation(database: OpenDatabase) -> None:
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        assert await preferences.time_zone(tx, user) == "Asia/Seoul"
        assert await preferences.own_time_zone(tx, user) is None
        assert await preferences.speak(tx, user, "en", "Europe/Berlin", BEGUN)
        assert not await preferences.speak(tx, user, "en", "Europe/Berlin", BEGUN)
        assert await preferences.time_zone(tx, user) == "Europe/Berlin"
        assert await preferences.time_zone(tx, uuid4()) == "Asia/Seoul"


def test_time_zones_are_regions_and_cities() -> None:
    zones = time_zones()
    assert {"Asia/Seoul", "Europe/Berlin", "UTC"} <= set(zones)
    assert not any(name.startswith(("posix/", "right/", "Etc/")) or name == "Factory" for name in zones)
