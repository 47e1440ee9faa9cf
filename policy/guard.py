"""What a new version takes away from everybody at once: it is published only where whoever publishes names it.

By accident nothing is shut: a policy without any rule that allows is refused anyway (`policy.lint`), and one in which
a whole zone, or every program that releases policies, loses what it has is refused until that is confirmed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from policy.artefact import ANY, Policy, Rule
from policy.context import Context
from policy.expand import Resources
from policy.judgement import judge
from policy.lint import ADMIN_ZONE, PUBLISHING, SOME_DAY, Fault, Finding
from policy.overlap import allows_anything
from policy.request import CLIENT_ROLE
from policy.roles import Hierarchy
from policy.snapshot import Snapshot, compile_policy

_PROGRAM = Context(
    None, 0, None, None, "private", 12, 1, 0, None, None, None, "", date=SOME_DAY, holiday=False, working_day=True
)


def losses(before: Policy, after: Policy, snapshot: Snapshot, *, named: Collection[str]) -> tuple[Finding, ...]:
    """What is lost and not named; `snapshot`: the later policy, compiled."""
    return tuple(_losses(before, after, snapshot, frozenset(named)))


def _losses(before: Policy, after: Policy, snapshot: Snapshot, named: frozenset[str]) -> Iterator[Finding]:
    for zone in sorted(open_zones(before) - open_zones(after) - named):
        message = f"nothing is allowed in the zone {zone!r} any more: `confirm` names it where that is meant"
        yield Finding(Fault.ZONE_SHUT, message, refuses=False)
    if not _programs(before):
        return
    former = releasing_programs(before, compile_policy(before, 1))
    if former and not releasing_programs(after, snapshot) and not named.issuperset(former):
        told = ", ".join(sorted(former))
        message = f"no program could publish any more, as {told} can: `confirm` names all of them where that is meant"
        yield Finding(Fault.PROGRAMS_SHUT_OUT, message, refuses=False)


def open_zones(policy: Policy) -> frozenset[str]:
    """The zones in which some rule allows something, and no earlier one always decides before it."""
    hierarchy, resources = Hierarchy(policy.inheritance), Resources(policy.resources)
    by_zone: dict[str, dict[str, Rule]] = {}
    for rule in policy.rules:
        for zone, _ in resources.places(rule):
            by_zone.setdefault(zone, {})[rule.id] = rule
    everywhere = by_zone.get(ANY, {})
    return frozenset(
        zone.name
        for zone in policy.zones
        if allows_anything({**by_zone.get(zone.name, {}), **everywhere}.values(), hierarchy, resources)
    )


def releasing_programs(policy: Policy, snapshot: Snapshot) -> frozenset[str]:
    """The programs (`client:ID`) that are named by rules and may publish at some time from some place."""
    zone = snapshot.zones.get(ADMIN_ZONE)
    if zone is None:
        return frozenset()
    open_zone = msgspec.structs.replace(zone, hours=None, weekdays=(), networks=(), countries=())
    found = set()
    for organisation, program in _programs(policy):
        standing = snapshot.standing(organisation, frozenset({program}), program)
        if all(
            not judge(
                snapshot.candidates(standing, ADMIN_ZONE, method, path), open_zone, _PROGRAM, method, machine=True
            ).refused
            for method, path in PUBLISHING
            if path.endswith("/publish")
        ):
            found.add(program)
    return frozenset(found)


def _programs(policy: Policy) -> frozenset[tuple[str, str]]:
    """The organisations and programs that rules and assignments name."""
    named = (
        *((rule.organisation, rule.role) for rule in policy.rules),
        *((given.organisation, given.subject) for given in policy.assignments),
    )
    return frozenset(each for each in named if each[1].startswith(CLIENT_ROLE))
