"""What happens in the house is answered by itself: recorded, for a time, and lifted in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import SystemClock
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.sections.engines import Role
from config.settings import Settings, WrongSettings
from gateway.limits.persistent import REFUSALS, TOLD_FOR, WITHIN, Persistent
from policy.overlay.measure import Kind as Target
from policy.overlay.measure import Measure
from policy.overlay.ordering import By, Orders
from policy.request import MeasureEffect
from policy.response.responses import (
    SHIPPED,
    Incident,
    Response,
    Trigger,
    WrongResponses,
    called_for,
    order_of,
    read_table,
    target_of,
)
from policy.response.worker import Responder, serve
from policy.storage.incidents import Incidents
from policy.storage.measures import Measures
from tests.clock import FakeClock

Databases = Callable[[Role], Database]
PERSON = "00000000-0000-4000-8000-000000000001"
OPERATOR = "00000000-0000-4000-8000-0000000000aa"
ADDRESS = "198.51.100.7"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def incident(kind: Trigger = Trigger.THROTTLED, **changes: object) -> Incident:
    given: dict[str, object] = {
        "id": 1, "at": NOW, "kind": kind, "subject": PERSON, "address": ADDRESS, "device": None, "details": {},
    }  # fmt: skip
    return msgspec.convert({**given, **changes}, Incident)


def response(**fields: object) -> Response:
    given: dict[str, object] = {"on": "throttled", "target": "address", "effect": "deny", "seconds": 60}
    return msgspec.convert({**given, **fields}, Response)


def test_the_shipped_table_can_be_used_and_answers_every_trigger() -> None:
    table = read_table(SHIPPED)
    assert {one.on for one in table} == set(Trigger)
    assert all(one.effect in (MeasureEffect.STEP_UP, MeasureEffect.RISK) for one in table), "nobody is denied by it"


@pytest.mark.parametrize(
    ("wanted", "address", "target"),
    [
        ("person", None, (Target.PERSON, PERSON)),
        ("address", ADDRESS, (Target.ADDRESS, f"{ADDRESS}/32")),
        ("address", "2001:db8::1:2:3:4", (Target.ADDRESS, "2001:db8::/64")),
        ("address", "::ffff:198.51.100.7", (Target.ADDRESS, f"{ADDRESS}/32")),
        ("address", "127.0.0.1", None),
        ("address", "::1", None),
        ("address", None, None),
        ("device", None, None),
    ],
)
def test_whom_it_is_aimed_at(wanted: str, address: str | None, target: tuple[Target, str] | None) -> None:
    found = target_of(response(target=wanted), incident(address=address))
    assert (None if found is None else (found.kind, found.value)) == target
    if found is not None:
        assert order_of(response(target=wanted), found, incident()).why == "throttled: record 1 of the audit"


def test_a_name_that_somebody_typed_is_nobody() -> None:
    assert target_of(response(target="person"), incident(subject="kim")) is None


def test_a_shared_signal_is_answered_by_its_event() -> None:
    line = response(on="signal_received", event="device-compliance-change", target="person")
    uri = "https://schemas.openid.net/secevent/caep/event-type/"
    for event, expected in (("device-compliance-change", [line]), ("session-revoked", [])):
        told = incident(Trigger.SIGNAL_RECEIVED, details={"events": [uri + event]})
        assert called_for([line], told) == expected
    assert called_for([line], incident(Trigger.SIGNAL_RECEIVED)) == []
    assert called_for([response()], incident(Trigger.REFRESH_REUSED)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "[",
        "[[responses]]\non = 'nothing'",
        "[[responses]]\non = 'throttled'\ntarget = 'address'\neffect = 'risk'\nseconds = 60",
        "[[responses]]\non = 'throttled'\ntarget = 'address'\neffect = 'deny'\nseconds = 6\nobligations = ['mask:x']",
        "[[responses]]\non = 'throttled'\ntarget = 'address'\neffect = 'deny'\nseconds = 60\nevent = 'x'",
        "[[responses]]\non = 'throttled'\ntarget = 'address'\neffect = 'deny'\nseconds = 99999999",
    ],
)
async def test_a_wrong_table_is_refused_whole(settings: Settings, tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "responses.toml"
    path.write_text(wrong)
    with pytest.raises(WrongResponses):
        read_table(path)
    bad = settings.model_copy(update={"policy": settings.policy.model_copy(update={"responses": path})})
    with pytest.raises(WrongSettings, match="MUNJIGI_POLICY__RESPONSES"):
        await serve(bad, lambda: None, asyncio.Event())


def responder(database: Databases, valkey: Valkey, *lines: Response) -> Responder:
    orders = Orders(Measures(), SystemEntropy(), operator=OPERATOR)
    return Responder(lines, orders, Incidents(), database("policy"), valkey, SystemClock())


async def happen(database: Databases, kind: Kind, *, role: Role = "idp", ip: str | None = ADDRESS) -> None:
    async with database(role).begin() as tx:
        await trail.record(tx, AuditEvent(kind=kind, correlation_id="c-1", actor="x", subject=PERSON, ip=ip))


async def standing(database: Databases) -> Sequence[Measure]:
    async with database("policy").begin() as tx:
        return await Measures().page(tx, standing=True, now=SystemClock().now(), after=None, limit=100)


async def test_an_incident_is_answered_once_on_record_and_lifted_in_one_call(
    database: Databases, valkey: Valkey
) -> None:
    answering = responder(database, valkey, response(on="refresh_reused", target="person", effect="step_up"))
    await happen(database, Kind.REFRESH_REUSED)
    await happen(database, Kind.REFRESH_REUSED)
    assert [await answering.look(), await answering.look()] == [1, 0], "the same stands already"
    (made,) = await standing(database)
    assert (made.target.value, made.effect, made.by) == (PERSON, MeasureEffect.STEP_UP, "response:refresh_reused")
    assert made.until - made.at == timedelta(seconds=60)
    async with database("owner").begin() as tx:
        query = "SELECT actor, subject FROM audit.record WHERE kind = 'measure_taken'"
        assert [tuple(row) for row in await tx.execute(text(query))] == [(made.by, f"person:{PERSON}")]
        told = await tx.scalar(text("SELECT count(*) FROM events.outbox WHERE topic = 'measure'"))
    assert told == 1
    orders = Orders(Measures(), SystemEntropy(), operator=OPERATOR)
    async with database("policy").begin() as tx:
        assert await orders.lift(tx, UUID(made.id), By("u-admin", "c-2"), "a mistake", SystemClock().now())
    assert await standing(database) == []
    assert await answering.look() == 0, "what was looked at is not answered again"
    await happen(database, Kind.REFRESH_REUSED)
    assert await answering.look() == 1


async def test_so_often_within_so_long(database: Databases, valkey: Valkey) -> None:
    answering = responder(database, valkey, response(after=3))
    for expected in (0, 0):
        await happen(database, Kind.THROTTLED)
        assert await answering.look() == expected
    await happen(database, Kind.THROTTLED, ip="198.51.100.8")
    assert await answering.look() == 0, "another address"
    await happen(database, Kind.THROTTLED)
    assert await answering.look() == 1


async def test_the_addresses_of_one_subscriber_are_counted_as_one(database: Databases, valkey: Valkey) -> None:
    answering = responder(database, valkey, response(after=3))
    for address in ("2001:db8::1", "2001:db8:0:1::2", "2001:db8::ffff:2"):
        await happen(database, Kind.THROTTLED, ip=address)
        assert await answering.look() == 0, "two of one network, and one of another"
    await happen(database, Kind.THROTTLED, ip="2001:db8::3")
    assert await answering.look() == 1
    assert [made.target.value for made in await standing(database)] == ["2001:db8::/64"]


async def test_what_happened_long_ago_is_answered_no_more(database: Databases, valkey: Valkey) -> None:
    answering = responder(database, valkey, response())
    await happen(database, Kind.THROTTLED)
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE audit.record SET at = at - interval '11 minutes'"))
    assert await answering.look() == 0


async def test_the_last_administrator_is_not_locked_out_by_what_strangers_do(
    database: Databases, valkey: Valkey
) -> None:
    async with database("owner").begin() as tx:
        for statement in (
            f"INSERT INTO idp.organisation (id, name, created_at) VALUES ('{OPERATOR}', 'house', now())",
            f"INSERT INTO idp.user_account (id, display_name, created_at) VALUES ('{PERSON}', 'Kim', now())",
            "INSERT INTO idp.membership (user_id, organisation_id, roles, joined_at) "
            f"VALUES ('{PERSON}', '{OPERATOR}', '{{administrator}}', now())",
        ):
            await tx.execute(text(statement))
    answering = responder(database, valkey, response(target="person"), response(target="person", effect="step_up"))
    await happen(database, Kind.THROTTLED)
    assert await answering.look() == 1
    assert [made.effect for made in await standing(database)] == [MeasureEffect.STEP_UP]


async def test_two_workers_answer_once(database: Databases, valkey: Valkey) -> None:
    first, second = (responder(database, valkey, response()) for _ in range(2))
    await happen(database, Kind.THROTTLED)
    taken = await asyncio.gather(first.look(), second.look())
    assert sum(taken) + await second.look() == 1


async def test_the_worker_answers_by_itself(database: Databases, settings: Settings) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings, ready.set, stop))
    await ready.wait()
    await happen(database, Kind.CODE_REPLAYED)
    for _ in range(200):
        if found := await standing(database):
            break
        await asyncio.sleep(0.05)
    assert [made.by for made in found] == ["response:code_replayed"]
    stop.set()
    await serving


async def test_an_address_that_is_refused_on_and_on_is_told_once_in_a_while(
    database: Databases, valkey: Valkey, clock: FakeClock
) -> None:
    persistent = Persistent(clock)

    async def told(refusals: int, address: str = ADDRESS) -> int:
        for _ in range(refusals):
            persistent.refused(address)
        await persistent.tell(database("gateway"))
        async with database("owner").begin() as tx:
            return int(await tx.scalar(text("SELECT count(*) FROM audit.record WHERE kind = 'rate_exceeded'")) or 0)

    assert await told(REFUSALS - 1) == 0
    assert await told(1) == 1
    assert await told(REFUSALS, "") == 1, "nobody's address"
    clock.advance(WITHIN)
    assert await told(REFUSALS) == 1
    clock.advance(TOLD_FOR)
    assert await told(REFUSALS - 1) == 1, "few within so long are nobody's business"
    assert await told(1) == 2
    for host in range(REFUSALS):
        persistent.refused(f"2001:db8::{host:x}")
    assert await told(0) == 3, "one subscriber, whichever of their addresses they take"
    answering = responder(database, valkey, response(on="rate_exceeded"))
    assert await answering.look() == 2
    assert {made.target.value for made in await standing(database)} == {f"{ADDRESS}/32", "2001:db8::/64"}


def test_who_is_counted_is_bounded(clock: FakeClock) -> None:
    persistent = Persistent(clock)
    for number in range(20_000):
        persistent.refused(f"10.0.{number >> 8}.{number & 255}")
    assert len(persistent._counts) <= 8192
