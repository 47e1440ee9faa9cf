"""Policies and requests that mean harm: each is refused or borne, memory stays bounded, nothing is allowed by error."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy import artefact, casbin_lines, conditions, path_pattern, roles
from policy.artefact import Assignment, Inheritance, Policy, Resource, Zone
from policy.casbin_files.model import WrongModel
from policy.casbin_files.reading import Setting, take_over
from policy.casbin_lines import MOST_ERRORS, WrongLines
from policy.conditions import WrongCondition
from policy.decide import decide
from policy.decision import Effect
from policy.lint import Fault, lint
from policy.roles import DEEPEST, Hierarchy, WrongHierarchy
from policy.snapshot import Snapshot, compile_policy
from tests.policy.samples import policy, request, rule
from tests.policy.strategies import policies

MEGABYTE = "a" * 2**20
MIXED = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
ENTRY = policy(rule("entry", "/open"), rule("closed", "/closed", role="vendor"))


def grown(doing: Callable[[], object]) -> int:
    """Bytes that are held more after than before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = doing()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    del kept
    return after - before


# --- policies ---


@pytest.mark.parametrize("field", ["id", "role", "zone", "organisation", "path", "condition"])
@pytest.mark.parametrize(
    "name", [MEGABYTE, "a\u202eb", "\u0430dmin", "ａｄｍｉｎ", "admin\u0000", "ad\u00admin", "e\u0301", "\ud83d\ude00"]
)
def test_names_of_a_megabyte_and_tricks_of_unicode_are_refused(field: str, name: str) -> None:
    """Whichever way they come: as a line, or as a document."""
    line = casbin_lines.write(ENTRY.rules, ()).splitlines()[0].split(",")
    line[("p", "priority", *casbin_lines.RULE_FIELDS[1:]).index(field)] = name
    try:
        wrong = casbin_lines.read(",".join(line))
    except WrongLines:
        pass
    else:
        raise AssertionError(wrong)
    document = msgspec.json.decode(artefact.encode(ENTRY))
    document["rules"][0][field] = name
    try:
        read = artefact.decode(msgspec.json.encode(document))
    except (artefact.UnreadableArtefact, UnicodeEncodeError):
        return
    assert any(finding.refuses for finding in lint(read))
    with pytest.raises(ValueError):
        compile_policy(read, 1)


@pytest.mark.parametrize("kind", ["assignment", "resource", "role", "zone"])
def test_names_of_everything_else_are_plain(kind: str) -> None:
    document = msgspec.json.decode(artefact.encode(ENTRY))
    for name in (MEGABYTE, "\u0430dmin", "a b", "", "@admin", "*a"):
        wrong = {
            "assignment": {"assignments": [{"subject": name, "role": "vendor"}]},
            "resource": {"resources": [{"name": name, "zone": "shop", "paths": ["/"]}]},
            "role": {"roles": [name]},
            "zone": {"zones": [{"name": name}]},
        }[kind]
        with pytest.raises(artefact.UnreadableArtefact):
            artefact.decode(msgspec.json.encode({**document, **wrong}))


def test_circles_of_groups_and_roles_are_refused_however_long() -> None:
    length = 20_000
    circle = [Inheritance(f"r{index}", f"r{(index + 1) % length}") for index in range(length)]
    with pytest.raises(WrongHierarchy):
        Hierarchy(circle)
    groups = [Assignment(f"group:{index}", f"group:{(index + 1) % length}") for index in range(length)]
    with pytest.raises(WrongHierarchy):
        Hierarchy((), groups)
    mixed = [Inheritance("customer", "group:a"), Assignment("group:a", "customer")]
    with pytest.raises(WrongHierarchy, match="itself"):
        Hierarchy(mixed[:1], mixed[1:])  # type: ignore[arg-type]


def test_a_circle_may_close_in_one_organisation_only() -> None:
    links = [Inheritance("a", "b"), Inheritance("b", "c"), Inheritance("c", "a", "org-1")]
    with pytest.raises(WrongHierarchy, match="org-1"):
        Hierarchy(links)
    Hierarchy([*links[:2], Inheritance("c", "d", "org-1")])


@pytest.mark.parametrize("steps", [DEEPEST, DEEPEST + 1])
@pytest.mark.parametrize("by", ["roles", "a person", "a group", "one organisation"])
def test_a_way_is_as_long_as_casbin_follows_and_no_longer(steps: int, by: str) -> None:
    length = steps - (0 if by == "roles" else 1)
    links = [Inheritance(f"r{index}", f"r{index + 1}") for index in range(length)]
    assignments = {
        "roles": [],
        "a person": [Assignment("u-1", "r0")],
        "a group": [Assignment("group:a", "r0")],
        "one organisation": [Assignment("u-1", "r0", "org-1")],
    }[by]
    if by == "one organisation":
        links[-1] = msgspec.structs.replace(links[-1], organisation="org-1")
    if steps > DEEPEST:
        with pytest.raises(WrongHierarchy, match="steps"):
            Hierarchy(links, assignments)
    else:
        Hierarchy(links, assignments)


def test_many_organisations_over_many_roles_are_told_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has one link of its own, to a role from which all others are reached: a product of both to look at."""
    monkeypatch.setattr(roles, "MOST_STEPS", 100_000)
    fan = [Inheritance("top", f"r{index}") for index in range(400)]
    own = [Inheritance("worker", "top", f"org-{index}") for index in range(400)]
    Hierarchy([*fan, *own[:200]])
    with pytest.raises(WrongHierarchy, match="too many"):
        Hierarchy([*fan, *own])


def test_conditions_that_nest_repeat_or_are_huge_are_refused_at_once() -> None:
    for text in (
        "(" * 10_000 + "risk > 1" + ")" * 10_000,
        "not " * 10_000 + "same_device",
        "risk > 1 or " * 100_000 + "risk > 2",
        "9" * 100_000,
        f'country == "{MEGABYTE}"',
        "risk > 9 ** 9 ** 9 ** 9",
        'network in ["a"] * 999999999',
        "[1 for x in [1]] == risk",
    ):
        with pytest.raises(WrongCondition):
            conditions.parse(text)


def test_patterns_that_would_be_catastrophic_as_expressions_are_plain_here() -> None:
    """`(a+)+$` is a segment of plain characters: nothing backtracks."""
    snapshot = compile_policy(policy(rule("a", "/(a+)+$")), 1)
    assert decide(request(path="/" + "a" * 100_000 + "!"), snapshot).effect is Effect.DENY
    assert decide(request(path="/(a+)+$"), snapshot).effect is Effect.ALLOW
    for wrong in ("/*/*", "/**/a", "/a*", "a", "//", "/" + "a/" * 5000, "/:", "/{id}", "/a b", "/\u0430"):
        with pytest.raises(path_pattern.WrongPattern):
            path_pattern.parse(wrong)


def test_a_file_of_nonsense_names_so_many_lines_and_no_more() -> None:
    with pytest.raises(WrongLines) as refused:
        casbin_lines.read("nonsense\n" * 100_000)
    assert len(refused.value.errors) == MOST_ERRORS
    with pytest.raises(WrongLines, match="at most"):
        casbin_lines.read("\n" * (casbin_lines.MOST_LINES + 1))


def test_a_resource_that_is_not_there_is_refused() -> None:
    for wrong in (policy(rule("a", "@orders")), policy(rule("a", "@")), policy(rule("a", "@orders/x"))):
        assert Fault.UNKNOWN_RESOURCE in {finding.fault for finding in lint(wrong)}
        with pytest.raises(ValueError):
            compile_policy(wrong, 1)
    elsewhere = policy(rule("a", "@orders"), resources=(Resource("orders", "admin", ("/",)),))
    with pytest.raises(ValueError, match="no resource"):
        compile_policy(elsewhere, 1)


@MIXED
@given(st.one_of(st.text(), st.text(alphabet="andortisk><=!()[]\"'0123456789 ,.")))
def test_whatever_is_written_as_a_condition_is_understood_or_refused(text: str) -> None:
    try:
        found = conditions.parse(text)
    except WrongCondition:
        return
    assert found.names <= conditions.vocabulary().keys()


@MIXED
@given(st.one_of(st.text(), st.text(alphabet='pg2,*@/:ab \n"')))
def test_whatever_is_written_as_lines_is_read_or_refused(text: str) -> None:
    try:
        casbin_lines.read(text)
    except WrongLines:
        return


@MIXED
@given(st.text(alphabet="rpgem=.,&|!()[]\"' _subobjact\n"), st.text(alphabet="pg2,*/:ab \n()[]"))
def test_whatever_is_sent_as_casbin_files_is_taken_over_or_refused(matcher: str, lines: str) -> None:
    model = (
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n"
        f"[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.sub == p.sub && {matcher}\n"
    )
    for text in (model, model.replace(f" && {matcher}", ""), matcher):
        try:
            take_over(text, lines, Setting("shop"))
        except (WrongModel, WrongLines):
            continue


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies(), st.binary(max_size=8), st.integers(0, 10_000), st.integers(0, 8))
def test_an_artefact_that_was_tampered_with_is_refused_or_is_a_policy(
    given_policy: Policy, put: bytes, place: int, taken: int
) -> None:
    encoded = artefact.encode(given_policy)
    place %= len(encoded)
    tampered = encoded[:place] + put + encoded[place + taken :]
    try:
        snapshot = compile_policy(artefact.decode(tampered), 1)
    except (artefact.UnreadableArtefact, ValueError):
        return
    assert isinstance(snapshot, Snapshot)


# --- requests ---


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "/" + MEGABYTE},
        {"path": "/open" * 100_000},
        {"path": ""},
        {"path": "open"},
        {"path": "/open\x00"},
        {"path": "/ｏpen"},
        {"path": "/open/"},
        {"method": MEGABYTE},
        {"zone": MEGABYTE},
        {"zone": "*"},
        {"roles": frozenset({"*"})},
        {"roles": frozenset({MEGABYTE})},
        {"roles": frozenset({"\u0441ustomer"})},
        {"roles": frozenset(), "id": "customer"},
        {"roles": frozenset(), "id": "group:staff"},
        {"roles": frozenset(), "id": "client:nightly"},
        {"roles": frozenset(), "organisation": "*"},
    ],
)
def test_strange_requests_are_denied(fields: dict[str, Any]) -> None:
    guarded = policy(
        rule("entry", "/open", methods=("GET",)),
        rule("staff", "/open", role="group:staff"),
        rule("nightly", "/open", role="client:nightly"),
        assignments=(Assignment("group:staff", "customer"), Assignment("client:nightly", "customer")),
    )
    snapshot = compile_policy(guarded, 1)
    assert decide(request(**{"path": "/open", **fields}), snapshot).effect is Effect.DENY


def test_strangers_grow_nothing_that_is_kept_for_good() -> None:
    snapshot = compile_policy(ENTRY, 1)

    def ask(number: int) -> None:
        who = {"id": f"u-{number}", "organisation": f"org-{number}", "roles": frozenset({f"role-{number}"})}
        decide(request(path=f"/{number}/{'x' * 200}", method=f"M{number}", **who), snapshot)

    def many(first: int) -> None:
        for number in range(first, first + 6000):
            ask(number)

    many(0)
    assert grown(lambda: many(10_000)) < 4 * 2**20


def test_an_empty_or_broken_policy_decides_nothing() -> None:
    empty = Policy((), (), ())
    assert decide(request(), compile_policy(empty, 1)).effect is Effect.DENY
    assert decide(request(), compile_policy(policy(zones=(Zone("shop"),)), 1)).effect is Effect.DENY
    assert {finding.fault for finding in lint(empty)} == {Fault.EMPTY}
