"""What a request was let through by, for the next one of the same client that asks for the very same.

Nothing is taken on trust: whatever can change in between is looked at again for each request, by `Pipeline`. What is
spared is the work whose every input is the same object as before.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.callers.caller import Caller, Decided
from gateway.callers.identity import Identity
from gateway.exchange import Forward, RequestHead
from gateway.inbound.credentials import Credentials
from gateway.routes.route_table import Route, RouteTable

KEPT = 8
"""Of one client's header fields: methods and paths that are remembered."""
REPEATS = 1.0
"""Seconds for which the same `Forward` is taken again; its assertion is made anew by the clock, and by other keys."""
_NAME = "passed"


class Passed(msgspec.Struct, frozen=True, gc=False):
    """One that passed, without obligations. `gc=False`: nothing of it leads back to it."""

    table: RouteTable
    route: Route
    shown: Credentials
    caller: Caller
    identity: Identity
    decided: Decided
    acts: bool
    """It keeps the session awake (S6)."""
    forward: Forward
    since: float
    """Epoch seconds."""
    until: float
    """Epoch seconds: `REPEATS` later, or when the token expires."""


def passed_before(head: RequestHead) -> Passed | None:
    """How this method and path passed before, with these very header fields."""
    kept: dict[tuple[bytes, bytes], Passed] | None = head.notes.get(_NAME)
    return None if kept is None else kept.get((head.method, head.path))


def keep(head: RequestHead, passed: Passed) -> None:
    """Remember it beside the header fields, as long as the client repeats them."""
    notes: dict[str, Any] = head.notes
    kept: dict[tuple[bytes, bytes], Passed] = notes.setdefault(_NAME, {})
    if len(kept) >= KEPT:
        kept.clear()
    kept[head.method, head.path] = passed
