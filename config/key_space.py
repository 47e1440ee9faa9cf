"""Every key in Valkey, in one place: who writes it, what it holds, when it goes.

A part in braces is a hash tag: keys that one script touches share it, so that they live in one slot of a Cluster.
"""

from __future__ import annotations

from uuid import UUID

PREFIX = "munjigi"

EVENT_STREAM = f"{PREFIX}:{{events}}:stream"
"""Stream, written by the relay alone: fields `e` epoch, `s` sequence, `k` kind, `p` payload (JSON)."""

EVENT_HEAD = f"{PREFIX}:{{events}}:head"
"""Hash `e`, `s`: the epoch and sequence last appended; a relay of an older epoch is refused. `t`: what the last
heartbeat vouched for."""

OUTBOX_POKE = f"{PREFIX}:outbox:poke"
"""Channel: a transaction that wrote to the outbox has committed. Lost pokes cost a poll, nothing else."""

NOTIFICATIONS_POKE = f"{PREFIX}:notifications:poke"
"""Channel: a transaction that queued a notice has committed. A lost poke costs a poll of the mail worker."""

APPROVALS_POKE = f"{PREFIX}:approvals:poke"
"""Channel: a transaction that asked somebody's devices has committed. A lost poke costs a poll of the worker `push`."""


def session(sid: str) -> str:
    """Hash, written by the relay alone: the projection of one session; an ended one is a tombstone with a TTL."""
    return f"{PREFIX}:{{session:{sid}}}"


PROBE_GATEWAYS = f"{PREFIX}:{{probe}}:gateways"
"""Sorted set with a TTL: the gateways that the probe measures, by the moment (epoch seconds, Valkey's clock) until
which each is known to be there; written by each for itself, taken away by whoever takes leave or sees it long past."""

PROBE_TURN = f"{PREFIX}:{{probe}}:turn"
"""Taken with a TTL by the worker that probes in this interval."""


def probe_reports(sid: str) -> str:
    """Hash with a TTL: of one probe, what each gateway says: the moment at which it let it through last, or why not."""
    return f"{PREFIX}:{{probe}}:reports:{sid}"


ACTIVITY_STREAM = f"{PREFIX}:{{activity}}:stream"
"""Stream, written by gateways in batches: `sid`, `at` (epoch milliseconds of the last activity). Read by the worker."""


RISK_STREAM = f"{PREFIX}:{{risk}}:stream"
"""Stream, written and read by gateways: `sid`, `risk`, `until` (epoch seconds until which that risk counts)."""


def reservation_shard(shard: int) -> str:
    """Stream of reservation requests of one shard of SKUs, `id` each; read by the reservation workers' group.

    Entries are numbered 0-1, 0-2, …: the number is the request's place in the line.
    """
    return f"{PREFIX}:{{reservation:{shard}}}:line"


def reservation_tickets(shard: int) -> str:
    """Hash: by the id of a waiting request its number in the line of this shard."""
    return f"{PREFIX}:{{reservation:{shard}}}:tickets"


def reservation_lease(shard: int) -> str:
    """String with a TTL: the worker that serves this shard."""
    return f"{PREFIX}:{{reservation:{shard}}}:lease"


def reservation_found_left(shard: int) -> str:
    """Counter with a TTL: how often in a row this line was taken up with entries that somebody left unfinished."""
    return f"{PREFIX}:{{reservation:{shard}}}:found-left"


RESERVATION_WORKERS = f"{PREFIX}:reservation:workers"
"""Sorted set: the workers that are there, by the epoch seconds at which they last said so."""


RESERVATION_GROUPS = 4


def reservation_group(person: UUID) -> int:
    """The group of a person, whose keys share a slot: many persons are asked about by few scripts."""
    return person.int % RESERVATION_GROUPS


def reservation_key(person: UUID, key: str) -> str:
    """String with a TTL: this person used this idempotency key; PostgreSQL knows what for."""
    return f"{PREFIX}:{{reservation:persons:{reservation_group(person)}}}:key:{person}:{key}"


RESERVATION_KEYS_KNOWN = f"{PREFIX}:reservation:keys-of-persons-known"
"""String: every idempotency key that PostgreSQL has is a `reservation_key`. Gone with a Valkey that was lost."""


def reservation_pace(person: UUID) -> str:
    """Counter with a TTL: requests of one person in the window at hand."""
    return f"{PREFIX}:{{reservation:persons:{reservation_group(person)}}}:pace:{person}"


def reservation_gate(sku: str) -> str:
    """Hash with a TTL: `a` how many of one SKU may still be asked for (-1: not counted), `n` how often that changed.

    Refuses cheaply what cannot be had; where it is missing, nothing is let in before it was made from PostgreSQL.
    """
    return f"{PREFIX}:{{gate:{sku}}}"


RESERVATION_RESULTS = f"{PREFIX}:reservation:results"
"""Channel: results of reservation requests, a list, for whoever holds their persons' websockets."""

RESERVATION_PROGRESS = f"{PREFIX}:reservation:progress"
"""Channel: `shard` and the `first` number that waits in its line, after each batch."""

RESERVATION_WAITING = f"{PREFIX}:reservation:waiting"
"""Channel: a request that joined a line: `person`, `id`, `shard`, its number `place`, and the `first` that waits."""


PAYMENTS_POKE = f"{PREFIX}:payments:poke"
"""Channel: a payment or a refund is due. A lost poke costs a poll of the payments' worker."""

ORDERS_POKE = f"{PREFIX}:orders:poke"
"""Channel: a payment or a refund of an order is due. A lost poke costs a poll of the orders' worker."""


def throttle(scope: str, subject: str) -> str:
    """Counter with a TTL: attempts of one subject in one scope."""
    return f"{PREFIX}:{{throttle:{scope}:{subject}}}"


def text_watch(scope: str, subject: str) -> str:
    """Hash with a TTL: of one block of numbers, or one country: codes that were sent by text, and that were typed."""
    return f"{PREFIX}:{{texts:{scope}:{subject}}}"


def replay(scope: str, digest: str) -> str:
    """Taken with a TTL by whoever uses a thing that may be used once: SHA-256 of a proof's or an assertion's name."""
    return f"{PREFIX}:{{replay:{scope}}}:{digest}"


def replays_since(scope: str) -> str:
    """Epoch seconds: of everything made since then the first use is known; what is older is refused (S7)."""
    return f"{PREFIX}:{{replay:{scope}}}:since"


RATE_SHARDS = 16


def rate(shard: int, digest: str) -> str:
    """Microseconds of Valkey's clock until which one subject of one rate has worked off what it took; goes then."""
    return f"{PREFIX}:{{rates:{shard}}}:{digest}"
