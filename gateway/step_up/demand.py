"""What a route demands of the sign-in behind a request, and how that joins what policy demands (RFC 9470)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from gateway.callers.caller import Caller, Decided
from gateway.routes.route_table import Demand, Route, RouteTable
from policy.decision import Effect, StepUp
from policy.reasons import Reason

ACR = {1: "urn:munjigi:acr:1", 2: "urn:munjigi:acr:2"}
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
    if decision.effect is Effect.DENY:
        return decided
    step = asked if decision.step_up is None else _stronger(decision.step_up, asked)
    why = decision.reasons if decision.effect is Effect.STEP_UP else ()  # those of an allow are no longer why
    held = replace(
        decision,
        effect=Effect.STEP_UP,
        reasons=(*why, *(reason for reason in _why(asked) if reason not in why)),
        step_up=step,
        stands_until=0.0,
    )
    return Decided(held, decided.since, decided.snapshot, decided.facts, decided.subject, decided.law)


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


def _stronger(one: StepUp, other: StepUp) -> StepUp:
    def most(values: Sequence[int | None]) -> int | None:
        return max((value for value in values if value is not None), default=None)

    ages = [age for age in (one.max_age, other.max_age) if age is not None]
    return StepUp(most((one.assurance, other.assurance)), min(ages, default=None), one.device_trust)


def _why(step: StepUp) -> tuple[Reason, ...]:
    assurance = () if step.assurance is None else (Reason.ASSURANCE_TOO_LOW,)
    return assurance if step.max_age is None else (*assurance, Reason.AUTHENTICATION_TOO_OLD)
