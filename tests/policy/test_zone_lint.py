"""No stricter zone is entered on weaker demands: such a policy is refused."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policy import demo
from policy.artefact import Band, Flow, Policy, Zone
from policy.context import Context
from policy.lint import Fault, lint
from policy.request import DeviceTrust
from policy.strictness import weaker_in
from policy.zone_lint import Kind
from policy.zones import unmet
from tests.policy.samples import rule

SHIPPED = demo.shipped_policy()
SERVED = Zone("served", services=("client:a", "certificate:a"))


def with_zones(*zones: Zone, **fields: Any) -> Policy:
    return replace(SHIPPED, zones=(*SHIPPED.zones, *zones), **fields)


def with_bands(*bands: Band) -> Policy:
    return replace(SHIPPED, bands=(*SHIPPED.bands, *bands))


def flowing(flow: Flow) -> Policy:
    return with_zones(SERVED, flows=(flow,))


@pytest.mark.parametrize(
    ("given_policy", "fault"),
    [
        (with_zones(SERVED, Zone("other", services=("client:a",))), Fault.DUPLICATE_SERVICE),
        (with_zones(Zone("inner", within="nowhere")), Fault.UNKNOWN_ZONE),
        (with_zones(Zone("one", within="two"), Zone("two", within="one")), Fault.WRONG_NESTING),
        (with_zones(Zone("inner", within="admin")), Fault.WEAKER_NESTING),
        (flowing(Flow("served", "nowhere")), Fault.UNKNOWN_ZONE),
        (flowing(Flow("served", "served")), Fault.WRONG_NESTING),
        (flowing(Flow("served", "admin", ("GET",))), Fault.WEAKER_FLOW),
        (flowing(Flow("served", "admin", certificate=True)), Fault.WEAKER_FLOW),
        (with_bands(Band("high-risk", 1, ("read_only",)), Band("high-risk", 2, ("read_only",))), Fault.DUPLICATE_ID),
        (with_bands(Band("b", 1, ("read_only",), zone="nowhere")), Fault.UNKNOWN_ZONE),
        (with_bands(Band("b", 1, ("read_only",), role="stranger")), Fault.UNKNOWN_ROLE),
        (with_bands(Band("b", 1, ("limit:0",))), Fault.WRONG_OBLIGATION),
        (with_bands(Band("b", 1, ("read_only",), max_age=2**40)), Fault.WRONG_CONDITION),
    ],
)
def test_refused(given_policy: Policy, fault: Fault) -> None:
    refusing = {finding.fault for finding in lint(given_policy) if finding.refuses}
    assert refusing == {fault}


@pytest.mark.parametrize(
    "given_policy",
    [
        flowing(Flow("served", "admin", ("GET",), certificate=True)),
        flowing(Flow("admin", "served")),
        with_zones(replace(SHIPPED.zones[-1], name="vault", within="admin", max_risk=10)),
        with_bands(Band("b", 1, ("methods:GET|HEAD", "scopes:a"), zone="shop", role="customer", assurance=2)),
    ],
)
def test_not_refused(given_policy: Policy) -> None:
    assert not [finding for finding in lint(given_policy) if finding.refuses]


def test_a_rule_for_a_program_that_no_flow_leads_there_is_a_warning() -> None:
    given = with_zones(SERVED, rules=(*SHIPPED.rules, rule("r", role="client:a"), rule("s", role="client:b")))
    given = replace(given, roles=(*given.roles, "client:a", "client:b"))
    found = [(finding.fault, finding.rule, finding.refuses) for finding in lint(given)]
    assert found == [(Fault.NO_FLOW, "r", False), (Fault.NO_FLOW, "s", False)]
    led = replace(given, flows=(Flow("served", "shop", ("GET",), certificate=True),))
    assert [finding.rule for finding in lint(led)] == ["s"]


def test_its_kinds_are_faults() -> None:
    assert set(get_args(Kind)) <= {fault.value for fault in Fault}


@pytest.mark.parametrize(
    ("name", "weak", "strict"),
    [
        ("assurance", 1, 2),
        ("device", DeviceTrust.KNOWN, DeviceTrust.REGISTERED),
        ("max_age", None, 60),
        ("max_age", 61, 60),
        ("networks", (), ("office",)),
        ("networks", ("office", "vpn"), ("office",)),
        ("countries", ("JP",), ("KR",)),
        ("hours", None, (9, 18)),
        ("hours", (22, 10), (22, 6)),
        ("weekdays", (1, 2, 6), (1, 2)),
        ("step_up_risk", 60, 50),
        ("max_risk", 60, 50),
    ],
)
def test_each_demand_can_be_the_weaker_one(name: str, weak: object, strict: object) -> None:
    one, other = replace(Zone("one"), **{name: weak}), replace(Zone("other"), **{name: strict})
    assert weaker_in(one, other) == (name,)
    if name != "countries":
        assert weaker_in(other, one) == ()


zones = st.builds(
    Zone,
    name=st.just("z"),
    assurance=st.integers(0, 2),
    device=st.sampled_from(DeviceTrust),
    max_age=st.sampled_from([None, 60, 600]),
    networks=st.sampled_from([(), ("office",), ("office", "vpn")]),
    countries=st.sampled_from([(), ("KR",), ("JP", "KR")]),
    hours=st.sampled_from([None, (9, 18), (22, 6), (10, 12)]),
    weekdays=st.sampled_from([(), (1, 2), (1, 2, 3)]),
    step_up_risk=st.sampled_from([20, 60, 100]),
    max_risk=st.sampled_from([40, 80, 100]),
)
contexts = st.builds(
    Context,
    device=st.sampled_from([None, 1, 2, 3]),
    assurance=st.integers(0, 2),
    auth_age=st.sampled_from([None, 0.0, 60.0, 500.0, 900.0]),
    country=st.sampled_from([None, "KR", "JP"]),
    network=st.sampled_from([None, "office", "vpn"]),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    risk=st.sampled_from([0, 30, 50, 70, 90, 100]),
    same_device=st.none(),
    same_country=st.none(),
    same_address=st.none(),
    actor=st.just(""),
)


@given(zones, zones, contexts)
def test_whoever_enters_a_zone_that_is_in_nothing_weaker_may_enter_the_other_one(
    one: Zone, other: Zone, context: Context
) -> None:
    if not weaker_in(one, other) and not unmet(one, context, public=False):
        assert not unmet(other, context, public=False)
    assert not weaker_in(one, one)
