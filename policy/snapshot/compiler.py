"""Policy -> bytes. Done where a policy is published, never in a gateway."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b

from msgspec.structs import replace

from policy import conditions
from policy.artefact import ANY, Organisation, Policy
from policy.bands import in_order
from policy.expand import Resources
from policy.flows import crossings
from policy.local_time import LocalTime
from policy.request import CLIENT_ROLE, GROUP
from policy.roles import Hierarchy
from policy.snapshot.assigned import AssignedTable
from policy.snapshot.layout import Outline, joined, write
from policy.snapshot.snapshot import Snapshot
from policy.snapshot.tables import RecordTable, WordTable, packed
from policy.snapshot.trees import Trees

NOTHING_REMEMBERED = 101
"""No risk is as high."""
_LOOKED_UP = ("roles", "zones", "rules", "inheritance", "organisations", "assignments", "resources")
"""Members of a policy that have tables of their own here, or that no decision asks for."""


def compiled(policy: Policy) -> bytes:
    """Compile a policy: the same policy, the same bytes. Raises `ValueError` where a rule, a role or a time zone cannot
    be used: nothing is left out."""
    Hierarchy(policy.inheritance, policy.assignments)
    words, records = WordTable(), RecordTable()
    rules, remembers = in_order(policy), NOTHING_REMEMBERED
    for rule in rules:
        if rule.condition:
            remembers = min(remembers, *conditions.parse(rule.condition).risks, NOTHING_REMEMBERED)
        records.add(rule)
    trees, table = Trees(rules, Resources(policy.resources), words), AssignedTable(policy.assignments)
    zones = sorted(policy.zones, key=lambda zone: zone.name)
    zone_records = range(len(rules), records.add_all(zones)[1])
    zone_words = words.add({zone.name: record for zone, record in zip(zones, zone_records, strict=True)})
    organisations = dict(sorted({ANY: Organisation(), **policy.organisations}.items()))
    inherited, crossing = _inherited(policy), crossings(policy)
    outline = Outline(
        rules=len(rules),
        depth=trees.depth,
        zones=zone_words,
        organisations=words.add({name: records.add(place) for name, place in organisations.items()}),
        inheriting=words.add({name: records.add(roles) for name, roles in inherited.items()}),
        methods=trees.methods,
        roles=trees.roles,
        rest=records.add(_rest(policy)),
        time_zones=_time_zones(organisations.values()),
        assigns=bool(policy.assignments),
        role_sets=records.add_all(table.sets),
        crossings=-1 if crossing is None else records.add(crossing),
        remembers=remembers,
        roots=words.add(trees.roots),
    )

    by_zone: dict[str, list[int]] = {}
    for place, rule in enumerate(rules):
        by_zone.setdefault(rule.zone, []).append(place)
    shared = (_rest(policy), crossing, policy.resources, organisations, inherited, list(table.sets), *table.sections())
    everywhere = _hash((packed(shared), *map(records.bytes_of, by_zone.get(ANY, ()))))
    marks = array("Q")
    for name, place in words.places(zone_words).items():
        rule_records = map(records.bytes_of, by_zone.get(name, ()))
        mark = _hash((everywhere, records.bytes_of(words.value(place)), *rule_records))
        marks.append(int.from_bytes(mark, "big"))
    tables = (*words.sections(), *records.sections(), *trees.sections())
    return write((packed(outline), *tables, marks.tobytes(), *table.sections()))


def compile_policy(policy: Policy, version: int) -> Snapshot:
    """Compile one version and take it up, as a gateway does. Raises `ValueError`."""
    if version < 1:
        raise ValueError("versions count from 1")
    return Snapshot(version, compiled(policy))


def _inherited(policy: Policy) -> dict[str, list[str]]:
    """By organisation and role, what it inherits by one step; what groups and programs are assigned, too."""
    inherited: dict[str, set[str]] = {}
    for link in policy.inheritance:
        inherited.setdefault(joined(link.organisation, link.role), set()).add(link.inherits)
    for given in policy.assignments:
        if given.subject.startswith((GROUP, CLIENT_ROLE)):
            inherited.setdefault(joined(given.organisation, given.subject), set()).add(given.role)
    return {name: sorted(inherited[name]) for name in sorted(inherited)}


def _rest(policy: Policy) -> Policy:
    return replace(policy, **{name: type(getattr(policy, name))() for name in _LOOKED_UP})


def _time_zones(organisations: Iterable[Organisation]) -> tuple[str, ...]:
    names = sorted({place.time_zone for place in organisations})
    for name in names:
        try:
            LocalTime(name)
        except (KeyError, OSError) as error:
            raise ValueError(f"there is no time zone {name[:50]!r}") from error
    return tuple(names)


def _hash(parts: Iterable[bytes]) -> bytes:
    """Of eight bytes: enough to tell a change that nobody made on purpose from none."""
    hashed = blake2b(digest_size=8)
    for part in parts:
        hashed.update(part)
    return hashed.digest()
