"""The last look before a policy is signed: the compiled snapshot against Casbin's stock enforcer (P4).

The requests are made from the rules themselves, so that each rule that is looked at gets a request that it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from policy import path_pattern
from policy.artefact import ANONYMOUS, ANY, Policy, Rule, RuleEffect
from policy.casbin_model import ReferenceEnforcer
from policy.expand import Resources
from policy.judgement import judge, survey
from policy.request import AccessRequest, DeviceTrust, Facts, Subject
from policy.snapshot import Snapshot

EVALUATIONS = 50_000
"""How many times Casbin may look at a rule, at some 80 microseconds each; a larger policy has fewer rules probed."""
PLACES = 4
"""Paths of a resource that are looked at."""
_NOON, _NIGHT = 1_767_581_400.0, 1_767_625_200.0
"""2026-01-05, 02:50 and 15:00 UTC: moments at which people work somewhere, and sleep elsewhere."""
_NOTHING_KNOWN = Facts()
_AT_HOME = Facts(
    device_trust=DeviceTrust.ATTESTED,
    device_id="d",
    country="KR",
    network="loopback",
    address="127.0.0.1",
    session_device="d",
    session_country="KR",
    session_address="127.0.0.1",
)


def disagreements(policy: Policy, snapshot: Snapshot) -> tuple[str, ...]:
    """The ids of rules whose requests the two decide differently, or by another rule; it should never name one."""
    reference = ReferenceEnforcer(policy)
    return tuple(
        rule.id
        for rule in _sample(policy.rules)
        if any(_ours(asked, snapshot) != _theirs(asked, snapshot, reference) for asked in _requests(rule, policy))
    )


def _sample(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """So many rules, evenly spread, that the whole stays within `EVALUATIONS`."""
    requests_each = 4
    many = max(1, min(len(rules), EVALUATIONS // (requests_each * max(1, len(rules)))))
    return rules[:: max(1, len(rules) // many)][:many]


def _requests(rule: Rule, policy: Policy) -> Iterator[AccessRequest]:
    method = "GET" if rule.methods[0] == ANY else rule.methods[0]
    organisation = "somewhere" if rule.organisation == ANY else rule.organisation
    places = Resources(policy.resources).places(rule)[:PLACES]
    roles = frozenset() if rule.role in (ANY, ANONYMOUS) else frozenset({rule.role})
    for at, (facts, assurance) in product((_NOON, _NIGHT), ((_NOTHING_KNOWN, 1), (_AT_HOME, 2))):
        subject = Subject("somebody", organisation, roles, assurance, at - 60)
        for zone, path in places:
            yield AccessRequest(subject, facts, policy.zones[0].name if zone == ANY else zone, method, _path(path), at)


def _path(pattern: str) -> str:
    """A path that the pattern stands for."""
    read = path_pattern.parse(pattern)
    path = "".join("/" + ("x" if segment is None else segment) for segment in read.segments)
    return path + ("/x" if read.tail is not path_pattern.Tail.NOTHING else "") or "/"


def _ours(asked: AccessRequest, snapshot: Snapshot) -> tuple[bool, str]:
    situation = survey(asked, snapshot)
    winner = judge(situation.candidates, situation.zone, situation.context, asked.method).winner
    return winner is not None and winner.effect is RuleEffect.ALLOW, winner.id if winner is not None else ""


def _theirs(asked: AccessRequest, snapshot: Snapshot, reference: ReferenceEnforcer) -> tuple[bool, str]:
    context = survey(asked, snapshot).context
    return reference.enforce(asked.subject, asked.zone, asked.method, asked.path, context)
