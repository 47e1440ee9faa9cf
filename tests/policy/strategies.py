"""Random policies and requests out of small alphabets, so that rules meet requests often."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from policy.artefact import Assignment, Inheritance, Organisation, Policy, Resource, Rule, RuleEffect, Zone
from policy.request import AccessRequest, DeviceTrust, Facts, Subject
from policy.roles import Hierarchy, WrongHierarchy
from tests.policy.samples import MONDAY_NOON

ROLES = ["customer", "vendor", "support"]
ORGANISATIONS = ["org-1", "org-2"]
ZONES = ["shop", "admin"]
METHODS = ["GET", "POST"]
SEGMENTS = ["a", "b.c"]
COUNTRIES = ["KR", "JP"]
NETWORKS = ["office", "loopback"]
ACTORS = ["ledger", "mailer", ""]
GROUPS = ["group:finance", "group:night"]
PEOPLE = ["u-1", "u-2", "customer"]
"""One is called like a role."""
PROGRAM = "client:nightly"
CERTIFICATES = ["till-7", "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"]

_numbers = st.integers(0, 3)
_orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _compare(name: str, values: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    return st.builds(lambda word, value: f"{name} {word} {value}", _orders, values)


def _member(name: str, values: list[str]) -> st.SearchStrategy[str]:
    texts = st.lists(st.sampled_from(values), min_size=1, max_size=2).map(
        lambda chosen: ", ".join(f'"{value}"' for value in chosen)
    )
    return st.one_of(
        st.builds(lambda word, chosen: f"{name} {word} [{chosen}]", st.sampled_from(["in", "not in"]), texts),
        st.builds(
            lambda word, value: f'{name} {word} "{value}"', st.sampled_from(["==", "!="]), st.sampled_from(values)
        ),
    )


_comparisons = st.one_of(
    _compare("device", st.sampled_from(["known", "registered", "attested", 2])),
    _compare("assurance", _numbers),
    _compare("auth_age", st.sampled_from([0, 60, 300])),
    _compare("hour", st.sampled_from([9, 11, 12])),
    _compare("weekday", st.sampled_from([1, 5])),
    _compare("risk", st.sampled_from([0, 20, 50, 100])),
    _member("country", COUNTRIES),
    _member("network", NETWORKS),
    _member("actor", ACTORS),
    _member("client_certificate", CERTIFICATES),
    _member("client_certificate_name", CERTIFICATES),
    _compare("date", st.sampled_from(['"2026-01-05"', '"2026-01-06"'])),
    _member("date", ["2026-01-05", "2026-01-07"]),
    st.sampled_from(["holiday", "working_day"]),
    st.sampled_from(["same_device", "same_country", "same_address", "9 <= hour < 12", "300 > auth_age"]),
)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda left, word, right: f"({left} {word} {right})", inner, st.sampled_from(["and", "or"]), inner),
        inner.map(lambda text: f"not ({text})"),
    )


conditions = st.recursive(_comparisons, _joined, max_leaves=5)

paths = st.sampled_from(["/a/b", "/", "/a", "/a/", "/a/b.c", "/b.c", "/bxc", "/a/b/c", "/a/b/"])
patterns = st.sampled_from(
    [
        "/**",
        "/",
        "/*",
        "/**",
        "/a",
        "/a/*",
        "/a/**",
        "/a/:id",
        "/:id",
        "/:id/*",
        "/:id/:other",
        "/a/b.c",
        "/b.c",
        "/a/:id/**",
    ]
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A policy whose hierarchy is sound."""
    count = draw(st.integers(3, 8))
    resources = tuple(
        Resource(name, zone, tuple(draw(st.lists(patterns, min_size=1, max_size=3, unique=True))))
        for name, zone in draw(st.lists(st.sampled_from(_RESOURCES), max_size=3, unique=True))
    )
    named = [f"@{resource.name}" for resource in resources if resource.zone == "*"]
    rules = tuple(
        Rule(
            id=f"r{draw(st.integers(0, 99))}.{index}",
            priority=draw(_numbers),
            role=draw(st.sampled_from([*ROLES, *ROLES, *ROLES, *GROUPS, PROGRAM, "anonymous", "*"])),
            zone=draw(st.sampled_from(["shop", "*", "shop", "admin"])),
            path=draw(st.sampled_from(named)) if named and draw(st.integers(0, 3)) == 0 else draw(patterns),
            effect=draw(st.sampled_from([*RuleEffect, RuleEffect.ALLOW, RuleEffect.ALLOW, RuleEffect.DENY])),
            organisation=draw(st.sampled_from(["*", "*", "*", "*", *ORGANISATIONS])),
            methods=tuple(draw(st.sampled_from([["*"], ["GET"], ["GET", "POST"], ["POST", "PUT"]]))),
            condition=draw(st.one_of(conditions, st.just(""), conditions)),
            obligations=("mask:phone",),
        )
        for index in range(count)
    )
    links = draw(st.lists(_links, min_size=1, max_size=3, unique=True))
    links, assignments = _sound(links, draw(st.lists(_assignments, max_size=5, unique=True)))
    zones = tuple(Zone(name, assurance=0) for name in ZONES)
    places = draw(st.dictionaries(st.sampled_from(["org-1", "*"]), _organisations, max_size=2))
    return Policy(tuple(ROLES), zones, rules, links, places, assignments, resources)


_organisations = st.builds(
    Organisation,
    time_zone=st.sampled_from(["Asia/Seoul", "America/New_York"]),
    working_days=st.sampled_from([(1, 2, 3, 4, 5), (7, 1, 2, 3, 4)]),
    holidays=st.sampled_from([(), (date(2026, 1, 5),), (date(2026, 1, 6), date(2026, 1, 4))]),
)
_PAIRS = [("vendor", "customer"), ("support", "customer"), ("support", "vendor"), ("customer", "vendor")]
_RESOURCES = [("orders", "*"), ("orders", "shop"), ("orders", "admin"), ("books", "*")]
_owners = st.sampled_from(["org-1", "org-2", "*", "*"])
_links = st.builds(lambda pair, owner: Inheritance(*pair, owner), st.sampled_from(_PAIRS), _owners)
_assignments = st.builds(
    Assignment, st.sampled_from([*PEOPLE, *GROUPS, PROGRAM]), st.sampled_from([*ROLES, *GROUPS]), _owners
)


def _sound(
    links: list[Inheritance], assignments: list[Assignment]
) -> tuple[tuple[Inheritance, ...], tuple[Assignment, ...]]:
    """Those that make no circle with the ones before them."""
    kept: list[Inheritance] = []
    given: list[Assignment] = []
    for each in [*links, *assignments]:
        try:
            if isinstance(each, Inheritance):
                Hierarchy([*kept, each])
                kept.append(each)
            else:
                Hierarchy(kept, [*given, each])
                given.append(each)
        except WrongHierarchy:
            continue
    return tuple(kept), tuple(given)


def _or_unknown(values: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([*values, *values, ""])


_moments = st.sampled_from([MONDAY_NOON - age for age in (60, 0, -5, -500, 299, 300, 301)])
subjects = st.builds(
    Subject,
    id=st.sampled_from([*PEOPLE, *PEOPLE, "nightly", "group:finance", PROGRAM, ""]),
    machine=st.sampled_from([False, False, False, True]),
    organisation=st.sampled_from(["org-1", "org-1", "org-2", "org-3", ""]),
    roles=st.sampled_from(
        [frozenset({role}) for role in (*ROLES, "support", "group:night")]
        + [frozenset({"customer", "vendor"}), frozenset(), frozenset({"unheard-of"})]
    ),
    assurance=st.integers(0, 2),
    authenticated_at=st.one_of(
        st.none(), st.sampled_from([MONDAY_NOON - age for age in (-5, -500, 0, 60, 299, 300, 301)])
    ),
)
facts = st.builds(
    Facts,
    device_trust=st.sampled_from(list(DeviceTrust)),
    device_id=_or_unknown(["d-1", "d-1", "d-2"]),
    country=_or_unknown(COUNTRIES),
    network=_or_unknown(NETWORKS),
    address=_or_unknown(["192.0.2.1"]),
    session_device=_or_unknown(["d-1"]),
    session_country=_or_unknown(["KR"]),
    session_address=_or_unknown(["192.0.2.1"]),
    actor=st.sampled_from(ACTORS),
    certificate=_or_unknown(CERTIFICATES),
    certificate_name=_or_unknown(CERTIFICATES),
)
requests = st.builds(
    AccessRequest,
    subject=subjects,
    facts=facts,
    zone=st.sampled_from(["shop", "shop", "shop", "admin"]),
    method=st.sampled_from(METHODS),
    path=paths,
    at=st.sampled_from([MONDAY_NOON, MONDAY_NOON + 3600, MONDAY_NOON + 14 * 3600]),
)
