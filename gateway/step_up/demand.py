"""What a route demands of the sign-in behind a request, and how that joins what policy demands (RFC 9470)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.callers.caller import Caller, Decided
from gateway.routes.route_table import Demand, Route, RouteTable
from idp.protocol.assurance import ACR_VALUES
from policy.decision import StepUp
from policy.demand import with_demand

ACR = dict(enumerate(ACR_VALUES, start=1))
"""The value of `acr_values` for an assurance."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page in place of a form that was sent has to ask for."""

    wanted: dict[str, str]
    """Parameters of the sign-in: `acr_values`, `max_age`."""
    target: str
    """Where the form was sent to: path and query on this very host."""
    person: str = ""
    """Whose form it is (`gateway.callers.mark.person_mark`); empty: nobody's."""


def unmet(route: Route, caller: Caller | None, method: str, path: str, now: float) -> StepUp | None:
    """What the sign-in behind a request lacks; None: nothing, or nothing is demanded. `now` is epoch seconds."""
    assurance = max_age = None
    for demand in route.step_up:
        if demand.covers(method, path):
            if _assurance(caller) < demand.assurance:
                assurance = max(assurance or 0, demand.assurance)
            if demand.max_age is not None and not _fresh(caller, demand.max_age, now):
                max_age = demand.max_age if max_age is None else min(max_age, demand.max_age)
    return None if assurance is None and max_age is None else StepUp(assurance, max_age)


def joined(decided: Decided, asked: StepUp) -> Decided:
    """The decision with what the route demands; it is of this one request. What was denied stays denied."""
    decision = decided.decision
    held = with_demand(decision, asked)
    return Decided(held, decided.since, decided.facts, decided.subject, asked, law=decided.law)


def sensitive_routes(table: RouteTable, authority: str, caller: Caller | None, now: float) -> list[dict[str, Any]]:
    """What of a host demands a step-up, as plain values for a page's script; `met`: not at this moment."""
    return [
        {
            "path": demand.path,
            "methods": list(demand.methods),
            "acr_values": ACR[demand.assurance],
            "max_age": demand.max_age,
            "met": _met(demand, caller, now),
        }
        for route in table.routes
        if route.authority == authority
        for demand in route.step_up
    ]


def _met(demand: Demand, caller: Caller | None, now: float) -> bool:
    fresh = demand.max_age is None or _fresh(caller, demand.max_age, now)
    return fresh and _assurance(caller) >= demand.assurance


def _assurance(caller: Caller | None) -> int:
    return 0 if caller is None else caller.identity.subject.assurance


def _fresh(caller: Caller | None, max_age: int, now: float) -> bool:
    at = None if caller is None else caller.identity.subject.authenticated_at
    return at is not None and now - at <= max_age
