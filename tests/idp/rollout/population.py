"""Made-up people, for properties about everybody: kept in the database, and looked at one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from sqlalchemy import text

from config.connections import Database, Transaction, open_database
from config.settings import Settings
from idp.devices.sign_in_history import GOT_IN, Outcome
from idp.rollout.methods import Enrolled
from tests.idp.people import HOUSE

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OTHER, FOREIGN = (UUID(int=number) for number in (2, 3))
HASHES = {
    "": ("", "none"),
    "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$dGFn": ("argon2id", "today"),
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$dGFn": ("argon2id", "outdated"),
    "kept bcrypt $2b$12$salt digest": ("bcrypt", "kept"),
    "wrapped ldap - $argon2id$v=19$m=65536,t=3,p=1$c2FsdA$dGFn": ("ldap", "wrapped"),
}
AMRS = [
    (),
    ("pwd",),
    ("pwd", "otp", "mfa"),
    ("hwk", "user", "mfa"),
    ("otp",),
    ("email",),
    ("swk", "mca"),
    ("pwd", "sms"),
]


@dataclass(frozen=True)
class Attempt:
    outcome: Outcome
    amr: tuple[str, ...]
    days: int
    seconds: float | None


@dataclass(frozen=True)
class One:
    roles: dict[UUID, tuple[str, ...]]
    state: str
    hash: str
    enrolled: frozenset[Enrolled]
    device_days: int | None
    attempts: list[Attempt] = field(default_factory=list)
    id: UUID = field(default_factory=uuid4)


attempts = st.builds(
    Attempt,
    outcome=st.sampled_from(get_args(Outcome)),
    amr=st.sampled_from(AMRS),
    days=st.sampled_from([1, 29, 31, 60, 100, 179]),
    seconds=st.none() | st.integers(1, 300).map(float),
)
people = st.lists(
    st.builds(
        One,
        roles=st.dictionaries(
            st.sampled_from([HOUSE, OTHER, FOREIGN]),
            st.lists(st.sampled_from(["administrator", "customer"]), unique=True, max_size=2).map(tuple),
            min_size=1,
        ),
        state=st.sampled_from(["active", "active", "active", "locked"]),
        hash=st.sampled_from(list(HASHES)),
        enrolled=st.frozensets(st.sampled_from(["passkey", "totp"])),
        device_days=st.none() | st.sampled_from([2, 40, 300]),
        attempts=st.lists(attempts, max_size=9),
    ),
    max_size=8,
)


async def keep(tx: Transaction, everybody: list[One]) -> None:
    async def run(statement: str, **values: Any) -> None:
        await tx.execute(text(statement), values)

    for organisation in (HOUSE, OTHER, FOREIGN):
        await run(
            "INSERT INTO idp.organisation (id, name, time_zone, created_at) VALUES (:id, :name, 'Asia/Seoul', :now)",
            id=organisation,
            name=str(organisation.int),
            now=NOW,
        )
    for one in everybody:
        await run(
            "INSERT INTO idp.user_account (id, display_name, locale, state, version, created_at, updated_at,"
            " lock_reason, locked_at) VALUES (:id, 'x', 'ko', :state, 1, :now, :now, :lock, CAST(:at AS timestamptz))",
            id=one.id,
            state=one.state,
            now=NOW,
            lock="administrator" if one.state == "locked" else None,
            at=NOW if one.state == "locked" else None,
        )
        for organisation, roles in one.roles.items():
            await run(
                "INSERT INTO idp.membership VALUES (:a, :b, :c, :d)", a=one.id, b=organisation, c=list(roles), d=NOW
            )
        if one.hash:
            await run("INSERT INTO idp.password VALUES (:a, :b, :c)", a=one.id, b=one.hash, c=NOW)
        if "totp" in one.enrolled:
            await run(
                "INSERT INTO idp.totp VALUES (gen_random_uuid(), :a, '', 'app', 0, :b, :b), "
                "(gen_random_uuid(), :a, '', 'not confirmed', 0, :b, NULL)",
                a=one.id,
                b=NOW,
            )
        if "passkey" in one.enrolled:
            await run(
                "INSERT INTO idp.passkey SELECT decode(:c, 'hex'), :a, '', 0, '{}', '', 'key', true, false, false, :b",
                a=one.id,
                b=NOW,
                c=one.id.hex,
            )
        if one.device_days is not None:
            await run(
                "INSERT INTO idp.device SELECT gen_random_uuid(), :a, decode(:c, 'hex'), 'known', 'x', 1, :b, :b",
                a=one.id,
                b=NOW - timedelta(days=one.device_days),
                c=one.id.hex,
            )
        for attempt in one.attempts:
            await run(
                "INSERT INTO idp.sign_in_history (id, user_id, at, outcome, amr, device_label, browser, place, network,"
                " ip, client_id, seconds)"
                " VALUES (gen_random_uuid(), :a, :b, :c, :d, '', '', '', '', '127.0.0.1', '', :e)",
                a=one.id,
                b=NOW - timedelta(days=attempt.days),
                c=attempt.outcome,
                d=list(attempt.amr),
                e=attempt.seconds if attempt.outcome in GOT_IN else None,
            )


FEW = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # each example costs many statements: they are not shrunk
)


@contextmanager
def each_in_vain(of: Settings) -> Iterator[Callable[[Callable[[Database], Coroutine[Any, Any, None]]], None]]:
    """Runs examples on one database and one loop; each reads within a transaction of its own that is never
    committed."""
    database = open_database(of, "idp")
    with asyncio.Runner() as runner:
        try:
            yield lambda example: runner.run(example(database))
        finally:
            runner.run(database.dispose())
