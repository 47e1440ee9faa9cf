"""What happens in a house while people sit at their browsers: administrators act, organisations decide, time passes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from config.clock import SystemClock
from config.connections import Transaction, open_database, open_valkey
from config.entropy import SystemEntropy
from events import outbox
from idp.authorization.login_rules import LoginRules
from idp.authorization.next_step import DuplicateLogin
from idp.sessions.one_session import OneSession
from idp.sessions.session import SessionTimes
from idp.storage import sessions
from idp.storage.login_rules import put_login_rules
from tests.house import House

ORGANISATION = UUID("5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a01")
"""The demo people's."""


def an_administrator_ends_the_session(house: House, name: str) -> None:
    """Of one demo person."""

    async def end(tx: Transaction) -> None:
        sid = (
            await tx.execute(
                text(
                    "SELECT sid FROM idp.session JOIN idp.login_name USING (user_id)"
                    " WHERE name = :name AND ended_at IS NULL"
                ),
                {"name": name},
            )
        ).scalar_one()
        times = SessionTimes(idle_timeout=timedelta(minutes=30), absolute_lifetime=timedelta(hours=12))
        acts = OneSession(sessions, times, SystemClock(), SystemEntropy(), ())
        assert await acts.end(tx, sid, "administrator", correlation_id="tests") is not None

    _in_the_house(house, end)


def the_organisation_decides(house: House, duplicate_login: DuplicateLogin | None) -> None:
    """What a second login of its people does."""

    async def decide(tx: Transaction) -> None:
        assert await put_login_rules(tx, ORGANISATION, LoginRules(duplicate_login=duplicate_login))

    _in_the_house(house, decide)


def mail(
    house: House, name: str, before: list[dict[str, object]], wanted: str, *, within: float = 20.0
) -> Mapping[str, object]:
    """A mail since those `before` that has `wanted` in its text."""
    known = {one["id"] for one in before}
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        for one in house.mails(name):
            if one["id"] not in known and re.search(wanted, str(one["text"])):
                return one
        time.sleep(0.05)
    raise AssertionError(f"no mail has {wanted}")


def the_time_of_all_logins_is_over(house: House) -> None:
    """Whoever has begun to sign in has not finished in time."""
    house.execute("UPDATE idp.login SET expires_at = now()")


def the_codes_of_the_app_are_new(house: House) -> None:
    """As if the next thirty seconds had begun: no code of an authenticator app was used before."""
    house.forget_codes()


def _in_the_house(house: House, act: Callable[[Transaction], Awaitable[None]]) -> None:
    async def run() -> None:
        database, valkey = open_database(house.settings, "idp"), open_valkey(house.settings)
        try:
            async with database.begin() as tx:
                await act(tx)
            await outbox.poke(valkey)
        finally:
            await valkey.aclose()
            await database.dispose()

    with ThreadPoolExecutor(1) as beside:  # Playwright's own loop runs in the caller's thread
        beside.submit(lambda: asyncio.run(run())).result()
