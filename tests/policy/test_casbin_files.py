"""Files of Casbin's own form: taken over and written, they decide as the stock enforcer does; or they are refused."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.artefact import Assignment, Organisation, Policy, RuleEffect, Zone
from policy.casbin_files import writing
from policy.casbin_files.model import WrongModel
from policy.casbin_files.reading import Imported, Setting, take_over
from policy.casbin_lines import WrongLines
from policy.casbin_model import stock
from policy.context import Context
from policy.decide import decide
from policy.decision import Effect
from policy.judgement import judge, survey
from policy.request import AccessRequest, Facts, Subject, assignee
from policy.snapshot import Snapshot, compile_policy
from tests.policy.samples import MONDAY_NOON, rule
from tests.policy.strategies import policies, requests

PEOPLE, ROLES, DOMAINS = ["alice", "bob", "carol"], ["admin", "staff", "auditor"], ["d1", "d2"]
SETTING = Setting("shop")
SHOP = (Zone("shop", assurance=0),)
EFFECTS = {
    "allow": "some(where (p.eft == allow))",
    "not deny": "!some(where (p.eft == deny))",
    "both": "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    "priority": "priority(p.eft) || deny",
    "subject": "subjectPriority(p.eft) || deny",
}
PLENTY = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def model(matcher: str, *, p: str = "sub, obj, act", r: str = "sub, obj, act", e: str = "allow", g: str = "") -> str:
    roles = f"[role_definition]\n{g}\n" if g else ""
    return (
        f"[request_definition]\nr = {r}\n[policy_definition]\np = {p}\n{roles}"
        f"[policy_effect]\ne = {EFFECTS[e]}\n[matchers]\nm = {matcher}\n"
    )


RBAC = model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", g="g = _, _")


def compiled(imported: Imported) -> Snapshot:
    lines = imported.lines
    return compile_policy(
        Policy(imported.roles, SHOP, lines.rules, lines.inheritance, {}, lines.assignments, lines.resources), 1
    )


def ask(snapshot: Snapshot, sub: str, path: str, act: str, dom: str = "", at: float = MONDAY_NOON) -> bool:
    method = {"read": "GET", "write": "POST"}.get(act, act)
    request = AccessRequest(Subject(sub, dom, authenticated_at=at), Facts(), "shop", method, path, at)
    return decide(request, snapshot).effect is Effect.ALLOW


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, bool]:
    """A model, its policy, and whether requests have a domain."""
    effect = draw(st.sampled_from(sorted(EFFECTS)))
    domains, resources = draw(st.booleans()), draw(st.booleans())
    matching = draw(st.sampled_from(["r.obj == p.obj", "keyMatch(r.obj, p.obj)", "keyMatch2(r.obj, p.obj)"]))
    if resources:
        matching = "g2(r.obj, p.obj)"
    subject = "g(r.sub, p.sub, r.dom) && r.dom == p.dom" if domains else "g(r.sub, p.sub)"
    acting = draw(st.sampled_from(["r.act == p.act", "regexMatch(r.act, p.act)", '(r.act == p.act || p.act == "*")']))
    values = ["sub", *(["dom"] if domains else []), "obj", "act"]
    explicit = effect == "priority" and draw(st.booleans())
    given_values = [*(["priority"] if explicit else []), *values, *(["eft"] if effect != "allow" else [])]
    objects = {
        "r.obj == p.obj": ["/a", "/a/b", "/b.c"],
        "keyMatch(r.obj, p.obj)": ["/a", "/a/*", "*", "/*", "/a/b"],
        "keyMatch2(r.obj, p.obj)": ["/a", "/a/*", "/:id", "/a/:id", "/:id/*"],
        "g2(r.obj, p.obj)": ["/a", "books", "pens"],
    }[matching]
    acts = {"r.act == p.act": ["GET", "POST"], "regexMatch(r.act, p.act)": ["GET", "(GET)|(POST)", ".*", "^POST$"]}
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        row = {
            "priority": draw(st.sampled_from(["1", "2", "10"])),
            "sub": draw(st.sampled_from([*PEOPLE, *ROLES])),
            "dom": draw(st.sampled_from(DOMAINS)),
            "obj": draw(st.sampled_from(objects)),
            "act": draw(st.sampled_from(acts.get(acting, ["GET", "POST", "*"]))),
            "eft": draw(st.sampled_from(["allow", "deny"])),
        }
        lines.append(", ".join(["p", *(row[name] for name in given_values)]))
    pairs = st.tuples(st.sampled_from([*PEOPLE, *ROLES]), st.sampled_from(ROLES))
    for child, parent in draw(st.lists(pairs, max_size=5, unique=True)):
        if child not in ROLES or ROLES.index(child) < ROLES.index(parent):
            lines.append(", ".join(["g", child, parent, *([draw(st.sampled_from(DOMAINS))] if domains else [])]))
    if resources:
        lines += draw(st.lists(st.sampled_from(["g2, /a/b, books", "g2, /b.c, pens", "g2, books, pens"]), unique=True))
        if "g2, books, pens" in lines and "g2, /a/b, books" not in lines:
            lines.append("g2, /a/b, books")
        if any("books" in line for line in lines) and not any("books" in line for line in lines if line[:2] == "g2"):
            lines.append("g2, /a/b, books")
        if any("pens" in line for line in lines) and not any(line.endswith("pens") for line in lines):
            lines.append("g2, /b.c, pens")
    g = f"g = _, _{', _' if domains else ''}\n" + ("g2 = _, _\n" if resources else "")
    written = model(
        f"{subject} && {matching} && {acting}", p=", ".join(given_values), r=", ".join(values), e=effect, g=g
    )
    return written, "\n".join(lines), domains


PATHS = ["/a", "/a/b", "/b.c", "/", "/a/b/c", "/bxc"]


@PLENTY
@given(files())
def test_what_is_taken_over_decides_as_the_stock_enforcer_does(written: tuple[str, str, bool]) -> None:
    """Every person, domain, path and method."""
    model_text, policy_text, domains = written
    imported = take_over(model_text, policy_text, SETTING)
    snapshot, reference = compiled(imported), stock(model_text, policy_text)
    persons = {given.subject for given in imported.lines.assignments} | {"mallory"}
    for asked in product(sorted(persons), DOMAINS if domains else [""], PATHS, ["GET", "POST"]):
        sub, dom, path, method = asked
        given_values = asked if domains else (sub, path, method)
        assert ask(snapshot, sub, path, method, dom) is bool(reference.enforce(*given_values)), asked


@PLENTY
@given(policies(), st.lists(requests, min_size=5, max_size=5))
def test_what_is_written_decides_alike_in_the_stock_enforcer(given_policy: Policy, asked: list[AccessRequest]) -> None:
    snapshot, exported = compile_policy(given_policy, 1), writing.export(given_policy)
    reference = stock(exported.model, exported.policy)
    for each in asked:
        name = assignee(each.subject) if each.subject.id else ""
        if not each.subject.machine:
            name = writing.person(name)
        roles = frozenset({name}) if each.subject.machine else frozenset()
        plain = AccessRequest(
            Subject(each.subject.id, each.subject.organisation, roles, each.subject.assurance,
                    each.subject.authenticated_at, each.subject.machine),
            each.facts, each.zone, each.method, each.path, each.at,
        )  # fmt: skip
        situation = survey(plain, snapshot)
        winner = judge(situation.candidates, situation.zone, situation.context, each.method).winner
        ours = (winner is not None and winner.effect is RuleEffect.ALLOW, winner.id if winner is not None else "")
        allowed, row = reference.enforce_ex(
            name, each.subject.organisation, each.zone, each.method, each.path, situation.context
        )
        theirs = (bool(allowed), row[1] if row and row[8] != "reduce" else "")
        assert ours == theirs, each


def test_members_of_a_directory_are_written_as_links() -> None:
    given_policy = Policy(("customer",), SHOP, (rule("a", "/a,b/:id", methods=("GET", "POST")),))
    members = [Assignment("u-1", "customer", "org-1")]
    exported = writing.export(given_policy, members)
    reference = stock(exported.model, exported.policy)
    for sub, path, allowed in (("u-1", "/a,b/7", True), ("u-1", "/a,b/7/8", False), ("u-2", "/a,b/7", False)):
        assert reference.enforce(writing.person(sub), "org-1", "shop", "POST", path, Context) is allowed


def test_what_casbin_has_no_words_for_is_named() -> None:
    zones = (Zone("shop", assurance=2),)
    reduces = rule("a", role="anonymous", effect=RuleEffect.REDUCE, obligations=("read_only",))
    exported = writing.export(Policy(("customer",), zones, (reduces,), (), {"*": Organisation()}))
    assert len(exported.left_out) == 4


ABAC = model(
    'eval(p.rule) && g(r.sub, p.sub) && r.obj == p.obj && r.ctx.risk < 50',
    p="sub, rule, obj", r="sub, obj, act, ctx", g="g = _, _",
)  # fmt: skip


def test_attributes_that_are_facts_here_become_conditions() -> None:
    imported = take_over(ABAC, "p, alice, r.ctx.hour >= 9 && !(r.ctx.weekday in [6, 7]), /a", SETTING)
    assert imported.lines.rules[0].condition == "(hour >= 9 and (not weekday in [6, 7])) and (risk < 50)"
    snapshot = compiled(imported)
    assert ask(snapshot, "alice", "/a", "GET")
    assert not ask(snapshot, "alice", "/a", "GET", at=MONDAY_NOON + 5 * 86_400)
    assert not ask(snapshot, "alice", "/a", "GET", at=MONDAY_NOON - 4 * 3600)


def test_resources_may_be_patterns_where_the_application_matches_them() -> None:
    text = model("g(r.sub, p.sub) && g2(r.obj, p.obj) && regexMatch(r.act, p.act)", g="g = _, _\ng2 = _, _")
    lines = "p, alice, books, GET\ng2, /book/:id, books\ng2, /shelf/*, books"
    with pytest.raises(WrongLines):
        take_over(text, lines, SETTING)
    snapshot = compiled(take_over(text, lines, Setting("shop", name_patterns={"g2": "keyMatch2"})))
    for path, allowed in (("/book/1", True), ("/shelf/1/2", True), ("/book/1/2", False), ("/books", False)):
        assert ask(snapshot, "alice", path, "GET") is allowed


def test_people_in_groups_stay_so() -> None:
    imported = take_over(RBAC, "p, group:staff, /a, GET\ng, alice, group:staff\ng, group:night, group:staff", SETTING)
    assert imported.roles == ()
    assert [given.subject for given in imported.lines.assignments] == ["alice", "group:night"]
    assert ask(compiled(imported), "alice", "/a", "GET")


@pytest.mark.parametrize(
    ("model_text", "policy_text", "line", "about"),
    [
        (RBAC, "p, alice, /a, GET, deny", 1, "has 3 values"),
        (RBAC, "p, alice, /a, GET\np2, alice, /a, GET", 2, "no 'p2'"),
        (RBAC, "p, alice, /a/*, GET", 1, "no exact path"),
        (RBAC, "p, alice, /a, fetch", 1, "no method"),
        (RBAC, "p, alice, a, GET\np, alice, /a, POST", 2, "would both be"),
        (RBAC, "p, alice, /a, GET\np, alice, /b, read", 2, "would both be"),
        (RBAC, 'p, alice, "/a", GET', 1, "quotes"),
        (RBAC, "p, alice, /a], GET", 1, "closes nothing"),
        (RBAC, "p, alice, (/a, GET", 1, "not closed"),
        (RBAC, "p, álice, /a, GET", 1, "no name here"),
        (RBAC, "p, аlice, /a, GET", 1, "no name here"),
        (RBAC, "p, ali\u202ece, /a, GET", 1, "printable"),
        (RBAC, f"p, {'a' * 2_000_000}, /a, GET", 1, "4000 characters"),
        (RBAC, "p, anonymous, /a, GET", 1, "everybody"),
        (RBAC, "p, *, /a, GET", 1, "no request meets"),
        (RBAC, "p, alice, /a, *", 1, "no request meets"),
        (RBAC, "g, a, b\ng, b, a", 1, "inherits itself"),
        (RBAC, "\n".join(f"g, r{number}, r{number + 1}" for number in range(11)), 1, "more than 9 steps"),
        (model("r.sub == p.sub && keyMatch(r.obj, p.obj)"), "p, alice, /a*, GET", 1, "no exact path"),
        (model("r.sub == p.sub && keyMatch2(r.obj, p.obj)"), "p, alice, /a.b, GET", 1, "no exact path"),
        (model("r.sub == p.sub && keyMatch2(r.obj, p.obj)"), "p, alice, /(a+)+b, GET", 1, "no exact path"),
        (model("r.sub == p.sub && regexMatch(r.act, p.act)"), "p, alice, /a, (G+)+T", 1, "no method"),
        (model("r.sub == p.sub", p="sub, obj, act, eft"), "p, alice, /a, GET, deny", 1, "says nothing"),
        (model("g(r.sub, p.sub, r.dom)", r="sub, dom", p="sub", g="g = _, _, _"), "g, alice, admin, *", 1, "matching"),
        (model("r.sub == p.sub", g="g = _, _"), "g, alice, admin", 1, "never asks g"),
    ],
)
def test_a_line_without_an_exact_meaning_is_named(model_text: str, policy_text: str, line: int, about: str) -> None:
    with pytest.raises(WrongLines, match=about) as refused:
        take_over(model_text, policy_text, SETTING)
    assert line in [error.line for error in refused.value.errors]


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("", "has no r"),
        (RBAC + "m2 = r.sub == p.sub\n", "only one m"),
        (RBAC + "[views]\nv = 1\n", "not understood"),
        (RBAC.replace("some(where (p.eft == allow))", "allow"), "not one of Casbin's"),
        (RBAC.replace("g = _, _", "g = _, _, (_, _)"), "only `_, _`"),
        (model("true"), "not understood"),
        (model("r.sub.__class__ == p.sub"), "not understood"),
        (model("__import__('os').system('id')"), "not understood"),
        (model("r.sub == p.sub && !r.obj"), "not understood"),
        (model("r.sub == p.owner"), "not in the policy definition"),
        (model("r.owner == p.sub"), "known by its name"),
        (model("ipMatch(r.sub, p.sub)"), "ipMatch"),
        (model("(" * 300 + "r.sub == p.sub" + ")" * 300), "not an expression"),
        (model(" && ".join(["(r.sub == p.sub || r.obj == p.obj)"] * 12)), "alternatives"),
        (model("r.sub == p.sub && " * 400 + "r.obj == p.obj"), "4000"),
        (model("r.sub == 'root'", e="both"), "where all allow"),
        ("x" * 30_000, "at most"),
    ],
)
def test_a_model_without_an_exact_meaning_is_refused(text: str, about: str) -> None:
    with pytest.raises(WrongModel, match=about):
        take_over(text, "", SETTING)
