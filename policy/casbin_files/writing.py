"""Our rules, roles, assignments and resources as files that the stock pycasbin loads, without any function of ours.

A request is asked as `(subject, organisation, zone, method, path, ctx)`: the subject is `user/SUB` for a person,
`client:ID` for a program, `""` for nobody; `ctx` has the attributes of `policy.context.Context`, None where something
is unknown. Roles that somebody holds besides the policy's own assignments are `g` lines to add. What Casbin has no
words for is left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from policy import conditions, path_pattern
from policy.artefact import ANONYMOUS, ANY, Assignment, Policy, Rule, RuleEffect, Zone
from policy.casbin_lines import JOINT
from policy.expand import Resources
from policy.request import CLIENT_ROLE, GROUP

MODEL = """[request_definition]
r = sub, dom, zone, method, path, ctx

[policy_definition]
p = priority, id, sub, dom, zone, path, methods, cond, eft, obligations

[role_definition]
g = _, _, _

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = (p.dom == "*" || p.dom == r.dom) && (p.zone == "*" || p.zone == r.zone) && regexMatch(r.method, p.methods) \
&& regexMatch(r.path, p.path) && (p.sub == "*" || g("anonymous", p.sub, r.dom) || g("anonymous", p.sub, "*") \
|| g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, "*")) && eval(p.cond)
"""
_ALWAYS = "1 == 1"
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/~")


class Exported(msgspec.Struct, frozen=True):
    """Both files, and what they do not say."""

    model: str
    policy: str
    left_out: tuple[str, ...]


def export(policy: Policy, members: Iterable[Assignment] = ()) -> Exported:
    """Write both files. `members`: who holds roles besides, as a directory has it.

    Raises `ValueError` where a rule cannot be read; lint finds those.
    """
    resources = Resources(policy.resources)
    lines = [
        ", ".join(("p", *row))
        for rule in sorted(policy.rules, key=lambda rule: rule.order)
        for row in _rows(rule, resources)
    ]
    lines += [", ".join(("g", *link)) for link in sorted(_links(policy, members))]
    return Exported(MODEL, "\n".join(lines) + "\n", tuple(_left_out(policy)))


def person(sub: str) -> str:
    """How a person is asked for: nobody's role is called so."""
    return f"user/{sub}"


def _rows(rule: Rule, resources: Resources) -> Iterator[tuple[str, ...]]:
    restricts = rule.effect is not RuleEffect.ALLOW
    condition = conditions.parse(rule.condition).casbin(restricts=restricts) if rule.condition else _ALWAYS
    methods = ".*" if ANY in rule.methods else rf"({JOINT.join(rule.methods)})\Z"
    for zone, path in resources.places(rule):
        yield (
            str(rule.priority), rule.id, rule.role, rule.organisation, zone, _expression(path), methods, condition,
            rule.effect.value, JOINT.join(rule.obligations),
        )  # fmt: skip


def _expression(path: str) -> str:
    """A path pattern as a regular expression without a comma; `regexMatch` anchors only the beginning."""
    read = path_pattern.parse(path)
    segments = ("/[^/]+" if segment is None else "/" + _escaped(segment) for segment in read.segments)
    return "".join(segments) + ("", r"/[\s\S]*", r"(/[\s\S]*)?")[read.tail] + r"\Z"


def _escaped(segment: str) -> str:
    return "".join(each if each in _PLAIN else f"\\x{ord(each):02x}" for each in segment)


def _links(policy: Policy, members: Iterable[Assignment]) -> set[tuple[str, str, str]]:
    """Every organisation that has links of its own gets those of all besides: Casbin keeps domains apart."""
    links = {(link.role, link.inherits, link.organisation) for link in policy.inheritance}
    for given in (*policy.assignments, *members):
        name = given.subject if given.subject.startswith((GROUP, CLIENT_ROLE)) else person(given.subject)
        links.add((name, given.role, given.organisation))
    everywhere = {(holder, held) for holder, held, organisation in links if organisation == ANY}
    own = {organisation for _, _, organisation in links} - {ANY}
    return links | {(holder, held, organisation) for organisation in own for holder, held in everywhere}


def _left_out(policy: Policy) -> Iterator[str]:
    for zone in policy.zones:
        if zone != Zone(zone.name, assurance=0):
            yield f"what the zone {zone.name!r} demands of whoever enters it"
    if any(rule.effect is RuleEffect.REDUCE for rule in policy.rules):
        yield "that a rule which reduces lays its obligations on later ones: to Casbin it says nothing"
    if policy.organisations:
        yield "time zones and calendars: the context that is asked with must follow them"
    if any(rule.role == ANONYMOUS for rule in policy.rules):
        yield "that a rule for everybody makes none of the zone's demands on the person"
