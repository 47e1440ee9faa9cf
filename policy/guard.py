"""What a new version takes away from everybody at once: it is published only where whoever publishes names it.

By accident nothing is shut: a policy without any rule that allows is refused anyway (`policy.lint`), and one in which
a whole zone, or every program that releases policies, loses what it has is refused until that is confirmed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from policy.artefact import ANY, Policy, RuleEffect
from policy.context import Context
from policy.judgement import judge
from policy.lint import ADMIN_ZONE, PUBLISHING, Fault, Finding
from policy.overlap import shadowed
from policy.request import CLIENT_ROLE, DeviceTrust
from policy.roles import Hierarchy
from policy.snapshot import Snapshot, compile_policy

_PROGRAM = Context(DeviceTrust.UNKNOWN, 0, None, None, "private", 12, 1, 0, None, None, None, "")


def losses(before: Policy, after: Policy, snapshot: Snapshot, *, named: Collection[str]) -> tuple[Finding, ...]:
    """What is lost and not named; `snapshot`: the later policy, compiled."""
    return tuple(_losses(before, after, snapshot, frozenset(named)))


def _losses(before: Policy, after: Policy, snapshot: Snapshot, named: frozenset[str]) -> Iterator[Finding]:
    for zone in sorted(open_zones(before) - open_zones(after) - named):
        message = f"nothing is allowed in the zone {zone!r} any more: `confirm` names it where that is meant"
        yield Finding(Fault.ZONE_SHUT, message, refuses=False)
    if not any(rule.role.startswith(CLIENT_ROLE) for rule in before.rules):
        return
    former = releasing_programs(before, compile_policy(before, 1))
    if former and not releasing_programs(after, snapshot) and not named.issuperset(former):
        told = ", ".join(sorted(former))
        message = f"no program could publish any more, as {told} can: `confirm` names all of them where that is meant"
        yield Finding(Fault.PROGRAMS_SHUT_OUT, message, refuses=False)


def open_zones(policy: Policy) -> frozenset[str]:
    """The zones in which some rule allows something, and no earlier one always decides before it."""
    dead = {rule.id for rule, _ in shadowed(policy.rules, Hierarchy(policy.inheritance))}
    live = {rule.zone for rule in policy.rules if rule.effect is RuleEffect.ALLOW and rule.id not in dead}
    return frozenset(zone.name for zone in policy.zones if zone.name in live or ANY in live)


def releasing_programs(policy: Policy, snapshot: Snapshot) -> frozenset[str]:
    """The programs (`client:ID`) that are named by rules and may publish at some time from some place."""
    zone = snapshot.zones.get(ADMIN_ZONE)
    if zone is None:
        return frozenset()
    open_zone = msgspec.structs.replace(zone, hours=None, weekdays=(), networks=(), countries=())
    programs = {(rule.organisation, rule.role) for rule in policy.rules if rule.role.startswith(CLIENT_ROLE)}
    found = set()
    for organisation, program in programs:
        standing = snapshot.standing(organisation, frozenset({program}))
        if all(
            not judge(
                snapshot.candidates(standing, ADMIN_ZONE, method, path), open_zone, _PROGRAM, method, machine=True
            ).refused
            for method, path in PUBLISHING
            if path.endswith("/publish")
        ):
            found.add(program)
    return frozenset(found)
