"""A decision as it stands in the audit's segments, and what becomes of the same request by any version."""

from __future__ import annotations

import msgspec

from policy.decide import decide
from policy.decision import Decision, Effect, StepUp
from policy.demand import with_demand, without_scope
from policy.reasons import Reason
from policy.request import AccessRequest, Elevated, Facts, Measured, Subject
from policy.snapshot import Snapshot


class Asked(msgspec.Struct, frozen=True):
    """All that the decision knew of who asked, and from where."""

    subject: Subject
    facts: Facts


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record; `gateway.decision.decision_log` writes it (docs/house.md has its members)."""

    at: float
    """Epoch seconds."""
    correlation_id: str
    effect: Effect
    reasons: tuple[Reason, ...]
    version: int
    method: str
    path: str
    route: str
    zone: str
    address: str
    winner: str = ""
    risk: int = 0
    signals: tuple[tuple[str, int], ...] = ()
    obligations: tuple[str, ...] = ()
    step_up: StepUp | None = None
    route_step_up: StepUp | None = None
    """What the route demanded of the sign-in beyond policy, and it lacked."""
    scope_missing: tuple[str, ...] = ()
    """All scopes that the route demanded of the access token, where it lacked one."""
    country: str = ""
    sub: str = ""
    sid: str = ""
    org: str = ""
    actors: tuple[str, ...] = ()
    client_certificate: str = ""
    staleness: float | None = None
    limited: str = ""
    threats: tuple[str, ...] = ()
    elevations: tuple[Elevated, ...] = ()
    """Roles that the caller held for a time."""
    measures: tuple[Measured, ...] = ()
    """What was ordered against it, or laid upon it, at that moment."""
    asked: Asked | None = None
    """None: it was written before records had it, and cannot be decided again."""

    @property
    def request(self) -> AccessRequest | None:
        """The question as it was decided; None: the record does not have it."""
        if self.asked is None:
            return None
        subject, facts = self.asked.subject, self.asked.facts
        return AccessRequest(subject, facts, self.zone, self.method, self.path, self.at, self.elevations, self.measures)


_decoder = msgspec.json.Decoder(Recorded)


def read(record: bytes) -> Recorded:
    """Read the JSON of one record. Raises `msgspec.DecodeError` for what is none."""
    return _decoder.decode(record)


def decide_again(recorded: Recorded, snapshot: Snapshot) -> Decision | None:
    """What this version answers to the same question, with what the route demanded; None: it cannot be asked again."""
    request = recorded.request
    if request is None:
        return None
    decision = decide(request, snapshot)
    if recorded.route_step_up is not None:
        decision = with_demand(decision, recorded.route_step_up)
    return without_scope(decision) if recorded.scope_missing else decision
