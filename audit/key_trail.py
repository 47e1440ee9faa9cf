"""What is told of signing keys that change: a record of each, and one event that makes every process look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from audit.trail import AuditEvent, Kind, record
from config.connections import Transaction
from config.web import new_correlation_id
from events import outbox
from jose.key_keeper import Change, Order
from jose.keys import Purpose
from jose.rotation import State

_KINDS: Mapping[State, Kind] = {
    "next": Kind.KEY_PUBLISHED,
    "active": Kind.KEY_ACTIVATED,
    "retiring": Kind.KEY_RETIRING,
    "retired": Kind.KEY_RETIRED,
}


async def tell(
    tx: Transaction, purpose: Purpose, changes: Sequence[Change], published: Iterable[str], order: Order
) -> None:
    """`jose.key_keeper.Tell`: within the transaction of the changes. `published` are the keys that verify now."""
    correlation_id = order.correlation_id or new_correlation_id()
    for change in changes:
        details = {"purpose": purpose, "algorithm": change.algorithm, "why": order.why}
        if change.until is not None:
            details["until"] = change.until.isoformat()
        await record(
            tx,
            AuditEvent(
                kind=_KINDS[change.state],
                correlation_id=correlation_id,
                actor=order.who,
                subject=change.kid,
                details=details,
            ),
        )
    await outbox.append(tx, "key", purpose, {"purpose": purpose, "published": sorted(published)})
