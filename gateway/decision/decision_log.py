"""What was decided of every request, for the audit's segments: beside the way, never in it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway.callers.caller import Caller, Decided
from gateway.routes.route_table import Route

_LONG = 1e6
"""Seconds; what is older was never heard of, or is written as such a number is seldom."""
Append = Callable[[bytes], None]
"""Takes one record (JSON) and returns at once, as `audit.segments.SegmentWriter.append` does."""


class DecisionLog:
    """Writes records into this process's segment."""

    def __init__(self, append: Append) -> None:
        self._append = append
        self._encode = msgspec.json.Encoder().encode

    def write(
        self,
        decided: Decided,
        *,
        at: float,
        correlation_id: str,
        method: str,
        path: str,
        route: Route,
        address: str,
        caller: Caller | None,
        staleness: float | None = None,
        limited: str = "",
    ) -> None:
        """Record one decision. `staleness`: how many seconds old the state of sessions was that it stood on; None
        where it stood on none. `limited`: the rate that stopped a request that might have passed.

        What stays the same while a decision stands is encoded once. Raises `audit.segments.AuditUnavailable` where
        nothing more can be recorded: then nothing is let through.
        """
        record = decided.record
        if not record:
            record = decided.record = self._lasting(decided, method, path, route, address, caller)
        if staleness is not None and staleness < _LONG and not limited:
            self.again(decided, at, correlation_id, staleness)
        else:
            self._append(self._own(at, correlation_id, staleness, limited) + record)

    def again(self, decided: Decided, at: float, correlation_id: str, staleness: float) -> None:
        """Record what was recorded before of another request, which asked the same. Raises `AuditUnavailable`."""
        if staleness >= _LONG:
            self._append(self._own(at, correlation_id, staleness, "") + decided.record)
            return
        # what nearly every record says of its own: as `_own` does, and in a quarter of the time
        own = b'{"at":%a,"correlation_id":"%b","staleness":%a%b'
        self._append(own % (at, correlation_id.encode("ascii"), round(staleness, 3), decided.record))

    def _own(self, at: float, correlation_id: str, staleness: float | None, limited: str) -> bytes:
        own: dict[str, object] = {"at": at, "correlation_id": correlation_id}
        if staleness is not None:
            own["staleness"] = round(staleness, 3)
        if limited:
            own["limited"] = limited
        return self._encode(own)[:-1]

    def _lasting(
        self, decided: Decided, method: str, path: str, route: Route, address: str, caller: Caller | None
    ) -> bytes:
        """All but the moment and the exchange, as the rest of a JSON object."""
        decision = decided.decision
        record: dict[str, object] = {
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
        if decision.step_up is not None:
            record["step_up"] = decision.step_up
        if decided.demanded is not None:
            record["route_step_up"] = decided.demanded
        if decided.scopes:
            record["scope_missing"] = decided.scopes
        if decided.facts.country:
            record["country"] = decided.facts.country
        if decided.facts.threats:
            record["threats"] = decided.facts.threats
        if decision.elevations:
            record["elevations"] = decision.elevations
        if decision.measures:
            record["measures"] = decision.measures
        if decided.facts.certificate:
            record["client_certificate"] = decided.facts.certificate
        if caller is not None:
            subject = caller.identity.subject
            record["sub"] = subject.id
            record["sid"] = caller.identity.sid
            record["org"] = subject.organisation
            if caller.identity.actors:
                record["actors"] = caller.identity.actors
        # with this it can be decided again, by any version (policy.recorded)
        record["asked"] = {"subject": decided.subject, "facts": decided.facts}
        return b"," + self._encode(record)[1:]
