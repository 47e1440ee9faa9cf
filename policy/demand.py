"""A decision with what a route demands of the sign-in, or of a token, beyond policy: the gateway says it, a record
repeats it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from policy.decision import Decision, Effect, StepUp
from policy.reasons import Reason
from policy.step_up import why as needed


def with_demand(decision: Decision, demand: StepUp) -> Decision:
    """The decision once the demand is laid upon it; it is of this one request. What was denied stays denied."""
    if decision.effect is Effect.DENY:
        return decision
    step = demand if decision.step_up is None else _stronger(decision.step_up, demand)
    why = decision.reasons if decision.effect is Effect.STEP_UP else ()  # those of an allow are no longer why
    return replace(
        decision,
        effect=Effect.STEP_UP,
        reasons=(*why, *(reason for reason in needed(demand) if reason not in why)),
        step_up=step,
        stands_until=0.0,
    )


def without_scope(decision: Decision) -> Decision:
    """The decision where a token lacks a scope that the route demands: no sign-in makes up for that. What was denied
    stays denied as it was."""
    if decision.effect is Effect.DENY:
        return decision
    return replace(
        decision,
        effect=Effect.DENY,
        reasons=(Reason.SCOPE_MISSING,),
        obligations=(),
        step_up=None,
        stands_until=0.0,
    )


def _stronger(one: StepUp, other: StepUp) -> StepUp:
    def most(values: Sequence[int | None]) -> int | None:
        return max((value for value in values if value is not None), default=None)

    ages = [age for age in (one.max_age, other.max_age) if age is not None]
    return StepUp(most((one.assurance, other.assurance)), min(ages, default=None), one.device_trust)
