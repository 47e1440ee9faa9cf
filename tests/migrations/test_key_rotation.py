"""0022 with keys in the tables: what signs goes on signing, down and up again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

from sqlalchemy import text

from audit import key_trail
from config.connections import Database
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from jose.key_keeper import KeyKeeper, Order
from jose.keys import ES256
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from migrations.runner import migrate
from tests.clock import FakeClock
from tests.keys import seed_rsa_key

BEFORE = import_module("migrations.versions.0022_key_rotation").down_revision
SCHEDULE = Schedule(rotate_every=timedelta(days=30), publish_ahead=timedelta(days=1), keep=timedelta(hours=13))


async def test_down_and_up_with_keys_of_every_state(
    settings: Settings, database: Callable[[Role], Database], clock: FakeClock
) -> None:
    keys = SigningKeys(Envelope.load(settings))
    keeper = KeyKeeper("token", keys, SCHEDULE, key_trail.tell)
    await seed_rsa_key(database("owner"), settings, clock.now())
    async with database("owner").begin() as tx:
        await keys.ensure_active(tx, "assertion", clock.now())
        for how in ("keep", "rotate"):
            await getattr(keeper, how)(tx, Order(who="a test", why=""), clock.now())
    clock.advance(86_400)
    async with database("owner").begin() as tx:
        await keeper.keep(tx, Order(who="a test", why=""), clock.now())
        await keeper.rotate(tx, Order(who="a test", why=""), clock.now())
        before = await keys.load_ring(tx, "token")
        assert sorted(key.state for key in await keys.records(tx, "token")) == [
            *["active"] * 2,
            *["next"] * 2,
            *["retiring"] * 2,
        ]

    await migrate(settings, BEFORE)
    async with database("owner").connect() as tx:
        rows = await tx.execute(text("SELECT state, public_jwk ->> 'kty', sealed <> '' FROM jose.signing_key"))
        assert sorted(map(tuple, rows)) == [
            ("active", "EC", True),
            ("active", "EC", True),
            ("next", "EC", True),
            ("retiring", "EC", False),
        ]

    await migrate(settings)
    async with database("owner").begin() as tx:
        after = await keys.ensure_active(tx, "token", clock.now())
        assert after.active.kid == before.active.kid
        assert {kid for kid, key in before.public.items() if key.algorithm == ES256} <= after.public.keys()
        assert len(after.signers) == 2
