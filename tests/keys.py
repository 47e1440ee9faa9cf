"""An RSA key for tests: making one takes up to a second, so each process of tests makes one, and puts it in its place
before anybody else makes another."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from config.connections import Database
from config.envelope import Envelope
from config.settings import Settings
from jose.keys import RS256, SigningKey
from jose.rotation import Make
from jose.storage.keys import SigningKeys


@cache
def rsa_key() -> SigningKey:
    """The key of this process."""
    return SigningKey.generate(RS256)


async def seed_rsa_key(database: Database, settings: Settings, now: datetime) -> None:
    """Make it the active key of tokens, unless there is one; `database` is the identity provider's."""
    keys = SigningKeys(Envelope.load(settings))
    async with database.begin() as tx:
        if not any(key.algorithm == RS256 for key in await keys.records(tx, "token")):
            await keys.move(tx, "token", Make(RS256, None), rsa_key(), now)
