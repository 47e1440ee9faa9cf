"""The policy that ships with the product, published where none is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

import config
from config.clock import Clock, SystemClock
from config.connections import open_database, open_valkey
from config.envelope import Envelope
from config.settings import Settings
from config.web import new_correlation_id
from events import outbox
from jose.storage.keys import SigningKeys
from policy import casbin_lines, versions
from policy.artefact import Policy
from policy.storage.versions import PolicyVersions

SHIPPED = Path(config.__file__).parent / "shipped" / "policy"
AUTHOR = "munjigi"


def shipped_policy() -> Policy:
    """The rules and zones under `config/shipped/policy/`."""
    lines = casbin_lines.read((SHIPPED / "rules.csv").read_text(encoding="utf-8"))
    document = tomllib.loads((SHIPPED / "zones.toml").read_text(encoding="utf-8"))
    named = {"assignments": lines.assignments, "resources": lines.resources}
    return msgspec.convert({**document, "rules": lines.rules, "inheritance": lines.inheritance, **named}, Policy)


async def load(settings: Settings, clock: Clock | None = None) -> None:
    """Publish the shipped policy unless one is published already; a policy of one's own is never touched."""
    clock = clock or SystemClock()
    database, valkey = open_database(settings, "policy"), open_valkey(settings)
    stored = PolicyVersions()
    try:
        async with database.begin() as tx:
            await stored.hold(tx)
            if await stored.current(tx) is not None:
                return
            act = versions.Act(AUTHOR, "the policy that ships with the product", clock.now(), new_correlation_id())
            ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "policy", act.at)
            made, _ = await versions.draft(stored, tx, shipped_policy(), act)
            await versions.publish(stored, tx, made.number, ring.active, act)
        await outbox.poke(valkey)
    finally:
        await database.dispose()
        await valkey.aclose()
