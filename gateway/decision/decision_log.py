"""What was decided of every request, for the audit's segments: beside the way, never in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.callers.caller import Caller
from gateway.routes.route_table import Route
from policy.decision import Decision

Append = Callable[[Mapping[str, object]], None]
"""Takes one record and returns at once, as `audit.segments.SegmentWriter.append` does."""


class DecisionLog:
    """Writes records into this process's segment."""

    def __init__(self, append: Append) -> None:
        self._append = append

    def write(
        self,
        decision: Decision,
        *,
        at: float,
        correlation_id: str,
        method: str,
        path: str,
        route: Route,
        address: str,
        caller: Caller | None,
        staleness: float = 0.0,
    ) -> None:
        """Record one decision. `staleness`: seconds past the lease of the session's state that it stood on.

        Raises `audit.segments.AuditUnavailable` where nothing more can be recorded: then nothing is let through.
        """
        record: dict[str, object] = {
            "at": at,
            "correlation_id": correlation_id,
            "effect": decision.effect,
            "reasons": decision.reasons,
            "version": decision.version,
            "winner": decision.winner,
            "risk": decision.risk,
            "signals": decision.signals,
            "obligations": decision.obligations,
            "method": method,
            "path": path,
            "route": route.name,
            "zone": route.zone.name,
            "address": address,
        }
        if caller is not None:
            subject = caller.identity.subject
            record["sub"] = subject.id
            record["sid"] = caller.identity.sid
            record["org"] = subject.organisation
        if staleness:
            record["staleness"] = round(staleness, 3)
        self._append(record)
