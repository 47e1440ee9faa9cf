"""The command of `docs/how-to/run-on-many-machines.md` ends every session, as `OneSession` does."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from sqlalchemy import text

from config.connections import Database
from config.sections.engines import Role
from config.settings import Settings
from events.projection import from_event
from idp.sessions.one_session import Began
from tests.cli.test_errors import munjigi
from tests.cli.test_sessions import environment
from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.people import add_person, beginning, one_session

PAGE = PROJECT / "docs" / "how-to" / "run-on-many-machines.md"


async def test_every_session_ends_and_is_told(
    settings: Settings, database: Callable[[Role], Database], clock: FakeClock
) -> None:
    live = {}
    for name in ("mina", "jun"):
        async with database("idp").begin() as tx:
            person = await add_person(tx, name)
            began = await one_session(clock).begin(tx, beginning(person.id, clock))
            assert isinstance(began, Began)
            live[began.session.sid] = began.session
    async with database("owner").begin() as tx:
        await tx.execute(text("DELETE FROM events.outbox"))
    (command,) = (block for _, block in blocks(PAGE, "sh") if "sessions end-all" in block)
    program, *arguments = shlex.split(command)
    assert program == "munjigi"
    run = munjigi(*arguments, **environment(settings))
    assert run.exit_code == 0, run.stderr
    async with database("owner").begin() as tx:
        payloads = (await tx.execute(text("SELECT payload FROM events.outbox"))).scalars().all()
        audited = (await tx.execute(text("SELECT sid FROM audit.record WHERE kind = 'session_ended'"))).scalars().all()
        left = (await tx.execute(text("SELECT count(*) FROM idp.session WHERE ended_at IS NULL"))).scalar_one()
    assert left == 0
    assert set(audited) == set(live)
    told = {state.sid: state for state in map(from_event, payloads)}
    assert {sid: (state.state, state.version) for sid, state in told.items()} == dict.fromkeys(live, ("ended", 2))
    assert all(
        set(payload) == set(live[payload["sid"]].event()) for payload in payloads
    )  # the form of docs/house.md, "Session events"
