"""The notices that wait to be mailed, opened as the courier opens them."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import text

from config.connections import open_database
from config.envelope import Envelope
from config.settings import Settings
from notifications.queue import Body, sealing_context


@dataclass(frozen=True)
class Letter:
    """One of them."""

    kind: str
    to: str
    facts: dict[str, str]


async def letters(settings: Settings) -> list[Letter]:
    """All of them, the oldest first."""
    owner = open_database(settings, "owner")
    try:
        async with owner.connect() as tx:
            rows = (
                await tx.execute(text("SELECT id, kind, sealed FROM notifications.message ORDER BY created_at, ctid"))
            ).all()
    finally:
        await owner.dispose()
    envelope = Envelope.load(settings)
    found = []
    for row in rows:
        body = msgspec.json.decode(envelope.open(row.sealed, sealing_context(row.id)), type=Body)
        found.append(Letter(row.kind, body.to, body.facts))
    return found


async def mailed_code(settings: Settings) -> str:
    """The digits that were sent last."""
    return next(letter.facts["code"] for letter in reversed(await letters(settings)) if letter.kind == "sign_in_code")


async def texted_code(settings: Settings, number: str) -> str:
    """The digits that were sent last to a number."""
    found = [letter for letter in await letters(settings) if letter.kind == "sign_in_code" and letter.to == number]
    return found[-1].facts["code"]
