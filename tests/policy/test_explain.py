"""Explanations say what is so: whatever is said to change an answer does, and nothing that would not."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import conditions
from policy.artefact import Assignment, ElevationRule, Policy, RuleEffect, Zone
from policy.decide import decide
from policy.decision import Decision, Effect, StepUp
from policy.demand import with_demand
from policy.explain import Explanation, explain
from policy.explain.condition_parts import checked
from policy.explain.text import text
from policy.explain.told import Change, ConditionPart, Kind, Part, Who
from policy.judgement import survey
from policy.reasons import Reason
from policy.request import AccessRequest, DeviceTrust, Elevated, Facts, Measured, MeasureEffect, Subject
from policy.snapshot import compile_policy, holds
from tests.policy import strategies
from tests.policy.samples import MONDAY_NOON, NOBODY, policy, request, rule

PASSES = (Effect.ALLOW, Effect.REDUCE)
DENY, REDUCE = RuleEffect.DENY, RuleEffect.REDUCE


def told(asked: AccessRequest, made: Policy, demand: StepUp | None = None) -> Explanation:
    return explain(asked, compile_policy(made, 1), demand)


def change(found: Explanation, kind: Kind, name: str = "") -> Change:
    return next(one for one in found.changes if one.kind is kind and name in ("", one.name))


def kinds(found: Explanation, who: Who) -> list[Kind]:
    return [one.kind for one in found.changes if one.who is who]


def test_a_condition_is_taken_apart_with_the_value_of_each_fact() -> None:
    made = policy(rule("r", condition='device >= attested and (country == "JP" or network == "office")'))
    found = told(request(), made)
    (considered,) = found.rules
    assert considered.part is Part.CONDITION_NOT_MET
    top = considered.checked
    assert top is not None
    assert (top.word, top.holds, top.matters) == ("and", False, True)
    device, either = top.parts
    assert (device.text, device.holds, device.value, device.matters) == (
        "device >= attested",
        False,
        "registered",
        True,
    )
    assert (either.word, either.holds, either.matters) == ("or", True, False)
    assert [(part.text, part.value, part.holds, part.matters) for part in either.parts] == [
        ("country == 'JP'", "KR", False, False),
        ("network == 'office'", "office", True, False),
    ]


def test_what_is_unknown_matters_where_it_keeps_a_rule_from_granting_and_not_where_it_restricts() -> None:
    made = policy(rule("closed", priority=1, effect=DENY, condition='country != "KR"'), rule("r"))
    closed, opened = told(request(country=""), made).rules
    assert closed.checked is not None
    assert (closed.checked.holds, closed.checked.value, closed.checked.matters) == (None, None, False)
    assert (closed.part, opened.part) == (Part.DECIDED, Part.NOT_REACHED)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_the_parts_of_a_condition_come_to_what_the_rule_does(data: st.DataObject) -> None:
    made = data.draw(strategies.policies())
    snapshot = compile_policy(made, 1)
    situation = survey(data.draw(strategies.requests), snapshot)
    for candidate in situation.candidates:
        part = checked(candidate, situation.context)
        assert (part is None) == (not candidate.rule.condition)
        if part is None:
            continue
        assert part.matters is not holds(candidate, situation.context)
        restricts = candidate.effect is not RuleEffect.ALLOW
        matched = part.holds is not False if restricts else part.holds is True
        assert matched is holds(candidate, situation.context)
        assert all(conditions.parse(leaf.text).names == {leaf.fact} for leaf in leaves(part))


def leaves(part: ConditionPart) -> list[ConditionPart]:
    return [part] if not part.parts else [leaf for inner in part.parts for leaf in leaves(inner)]


def test_the_risk_is_told_with_the_facts_behind_each_share() -> None:
    found = told(request(device_id="d-2", country="", network=""), policy(rule("r")))
    shares = {
        one.signal: (one.share, {fact.fact: (fact.value, fact.began) for fact in one.facts}) for one in found.signals
    }
    assert sum(share for share, _ in shares.values()) == found.decision.risk > 0
    assert shares["device"][1] == {"device": ("registered", None), "device_id": ("d-2", "d-1")}
    assert shares["location"][1]["country"] == (None, "KR")
    assert shares["network"][1] == {"network": (None, None)}


def test_demands_are_told_with_what_was_wanted_and_what_there_was() -> None:
    strict = Zone("shop", assurance=2, max_age=60, device=DeviceTrust.ATTESTED, networks=("vpn",), countries=("JP",))
    found = told(request(), policy(rule("r"), zones=(strict,)))
    assert [(one.reason, one.wanted, one.got) for one in found.demands] == [
        (Reason.ASSURANCE_TOO_LOW, (2,), 1),
        (Reason.AUTHENTICATION_TOO_OLD, (60,), 120.0),
        (Reason.DEVICE_TRUST_TOO_LOW, (3,), 2),
        (Reason.NETWORK_NOT_ALLOWED, ("vpn",), "office"),
        (Reason.COUNTRY_NOT_ALLOWED, ("JP",), "KR"),
    ]
    assert found.unmet == tuple(one.reason for one in found.demands)


def test_obligations_are_told_by_their_rules() -> None:
    made = policy(
        rule("less", priority=1, effect=REDUCE, obligations=("mask:phone",)),
        rule("never", priority=2, effect=REDUCE, obligations=("mask:mail",), condition="risk > 99"),
        rule("r", obligations=("limit:5",)),
    )
    found = told(request(), made)
    assert found.decision.effect is Effect.REDUCE
    assert [(one.obligation, one.rule) for one in found.obligations] == [("mask:phone", "less"), ("limit:5", "r")]


def test_the_least_comes_first_and_what_a_person_can_do_before_all_else() -> None:
    strict = Zone("shop", assurance=2)
    found = told(request(), policy(rule("r"), zones=(strict,)))
    assert found.decision.effect is Effect.STEP_UP
    assert found.would_allow == StepUp(assurance=2)
    assert (found.changes[0].kind, found.changes[0].who) == (Kind.SECOND_FACTOR, Who.PERSON)
    assert change(found, Kind.DEMAND).name == "assurance_too_low"


def test_a_denial_by_a_rule_is_turned_by_its_absence_or_another_role() -> None:
    made = policy(rule("closed", priority=1, effect=DENY), rule("r"), rule("vendors", priority=0, role="vendor"))
    found = told(request(), made)
    assert {(one.kind, one.name, one.winner) for one in found.changes} == {
        (Kind.RULE, "closed", "r"),
        (Kind.ROLE, "vendor", "vendors"),
    }
    assert found.would_allow is None
    assert kinds(found, Who.PERSON) == []


def test_nobody_is_told_to_be_elsewhere_as_if_they_could() -> None:
    made = policy(rule("r", condition='network == "vpn" and hour >= 14'), rule("s", condition='country == "JP"'))
    found = told(request(), made)
    assert found.decision.effect is Effect.DENY
    assert (change(found, Kind.COUNTRY).would_be, change(found, Kind.COUNTRY).who) == ("JP", Who.CIRCUMSTANCE)
    assert kinds(found, Who.PERSON) == []
    assert all(one.kind is not Kind.NETWORK for one in found.changes), "the network alone changes nothing"


def test_the_hour_at_which_it_turns_is_told() -> None:
    found = told(request(), policy(rule("r", condition="hour >= 14")))
    turned = change(found, Kind.TIME)
    assert turned.would_be == MONDAY_NOON - MONDAY_NOON % 3600 + 3 * 3600  # 11:50 in Seoul
    assert turned.who is Who.CIRCUMSTANCE


def test_a_device_is_never_said_to_be_known_better_by_a_sign_in() -> None:
    found = told(request(), policy(rule("r"), zones=(Zone("shop", device=DeviceTrust.ATTESTED),)))
    assert change(found, Kind.DEVICE).who is Who.CIRCUMSTANCE
    assert kinds(found, Who.PERSON) == []


def test_who_is_not_signed_in_is_told_as_whom_it_would_pass() -> None:
    found = told(request(subject=NOBODY), policy(rule("r"), rule("v", role="vendor")))
    assert found.decision.reasons == (Reason.NOT_AUTHENTICATED,)
    assert [(one.kind, one.name) for one in found.changes if one.who is Who.PERSON] == [
        (Kind.SIGN_IN, "customer"),
        (Kind.SIGN_IN, "vendor"),
    ]


def test_a_program_is_told_of_no_sign_in() -> None:
    program = Subject("ledger", roles=frozenset({"client:ledger"}), machine=True)
    made = policy(rule("other", role="client:other"), rule("r", role="customer"), zones=(Zone("shop", assurance=2),))
    found = told(request(subject=program), made)
    assert found.decision.effect is Effect.DENY
    assert kinds(found, Who.PERSON) == []


def test_what_is_read_only_could_be_looked_at() -> None:
    made = policy(rule("ro", priority=1, effect=REDUCE, obligations=("read_only",)), rule("r"))
    found = told(request("POST"), made)
    assert (change(found, Kind.METHOD).would_be, change(found, Kind.METHOD).effect) == ("GET", Effect.REDUCE)
    assert change(found, Kind.RULE).name == "ro"


def test_what_was_allowed_says_what_would_have_refused_it() -> None:
    made = policy(rule("r", condition='network == "office" and risk < 30'))
    found = told(request(), made)
    assert found.decision.effect is Effect.ALLOW
    assert change(found, Kind.NETWORK).would_be is None
    assert change(found, Kind.RISK).would_be == 30
    assert (change(found, Kind.ROLE).name, change(found, Kind.ROLE).was) == ("customer", True)
    assert change(found, Kind.RULE).name == "r"


def test_a_measure_that_is_lifted_and_a_role_for_a_time_are_tried() -> None:
    barred = Measured("m-7", MeasureEffect.DENY, MONDAY_NOON - 60, MONDAY_NOON + 60)
    found = told(msgspec.structs.replace(request(), measures=(barred,)), policy(rule("a")))
    assert change(found, Kind.MEASURE).name == "m-7"
    assert {one.kind for one in found.changes} == {Kind.MEASURE}, "nothing else would let it pass"
    asks = ElevationRule("auditor", "customer", "auditor", 600)
    books = policy(rule("b", role="auditor"), elevations=(asks, ElevationRule("auditor", "vendor", "auditor", 600)))
    assert change(told(request(), books), Kind.ELEVATION).would_be is True
    assert all(one.kind is not Kind.ELEVATION for one in told(request(roles=frozenset({"guest"})), books).changes)
    held = msgspec.structs.replace(request(), elevations=(Elevated("e", "auditor", MONDAY_NOON + 60),))
    assert change(told(held, books), Kind.ELEVATION).would_be is False


def test_what_the_policy_assigns_is_tried_without() -> None:
    assigned = Assignment("u-1", "group:shop"), Assignment("group:shop", "clerk"), Assignment("u-2", "clerk")
    made = policy(rule("a", role="clerk"), assignments=assigned)
    found = told(request(roles=frozenset()), made)
    assert [one.name for one in found.changes if one.kind is Kind.ASSIGNMENT] == ["group:shop"]
    assert all(one.kind is not Kind.ASSIGNMENT for one in told(request(roles=frozenset({"clerk"})), made).changes)


def test_what_the_route_demands_is_not_wished_away() -> None:
    made = policy(rule("r", condition="hour < 20"))
    found = told(request(), made, StepUp(assurance=2))
    assert found.decision.effect is Effect.STEP_UP
    assert [(one.kind, one.effect) for one in found.changes] == [(Kind.SECOND_FACTOR, Effect.ALLOW)]
    denied = told(request(roles=frozenset()), made, StepUp(assurance=2))
    assert [(one.kind, one.name, one.effect) for one in denied.changes] == [(Kind.ROLE, "customer", Effect.STEP_UP)]


def test_a_crowd_of_rules_is_cut_and_the_callers_own_stay() -> None:
    others = [rule(f"o{number}", role="vendor", priority=1) for number in range(900)]
    found = told(request(), policy(*others, rule("mine", priority=999)))
    assert (len(found.rules), found.rules_left_out) == (500, 401)
    assert found.rules[-1].rule == "mine"


def test_a_zone_that_is_unknown_is_explained_too() -> None:
    found = told(request(zone="nowhere"), policy(rule("r")))
    assert found.decision.reasons == (Reason.UNKNOWN_ZONE,)
    assert found.rules == ()


FOR_A_TIME = tuple(
    ElevationRule(role, asked_by, "support", 600, organisation)
    for role, asked_by, organisation in (("vendor", "customer", "*"), ("support", "vendor", "org-1"))
)
_above = st.fixed_dictionaries(
    {
        "elevations": st.sampled_from([(), (), (Elevated("e-1", "vendor", MONDAY_NOON + 86_400),)]),
        "measures": st.lists(
            st.builds(
                Measured,
                id=st.sampled_from(["m-1", "m-2"]),
                effect=st.sampled_from(list(MeasureEffect)),
                since=st.just(MONDAY_NOON - 100),
                until=st.just(MONDAY_NOON + 86_400),
                points=st.just(40),
                obligations=st.just(("read_only",)),
            ),
            max_size=2,
            unique_by=lambda measure: measure.id,
        ).map(tuple),
    }
)


@given(strategies.policies(), strategies.requests, st.sampled_from([None, None, StepUp(2), StepUp(2, 60)]), _above)
@settings(max_examples=100, deadline=None)
def test_each_change_that_is_told_turns_the_answer_over(
    made: Policy, asked: AccessRequest, demand: StepUp | None, above: dict[str, tuple[object, ...]]
) -> None:
    made = msgspec.structs.replace(made, elevations=FOR_A_TIME)
    asked = msgspec.structs.replace(asked, **above)
    if demand is not None and not lacks(asked, demand):
        demand = None
    snapshot = compile_policy(made, 1)
    found = explain(asked, snapshot, demand)
    assert found.facts is not None, "nothing went wrong"
    own = decide(asked, snapshot)
    assert found.decision == (own if demand is None else with_demand(own, demand))
    for one in found.changes:
        if one.kind in (Kind.RISK, Kind.DEMAND, Kind.CONDITION):
            continue  # of one rule, or of what is worked out: tried below
        again = anew(one, made, asked)
        if demand is not None and lacks(changed(one, asked), demand):
            again = with_demand(again, demand)
        if one.kind is Kind.RULE:
            assert (again.effect in PASSES) is (one.effect in PASSES) or again.effect is Effect.STEP_UP
        else:
            assert again.effect is one.effect, one
        if found.decision.effect in PASSES:
            assert one.effect not in PASSES
        else:
            assert one.effect in PASSES or (found.decision.effect is Effect.DENY and one.effect is Effect.STEP_UP)


def lacks(after: AccessRequest, demand: StepUp) -> bool:
    at = after.subject.authenticated_at
    fresh = demand.max_age is None or (at is not None and after.at - at <= demand.max_age)
    return not (after.subject.assurance >= (demand.assurance or 0) and fresh)


def anew(one: Change, made: Policy, asked: AccessRequest) -> Decision:
    """The same change, made without the code that told it."""
    if one.kind is Kind.RULE:
        less = tuple(each for each in made.rules if each.id != one.name)
        return decide(asked, compile_policy(msgspec.structs.replace(made, rules=less), 1))
    if one.kind is Kind.ASSIGNMENT:
        places = "*", asked.subject.organisation
        left = tuple(
            each
            for each in made.assignments
            if (each.subject, each.role) != (asked.subject.id, one.name) or each.organisation not in places
        )
        return decide(asked, compile_policy(msgspec.structs.replace(made, assignments=left), 1))
    return decide(changed(one, asked), compile_policy(made, 1))


def changed(one: Change, asked: AccessRequest) -> AccessRequest:
    replace = msgspec.structs.replace
    subject, facts = asked.subject, asked.facts

    def by(**values: object) -> AccessRequest:
        own = {name: value for name, value in values.items() if name in Subject.__struct_fields__}
        rest = {name: value for name, value in values.items() if name in Facts.__struct_fields__}
        return replace(asked, subject=replace(subject, **own), facts=replace(facts, **rest))

    match one.kind:
        case Kind.SIGN_IN_AGAIN:
            return by(authenticated_at=asked.at)
        case Kind.SECOND_FACTOR:
            return by(assurance=2)
        case Kind.SECOND_FACTOR_ANEW:
            return by(assurance=2, authenticated_at=asked.at)
        case Kind.ASSURANCE:
            return by(assurance=one.would_be)
        case Kind.AUTHENTICATION:
            return by(authenticated_at=None)
        case Kind.METHOD:
            return replace(asked, method=str(one.would_be))
        case Kind.ROLE:
            return by(roles=subject.roles | {one.name} if one.would_be else subject.roles - {one.name})
        case Kind.MEASURE:
            return replace(asked, measures=tuple(each for each in asked.measures if each.id != one.name))
        case Kind.ELEVATION if one.would_be:
            return replace(asked, elevations=(*asked.elevations, Elevated("e-2", one.name, asked.at + 600)))
        case Kind.ELEVATION:
            return replace(asked, elevations=tuple(each for each in asked.elevations if each.role != one.name))
        case Kind.ORGANISATION:
            return by(organisation=one.would_be)
        case Kind.SIGN_IN:
            return replace(asked, subject=Subject("somebody", "", frozenset({one.name}), 1, asked.at))
        case Kind.NETWORK | Kind.COUNTRY | Kind.ACTOR:
            return by(**{one.kind.value: one.would_be or ""})
        case Kind.DEVICE:
            return by(device_trust=DeviceTrust[str(one.would_be).upper()])
        case Kind.SAME_DEVICE:
            return by(device_id=facts.session_device if one.would_be else "another")
        case Kind.SAME_ADDRESS:
            return by(address=facts.session_address)
        case Kind.SAME_COUNTRY:
            return by(country=facts.session_country)
        case Kind.CERTIFICATE:
            member = one.name.removeprefix("client_")
            return by(**{member: one.would_be or ""})
        case Kind.TIME:
            assert isinstance(one.would_be, float)
            began = subject.authenticated_at
            shifted = None if began is None else began + one.would_be - asked.at
            return replace(asked, at=one.would_be, subject=replace(subject, authenticated_at=shifted))
    return asked


@pytest.mark.parametrize("locale", ["ko", "en"])
@given(made=strategies.policies(), asked=strategies.requests)
@settings(max_examples=25, deadline=None)
def test_it_is_said_in_both_languages(locale, made, asked) -> None:  # type: ignore[no-untyped-def]
    found = told(asked, made)
    said = text(found, locale)
    assert all(rule.rule in said for rule in found.rules)
    assert not re.search(r"\{\w+\}", said)
    assert (re.search("[가-힣]", said) is not None) is (locale == "ko")


def test_every_reason_and_kind_has_its_words() -> None:
    from policy.explain.text import _catalogue

    for locale in ("ko", "en"):
        for reason in Reason:
            assert _catalogue().section(f"reason.{reason.value}", locale) or _catalogue().text(
                f"reason.{reason.value}", locale
            )
        for kind in Kind:
            suffix = "_more" if kind in (Kind.ROLE, Kind.ELEVATION) else ""
            assert _catalogue().text(f"change.{kind.value}{suffix}", locale, name="n", was="a", would_be="b")
