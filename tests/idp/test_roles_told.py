"""People hear what became of a role that they asked for, each thing once; and administer while they hold that role."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from idp.roles_told import LATE
from idp.storage import role_news
from idp.sweeper import build_sweeper
from notifications.notice import NoticeKind
from tests.clock import FakeClock
from tests.idp.administration.conftest import House, house
from tests.idp.letters import letters
from tests.idp.people import HOUSE

__all__ = ["house"]
Databases = Callable[[Role], Database]


async def decide(house: House, sub: UUID, state: str, **more: Any) -> UUID:
    """As the policy service has kept it."""
    now, ident = house.clock.now(), uuid4()
    values = {
        "id": ident,
        "sub": str(sub),
        "organisation": str(HOUSE),
        "role": "administrator",
        "seconds": 600,
        "state": state,
        "asked_at": now,
        "decided_by": "u-admin",
        "decided_by_name": "Ada",
        "decided_why": "go on",
        "starts_at": None if state == "refused" else now,
        "ends_at": None if state == "refused" else now + timedelta(seconds=600),
        "ended_by": "",
        **more,
    }
    names = ", ".join(values)
    given = ", ".join(f":{name}" for name in values)
    async with house.database("owner").begin() as tx:
        await tx.execute(text(f"INSERT INTO policy.elevation ({names}, reason) VALUES ({given}, 'a test')"), values)
    return ident


@pytest.fixture
async def told(house: House, settings: Settings, valkey: Valkey) -> Callable[[], Any]:
    """Sweeps by two sweepers at once; gives what was queued since the last time."""
    sweepers = [build_sweeper(settings, house.database("worker"), valkey, house.clock) for _ in range(2)]

    async def sweep() -> list[dict[str, str]]:
        await asyncio.gather(*(sweeper.step() for sweeper in sweepers))
        return [dict(one.facts) for one in await letters(settings) if one.kind == NoticeKind.ROLE]

    return sweep


async def test_each_thing_is_told_once(house: House, told: Callable[[], Any], clock: FakeClock) -> None:
    await decide(house, house.mina.id, "approved")
    [granted] = await told()
    assert (granted["what"], granted["role"], granted["by"], granted["why"]) == (
        "granted",
        "administrator",
        "Ada",
        "go on",
    )
    assert granted["until"] == (clock.now() + timedelta(seconds=600)).isoformat()
    assert granted["roles"].endswith("/api/policy/elevations/mine")
    assert await told() == [granted]
    clock.advance(600)
    assert [one["what"] for one in await told()] == ["granted", "over"]
    await decide(house, house.mina.id, "refused")
    await decide(house, house.mina.id, "ended", ended_by=str(house.mina.id))
    await decide(house, house.mina.id, "asked", decided_by="", starts_at=None, ends_at=None)
    await decide(house, UUID(int=7), "approved")
    long_ago = clock.now() - LATE - timedelta(seconds=601)
    await decide(house, house.mina.id, "approved", starts_at=long_ago, ends_at=long_ago + timedelta(seconds=600))
    assert [one["what"] for one in await told()] == ["granted", "over", "refused"], "nobody is told what they did"


async def test_who_holds_the_role_for_a_time_administers_until_it_is_over(house: House, clock: FakeClock) -> None:
    elevated = house.subject(house.mina, "administrator")
    assert (await house("GET", "/sessions", who=elevated)).status_code == 403, "the gateway's word is not enough"
    ident = await decide(house, house.mina.id, "approved")
    assert (await house("GET", "/sessions", who=elevated)).status_code == 200
    customer = house.subject(house.mina, "customer")
    assert (await house("GET", "/sessions", who=customer)).status_code == 403, "nor is the elevation"
    clock.advance(599.999)
    assert (await house("GET", "/sessions", who=elevated)).status_code == 200
    clock.advance(0.001)
    assert (await house("GET", "/sessions", who=elevated)).status_code == 403
    async with house.database("owner").begin() as tx:
        more = {"id": ident, "until": clock.now() + timedelta(seconds=1), "at": clock.now()}
        await tx.execute(
            text("UPDATE policy.elevation SET starts_at = :at, ends_at = :until, role = 'auditor' WHERE id = :id"), more
        )
    assert (await house("GET", "/sessions", who=elevated)).status_code == 403, "another role"
    async with house.database("owner").begin() as tx:
        ended = "UPDATE policy.elevation SET role = 'administrator', state = 'ended' WHERE id = :id"
        await tx.execute(text(ended), {"id": ident})
    assert (await house("GET", "/sessions", who=elevated)).status_code == 403, "it was ended before its time"
    async with house.database("idp").begin() as tx:
        assert not await role_news.holds(tx, house.mina.id, UUID(int=9), "administrator", clock.now())
