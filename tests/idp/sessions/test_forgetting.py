"""The sweeper forgets what nobody needs any more: ended sessions with all of theirs, unused devices, who was told."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from config.connections import Database, Valkey
from config.settings import Settings
from idp.authorization.attempts import EVERY
from idp.authorization.next_step import Step
from idp.devices.device import Device
from idp.devices.sign_in_history import KEPT_FOR
from idp.sessions.one_session import Began
from idp.sessions.session import Session
from idp.storage import attempts, devices
from idp.sweeper import BATCH, FORGET_EVERY, UNUSED_KEPT, build_sweeper
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import add_person, beginning, one_session
from tests.idp.provider import App, Provider

TICK = timedelta(microseconds=1)


async def _ended(idp: Database, clock: FakeClock, name: str) -> Session:
    async with idp.begin() as tx:
        user = (await add_person(tx, name)).id
        begun = await one_session(clock).begin(tx, beginning(user, clock))
        assert isinstance(begun, Began)
        ended = await one_session(clock).end(tx, begun.session.sid, "sign_out", correlation_id="test")
    assert ended is not None
    return ended


async def _left(owner: Database, what: str) -> set[object]:
    async with owner.connect() as tx:
        return set((await tx.execute(text(what))).scalars())


SESSIONS = "SELECT sid FROM idp.session"


async def test_a_session_is_forgotten_when_its_sign_in_is(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    idp, owner = database("idp"), database("owner")
    ended = await _ended(idp, clock, "mina")
    async with idp.begin() as tx:
        assert await attempts.may_tell(tx, ended.sid, "a device", clock.now(), EVERY)
    sweeper = build_sweeper(settings, database("worker"), valkey, clock)
    clock.advance(KEPT_FOR.total_seconds())
    async with idp.begin() as tx:  # of whoever is signed in nothing is forgotten, however old
        user = (await add_person(tx, "jun")).id
        live = await one_session(clock).begin(tx, beginning(user, clock))
        assert isinstance(live, Began)
    await sweeper.step()
    assert await _left(owner, SESSIONS) == {ended.sid, live.session.sid}
    clock.advance(FORGET_EVERY.total_seconds())
    await sweeper.step()
    assert await _left(owner, SESSIONS) == {live.session.sid}


async def test_it_goes_in_batches_and_takes_what_came_of_it_along(
    settings: Settings, provider: Provider, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    app: App = await provider.register()
    browser = provider.browser()
    code = await provider.sign_in(browser, app, await provider.person())
    await provider.redeem(app, code)
    idp, owner = database("idp"), database("owner")
    async with owner.begin() as tx:
        await tx.execute(text("UPDATE idp.session SET ended_at = created_at, end_reason = 'sign_out', version = 9"))
        await tx.execute(
            text(
                "INSERT INTO idp.session SELECT left(md5(n::text), 22), user_id, organisation_id, version, "
                "decode(md5(n::text), 'hex'), device_id, device_label, browser, ip, place, amr, acr, authenticated_at, "
                "created_at, last_activity_at, idle_expires_at, absolute_expires_at, ended_at, end_reason, ended_by, "
                "network FROM idp.session, generate_series(1, :count) AS n"
            ),
            {"count": 2 * BATCH},
        )
    clock.advance((KEPT_FOR + TICK).total_seconds() + 1)
    async with idp.begin() as holding:  # one that somebody holds is passed over
        held = (await holding.execute(text("SELECT sid FROM idp.session ORDER BY sid LIMIT 1 FOR SHARE"))).scalar_one()
        await build_sweeper(settings, database("worker"), valkey, clock).step()
    assert await _left(owner, SESSIONS) == {held}
    for table in ("session_client", "refresh_family", "refresh_token", "authorization_code", "sign_in_history"):
        assert await _left(owner, f"SELECT 1 FROM idp.{table}") == set(), table


async def test_who_was_told_is_forgotten_after_the_ten_minutes(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    idp, owner = database("idp"), database("owner")
    session = await _ended(idp, clock, "mina")
    async with idp.begin() as tx:
        assert await attempts.may_tell(tx, session.sid, "a device", clock.now(), EVERY)
    clock.advance(EVERY.total_seconds() - 1)
    await build_sweeper(settings, database("worker"), valkey, clock).step()
    assert await _left(owner, "SELECT device FROM idp.told_attempt") == {"a device"}
    clock.advance(1)
    await build_sweeper(settings, database("worker"), valkey, clock).step()
    assert await _left(owner, "SELECT device FROM idp.told_attempt") == set()


async def test_a_device_where_nobody_signed_in_is_forgotten_after_a_day(
    settings: Settings, provider: Provider, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    app: App = await provider.register()
    people = {name: await provider.person(name) for name in ("mina", "jun")}
    met: dict[str, UUID] = {}

    async def meet(called: str, who: str, at: datetime, sign_ins: int = 0) -> None:
        met[called] = uuid4()
        device = Device(
            id=met[called],
            user_id=people[who],
            trust="unknown",
            label=called,
            sign_ins=sign_ins,
            first_seen_at=at,
            last_seen_at=at,
        )
        async with provider.parts.database.begin() as tx:
            await devices.meet(tx, device, met[called].bytes * 2)

    begun = clock.now()
    await meet("unused", "mina", begun)
    await meet("used", "mina", begun, sign_ins=1)
    await meet("of somebody who is signing in", "jun", begun)
    clock.advance(UNUSED_KEPT.total_seconds() + 1)
    await meet("met just now", "mina", clock.now())
    browser = provider.browser()
    await browser.follow(await browser.get(app.request()))
    now = clock.now()
    await provider.change_stored(browser, Step.SIGN_IN, lambda login: login.signed_in(people["jun"], ("pwd",), now))
    await build_sweeper(settings, database("worker"), valkey, clock).step()
    left = await _left(database("owner"), "SELECT label FROM idp.device")
    assert left == {"used", "met just now", "of somebody who is signing in"}
