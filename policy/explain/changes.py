"""What would have changed the answer: single changes of a fact, a role, a rule or a demand, each one tried.

Nothing is concluded: each change is made, and the request decided again. So what is told is true of this request, at
this moment, by this version, and says nothing of two changes at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.decide import decide
from policy.decision import Decision, StepUp
from policy.demand import with_demand
from policy.explain import other_callers, other_overlays
from policy.explain.other_policies import of_policy
from policy.explain.told import Change, Kind, Who
from policy.explain.tried import PASSES, turns
from policy.judgement import Situation
from policy.request import AccessRequest
from policy.snapshot import Snapshot

OF_A_KIND = 5
"""Changes of one kind that are told: of many countries, say, the first ones."""
_ORDER = {kind: place for place, kind in enumerate(Kind)}
_WHOSE = {who: place for place, who in enumerate(Who)}


def changes(
    situation: Situation, snapshot: Snapshot, decision: Decision, demand: StepUp | None = None
) -> tuple[Change, ...]:
    """Every single change that would have turned the answer over, the least first.

    `policy.explain.tried.turns` says what that means.
    """
    passed = decision.effect in PASSES
    found = [*_of_requests(situation, snapshot, decision, demand), *of_policy(situation, decision, demand)]
    told: dict[Kind, list[Change]] = {}
    for change in found:
        alike = told.setdefault(change.kind, [])
        if turns(decision.effect, change.effect) and len(alike) < OF_A_KIND:
            alike.append(change)
    if told.get(Kind.SIGN_IN_AGAIN) or told.get(Kind.SECOND_FACTOR):
        told.pop(Kind.SECOND_FACTOR_ANEW, None)  # one of the two is enough
    flat = [change for alike in told.values() for change in alike]
    if passed:
        return tuple(sorted(flat, key=lambda change: (_WHOSE[change.who], _ORDER[change.kind])))
    return tuple(
        sorted(flat, key=lambda change: (_WHOSE[change.who], change.effect not in PASSES, _ORDER[change.kind]))
    )


def _of_requests(
    situation: Situation, snapshot: Snapshot, decision: Decision, demand: StepUp | None
) -> Iterator[Change]:
    request = situation.request
    tried = [
        *other_callers.roles(situation, snapshot),
        *other_overlays.measures(request),
        *other_overlays.elevations(request, snapshot),
        *other_overlays.assignments(request, snapshot),
        *other_callers.places(situation),
        *other_callers.times(situation, snapshot, decision),
    ]
    if decision.effect in PASSES:
        tried += other_callers.losses(request)
    else:
        tried += other_callers.acts(situation)
    for one in tried:
        answer = decide(one.request, snapshot)
        if demand is not None and (left := _left_of(demand, one.request)) is not None:
            answer = with_demand(answer, left)
        yield Change(one.kind, one.who, one.name, one.was, one.would_be, answer.effect, answer.winner)


def _left_of(demand: StepUp, request: AccessRequest) -> StepUp | None:
    """What a route's demand still lacks once a change was made; None: nothing."""
    at = request.subject.authenticated_at
    assurance, max_age = demand.assurance, demand.max_age
    if assurance is not None and request.subject.assurance >= assurance:
        assurance = None
    if max_age is not None and at is not None and request.at - at <= max_age:
        max_age = None
    return None if assurance is None and max_age is None else StepUp(assurance, max_age)
