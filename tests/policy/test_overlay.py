"""What stands above the policy: who holds a role for a time, what is ordered against whom, and when it is over."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.artefact import Assignment, ElevationRule, Inheritance, Policy, Zone, decode, encode
from policy.decide import decide
from policy.decision import Decision, Effect
from policy.overlay import elevation as elevations
from policy.overlay.elevation import (
    Elevation,
    HeldAlready,
    Ladder,
    NotForYou,
    State,
    TooLong,
    Wish,
    may_ask,
    may_decide,
)
from policy.overlay.measure import Kind, Measure, Ordered, Target, WrongMeasure, measure_of
from policy.overlay.overlay import NOTHING, UNKNOWN, Granted, Overlay
from policy.overlay.ranges import Listed, Nested, address_of
from policy.reasons import Reason
from policy.request import AccessRequest, Elevated, MeasureEffect
from policy.risk.observation import observe
from policy.risk.score import score
from policy.snapshot import compile_policy
from tests.policy.samples import FACTS, MONDAY_NOON, NOBODY, policy, request, rule

NOW = datetime.fromtimestamp(MONDAY_NOON, UTC)
OPERATOR = "00000000-0000-4000-8000-0000000000aa"
SNAPSHOT = compile_policy(
    policy(
        rule("read", methods=("GET", "HEAD")),
        rule("order", "/orders", methods=("POST",), condition="risk <= 70"),
        rule("books", "/books", role="auditor"),
        rule("public", "/assets/**", role="anonymous", methods=("GET",)),
        rule("admin", zone="admin", role="administrator"),
        zones=(Zone("shop"), Zone("admin")),
    ),
    1,
)
GRANTED = Granted("u-1", "org-1", Elevated("e-1", "auditor", MONDAY_NOON + 600))


def measure(kind: str, value: str, effect: str = "deny", seconds: int = 600, **more: object) -> Measure:
    ordered = msgspec.convert(
        {"target": {"kind": kind, "value": value}, "effect": effect, "seconds": seconds, "why": "a test", **more},
        Ordered,
    )
    return measure_of(ordered, ident=f"m-{kind}-{effect}", by="u-admin", at=NOW - timedelta(seconds=60))


def decided(asked: AccessRequest, *measures: Measure, granted: tuple[Granted, ...] = ()) -> Decision:
    return decide(asked, SNAPSHOT, Overlay(granted, measures, operator=OPERATOR))


def test_an_elevation_gives_its_role_until_its_time_and_no_longer() -> None:
    asked = request(path="/books", method="POST")
    assert decided(asked).effect is Effect.DENY
    granted = decided(asked, granted=(GRANTED,))
    assert (granted.effect, [one.id for one in granted.elevations]) == (Effect.ALLOW, ["e-1"])
    assert granted.stands_until <= MONDAY_NOON + 600
    at_its_end = msgspec.structs.replace(asked, at=MONDAY_NOON + 600)
    assert decided(at_its_end, granted=(GRANTED,)).effect is Effect.DENY
    just_before = msgspec.structs.replace(asked, at=MONDAY_NOON + 599.9)
    assert decided(just_before, granted=(GRANTED,)).effect is Effect.ALLOW


@pytest.mark.parametrize("other", [{"id": "u-2"}, {"organisation": "org-2"}, {"actor": "a-program"}])
def test_an_elevation_is_of_one_person_in_one_organisation_who_asks_for_themselves(other: dict[str, str]) -> None:
    assert decided(request(path="/books", method="POST", **other), granted=(GRANTED,)).effect is Effect.DENY


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("person", "u-1"),
        ("device", "d-1"),
        ("address", "192.0.2.1"),
        ("address", "192.0.2.0/24"),
        ("country", "KR"),
        ("organisation", OPERATOR),
    ],
)
def test_a_measure_denies_what_it_is_aimed_at_until_its_time(kind: str, value: str) -> None:
    asked = request(organisation=OPERATOR)
    denied = decided(asked, measure(kind, value))
    assert (denied.effect, denied.reasons) == (Effect.DENY, (Reason.MEASURE_DENIES,))
    assert [one.id for one in denied.measures] == [f"m-{kind}-deny"]
    assert denied.stands_until <= MONDAY_NOON + 540
    assert decided(msgspec.structs.replace(asked, at=MONDAY_NOON + 540), measure(kind, value)).effect is Effect.ALLOW
    elsewhere = request(id="u-2", device_id="d-2", session_device="d-2", address="198.51.100.1", country="JP")
    assert decided(elsewhere, measure(kind, value)).effect is Effect.ALLOW


def test_strangers_are_denied_by_their_address_and_signing_in_is_not_offered() -> None:
    asked = request(path="/assets/a.css", subject=NOBODY)
    assert decided(asked).effect is Effect.ALLOW
    assert decided(asked, measure("address", "192.0.2.0/24")).reasons == (Reason.MEASURE_DENIES,)


def test_an_ipv4_address_in_the_form_of_ipv6_does_not_slip_through() -> None:
    asked = request(address="::ffff:192.0.2.1")
    assert decided(asked, measure("address", "192.0.2.0/24")).effect is Effect.DENY


def test_a_measure_shrinks_what_is_allowed() -> None:
    shrunk = decided(request(), measure("person", "u-1", "shrink"))
    assert (shrunk.effect, shrunk.obligations) == (Effect.REDUCE, ("read_only",))
    order = request("POST", "/orders")
    assert decided(order).effect is Effect.ALLOW
    refused = decided(order, measure("person", "u-1", "shrink"))
    assert (refused.effect, refused.reasons) == (Effect.DENY, (Reason.PRIVILEGES_REDUCED,))
    masked = decided(order, measure("person", "u-1", "shrink", obligations=["mask:price"]))
    assert (masked.effect, masked.obligations) == (Effect.REDUCE, ("mask:price",))


def test_a_measure_asks_for_factors_given_since() -> None:
    ordered = measure("person", "u-1", "step_up")
    asked = decided(request(), ordered)
    assert asked.effect is Effect.STEP_UP
    assert asked.step_up is not None
    assert (asked.step_up.assurance, asked.step_up.max_age) == (2, 60)
    before = decided(request(assurance=2, authenticated_at=MONDAY_NOON - 61), ordered)
    assert before.effect is Effect.STEP_UP
    assert decided(request(assurance=2, authenticated_at=MONDAY_NOON - 59), ordered).effect is Effect.ALLOW
    assert decided(request(path="/assets/a.css", subject=NOBODY), ordered).effect is Effect.ALLOW


def test_a_program_that_cannot_step_up_is_denied() -> None:
    program = compile_policy(policy(rule("own", role="client:robot", zone="shop")), 1)
    asked = request(id="robot", organisation="", roles=frozenset({"client:robot"}), machine=True, assurance=0)
    assert decide(asked, program).effect is Effect.ALLOW
    ordered = Overlay((), (measure("person", "robot", "step_up"),))
    assert decide(asked, program, ordered).effect is Effect.DENY


def test_a_measure_adds_risk_and_says_so() -> None:
    plain = decided(request("POST", "/orders"))
    riskier = decided(request("POST", "/orders"), measure("country", "KR", "risk", points=80))
    assert (plain.risk, riskier.risk) == (0, 80)
    assert riskier.signals[0] == ("measures", 80)
    assert riskier.effect is Effect.DENY


@pytest.mark.parametrize("kind", ["address", "country", "organisation"])
def test_whoever_may_lift_it_is_asked_for_fresh_factors_where_they_lift_it_and_nothing_else(kind: str) -> None:
    value = {"address": "192.0.2.0/24", "country": "KR", "organisation": OPERATOR}[kind]
    roles = frozenset({"administrator", "customer"})
    admin = request("POST", "/api/policy/measures", zone="admin", organisation=OPERATOR, roles=roles, assurance=2)
    assert decided(admin, measure(kind, value)).effect is Effect.STEP_UP
    fresh = msgspec.structs.replace(admin, subject=msgspec.structs.replace(admin.subject, authenticated_at=MONDAY_NOON))
    assert decided(fresh, measure(kind, value)).effect is Effect.ALLOW
    assert decided(fresh, measure(kind, value, "risk", points=100)).effect is Effect.ALLOW
    shop = request(organisation=OPERATOR, roles=roles, assurance=2, authenticated_at=MONDAY_NOON)
    assert decided(shop, measure(kind, value)).effect is Effect.DENY
    elsewhere = msgspec.structs.replace(fresh, subject=msgspec.structs.replace(fresh.subject, organisation="org-2"))
    held = Granted("u-1", "org-2", Elevated("e", "administrator", MONDAY_NOON + 60))
    others = measure(kind, value if kind != "organisation" else "org-2".replace("org-2", OPERATOR))
    if kind != "organisation":
        assert decided(elsewhere, others, granted=(held,)).effect is Effect.DENY


def test_an_elevated_administrator_is_not_one_who_may_always_lift() -> None:
    held = Granted("u-1", OPERATOR, Elevated("e", "administrator", MONDAY_NOON + 60))
    asked = request(zone="admin", organisation=OPERATOR, assurance=2, authenticated_at=MONDAY_NOON)
    assert decided(asked, granted=(held,)).effect is Effect.ALLOW
    assert decided(asked, measure("country", "KR"), granted=(held,)).effect is Effect.DENY


def test_before_it_was_read_everything_is_denied() -> None:
    for asked in (request(), request(path="/assets/a.css", subject=NOBODY)):
        denied = decide(asked, SNAPSHOT, UNKNOWN)
        assert (denied.effect, denied.reasons) == (Effect.DENY, (Reason.MEASURES_UNKNOWN,))


def test_nothing_above_changes_nothing() -> None:
    asked = request()
    assert Overlay().applied(asked) is asked
    assert Overlay((GRANTED,), (measure("person", "u-9"),)).applied(request(id="u-2")).elevations == ()
    assert decide(asked, SNAPSHOT, NOTHING) == decide(asked, SNAPSHOT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": {"kind": "country", "value": "kr"}},
        {"target": {"kind": "address", "value": "0.0.0.0/0"}},
        {"target": {"kind": "address", "value": "::/8"}},
        {"target": {"kind": "address", "value": "::ffff:192.0.2.0/120"}},
        {"target": {"kind": "address", "value": "192.0.2.1/24"}},
        {"target": {"kind": "organisation", "value": "*"}},
        {"target": {"kind": "person", "value": "a b"}},
        {"effect": "risk"},
        {"points": 10},
        {"obligations": ["read_only"]},
    ],
)
def test_what_nobody_may_order(wrong: dict[str, object]) -> None:
    good: dict[str, object] = {"target": {"kind": "person", "value": "u-1"}, "effect": "deny", "seconds": 60}
    ordered = msgspec.convert({**good, "why": "a test", **wrong}, Ordered)
    with pytest.raises(WrongMeasure):
        measure_of(ordered, ident="m", by="u", at=NOW)


networks = st.builds(
    lambda number, length: ipaddress.ip_network((number, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(20, 32),
)


@given(st.lists(networks, max_size=30), st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_ranges_hold_what_their_networks_hold(listed: list[ipaddress.IPv4Network], numbers: list[int]) -> None:
    fast, nested = Listed(listed), Nested((network, network) for network in listed)
    numbers += [int(network[0]) for network in listed] + [int(network[-1]) for network in listed]
    numbers += [min(number + 1, 2**32 - 1) for number in numbers]
    for number in numbers:
        address = ipaddress.IPv4Address(number)
        holding = [network for network in listed if address in network]
        parsed = address_of(str(address))
        assert parsed is not None
        assert fast.holds(parsed) is bool(holding)
        assert sorted(nested.of(parsed)) == sorted(holding)


def test_ranges_of_ipv6_and_what_is_no_address() -> None:
    listed = Listed([ipaddress.ip_network("2001:db8::/32")])
    assert [listed.holds(address_of(text) or (4, 0)) for text in ("2001:db8::1", "2001:db9::1")] == [True, False]
    assert address_of("unix:") is None


def test_a_threat_is_a_risk_and_a_fact_and_unknown_where_no_feed_could_say() -> None:
    def facts(threats: tuple[str, ...] | None) -> object:
        return score(observe(msgspec.structs.replace(FACTS, threats=threats), usual_time=True))

    assert facts(None) == facts(()) == (0, ())
    assert facts(("drop",)) == (50, (("threat_feeds", 50),))
    careful = compile_policy(policy(rule("safe", condition="not threat"), rule("any", "/any")), 1)
    effects = [decide(request(threats=threats), careful).effect for threats in ((), ("drop",), None)]
    assert effects == [Effect.ALLOW, Effect.DENY, Effect.DENY]


RULES = (
    ElevationRule("auditor", "customer", "lead", 3600),
    ElevationRule("auditor", "support", "lead", 60, organisation="org-2"),
)
SAYS = Policy(("auditor", "customer", "lead", "support"), (Zone("shop"),), (), (Inheritance("lead", "customer"),),
              elevations=RULES, assignments=(Assignment("u-9", "lead", "org-1"),))  # fmt: skip
LADDER = Ladder(SAYS)


def asked_for(**changes: object) -> Elevation:
    given: dict[str, object] = {
        "id": "e-1", "sub": "u-1", "organisation": "org-1", "role": "auditor", "reason": "a test", "seconds": 600,
        "state": State.ASKED, "asked_at": NOW,
    }  # fmt: skip
    return Elevation(**{**given, **changes})  # type: ignore[arg-type]


def test_who_may_ask() -> None:
    wish = Wish("auditor", 3600, "a test")
    may_ask(LADDER, "u-1", "org-1", {"customer"}, wish)
    may_ask(LADDER, "u-1", "org-1", {"lead"}, wish)  # a lead is a customer, too
    with pytest.raises(NotForYou):
        may_ask(LADDER, "u-1", "org-1", {"support"}, wish)
    with pytest.raises(TooLong) as refused:
        may_ask(LADDER, "u-1", "org-2", {"support"}, wish)
    assert refused.value.longest == 60
    with pytest.raises(HeldAlready):
        may_ask(LADDER, "u-1", "org-1", {"auditor"}, wish)


def test_who_may_say_yes() -> None:
    assert may_decide(LADDER, asked_for(), "u-2", "org-1", {"lead"})
    assert may_decide(LADDER, asked_for(), "u-9", "org-1", set()), "the policy itself makes them a lead"
    assert not may_decide(LADDER, asked_for(), "u-1", "org-1", {"lead"}), "never oneself"
    assert not may_decide(LADDER, asked_for(), "u-2", "org-2", {"lead"}), "another organisation's"
    assert not may_decide(LADDER, asked_for(), "u-2", "org-1", {"customer"})
    assert not may_decide(LADDER, asked_for(seconds=3601), "u-2", "org-1", {"lead"}), "the policy allows less by now"


def test_time_ends_an_elevation_and_an_unanswered_wish() -> None:
    granted = elevations.approved(asked_for(), "u-2", "Sora", "needed", NOW)
    assert granted.at(NOW + timedelta(seconds=599)).state is State.APPROVED
    assert granted.at(NOW + timedelta(seconds=600)).state is State.EXPIRED
    assert granted.granted.elevated.until == MONDAY_NOON + 600
    assert asked_for().at(NOW + timedelta(hours=23)).state is State.ASKED
    assert asked_for().at(NOW + timedelta(hours=24)).state is State.EXPIRED


def test_a_policy_without_elevations_is_the_same_bytes_as_before() -> None:
    encoded = encode(policy(rule("a")))
    assert b"elevations" not in encoded
    assert b'"inheritance":[]' in encoded
    assert b'"organisations":{}' in encoded
    assert decode(encode(SAYS)) == msgspec.structs.replace(
        SAYS, elevations=tuple(sorted(RULES, key=lambda rule: rule.organisation))
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_shape(kind: Kind) -> None:
    values = {Kind.ADDRESS: "192.0.2.1/32", Kind.COUNTRY: "KR", Kind.ORGANISATION: OPERATOR}
    ordered = Ordered(target=Target(kind, values.get(kind, "x-1")), effect=MeasureEffect.DENY, seconds=1, why="a test")
    made = measure_of(ordered, ident="m", by="u", at=NOW)
    assert (made.target.value, made.until) == (values.get(kind, "x-1"), NOW + timedelta(seconds=1))
