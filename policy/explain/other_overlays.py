"""What stands above the policy, or is assigned by it, otherwise: a measure lifted, an elevation granted or over, one
role or group less that somebody is assigned."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from policy.artefact import ANY
from policy.explain.told import Kind, Who
from policy.explain.tried import Tried
from policy.request import GROUP, AccessRequest, Elevated
from policy.snapshot import Snapshot


def measures(request: AccessRequest) -> Iterator[Tried]:
    """Each measure that holds for the request, lifted."""
    for measure in request.measures:
        others = tuple(other for other in request.measures if other.id != measure.id)
        without = replace(request, measures=others)
        yield Tried(Kind.MEASURE, Who.ADMINISTRATOR, measure.id, True, False, without)


def elevations(request: AccessRequest, snapshot: Snapshot) -> Iterator[Tried]:
    """Each role that is held for a time, no longer; and each that may be asked for, granted."""
    for held in request.elevations:
        others = tuple(other for other in request.elevations if other.id != held.id)
        yield Tried(Kind.ELEVATION, Who.ADMINISTRATOR, held.role, True, False, replace(request, elevations=others))
    subject = request.subject
    if not subject.id or subject.machine or request.facts.actor:
        return  # only people ask, and what they are granted does not hold for a program that acts for them
    roles = snapshot.roles_of(subject)
    told = {held.role for held in request.elevations}
    for rule in snapshot.rest.elevations:
        if (
            rule.organisation in (ANY, subject.organisation)
            and rule.asked_by in roles
            and rule.role not in roles | told
        ):
            told.add(rule.role)
            granted = Elevated("", rule.role, request.at + rule.longest)
            more = replace(request, elevations=(*request.elevations, granted))
            yield Tried(Kind.ELEVATION, Who.ADMINISTRATOR, rule.role, False, True, more)


def assignments(request: AccessRequest, snapshot: Snapshot) -> Iterator[Tried]:
    """Each role or group less that the policy assigns to a person; a program is nothing but what it is assigned."""
    subject = request.subject
    if not subject.id or subject.machine:
        return
    assigned = snapshot.assigned_to(subject)
    for name in assigned:
        # nothing is assigned to who is called like a group, so this one holds what is left, and nothing else
        roles = subject.roles.union(assigned) - {name} | (subject.roles & {name})
        less = replace(subject, id=GROUP + subject.id, roles=roles)
        yield Tried(Kind.ASSIGNMENT, Who.ADMINISTRATOR, name, True, False, replace(request, subject=less))
