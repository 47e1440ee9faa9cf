"""Which zone's services may call into which zone, whatever rules would allow them there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from policy import artefact
from policy.artefact import Flow, Zone
from policy.decide import decide
from policy.decision import Decision, Effect
from policy.reasons import Reason
from policy.request import Facts, Subject
from policy.snapshot import compile_policy
from tests.policy.samples import policy, request, rule

SHOP = Zone("shop", services=("client:shop", "certificate:shop.internal"))
STOCK = Zone("stock", services=("client:stock", "certificate:till"))
READS = Flow("shop", "stock", ("GET", "HEAD"))
PROVEN = Flow("shop", "stock", ("POST",), certificate=True)
RULES = (rule("all", zone="*", role="*"),)
ALLOWED = (Effect.ALLOW, (Reason.RULE_ALLOWS,))
NO_FLOW = (Effect.DENY, (Reason.NO_FLOW,))
UNKNOWN = (Effect.DENY, (Reason.UNKNOWN_SERVICE,))


def program(client_id: str) -> Subject:
    return Subject(client_id, roles=frozenset({f"client:{client_id}"}), machine=True)


def decided(
    subject: Subject,
    method: str = "GET",
    *,
    zone: str = "stock",
    flows: tuple[Flow, ...] = (READS, PROVEN),
    zones: tuple[Zone, ...] = (SHOP, STOCK),
    **facts: Any,
) -> Decision:
    given = policy(
        *RULES,
        rule("shop", priority=1, zone="*", role="client:shop"),
        rule("stock", priority=1, zone="*", role="client:stock"),
        rule("stranger", priority=1, zone="*", role="client:stranger"),
        zones=zones,
        flows=flows,
    )
    return decide(request(method, zone=zone, subject=subject, facts=Facts(**facts)), compile_policy(given, 1))


def outcome(decision: Decision) -> tuple[Effect, tuple[Reason, ...]]:
    return decision.effect, decision.reasons


def test_a_service_is_at_home_in_its_zone_and_crosses_where_a_flow_leads() -> None:
    assert outcome(decided(program("shop"), "POST", zone="shop")) == ALLOWED
    assert outcome(decided(program("shop"))) == ALLOWED
    assert outcome(decided(program("shop"), "PUT")) == NO_FLOW
    assert outcome(decided(program("stock"), zone="shop")) == NO_FLOW


def test_no_rule_lets_a_service_in_that_no_flow_leads() -> None:
    refused = decided(program("shop"), flows=())
    assert (outcome(refused), refused.winner, refused.step_up) == (NO_FLOW, "", None)


def test_a_program_of_no_zone_gets_in_nowhere_once_services_are_told_apart() -> None:
    assert outcome(decided(program("stranger"))) == UNKNOWN
    assert outcome(decided(program("stranger"), zone="shop")) == UNKNOWN
    bare = (Zone("shop"), Zone("stock"))
    assert outcome(decided(program("stranger"), zones=bare, flows=())) == ALLOWED


def test_a_flow_that_demands_a_certificate_wants_one_of_the_zone_it_comes_from() -> None:
    needed = (Effect.DENY, (Reason.CERTIFICATE_NEEDED,))
    assert outcome(decided(program("shop"), "POST")) == needed
    assert outcome(decided(program("shop"), "POST", certificate_name="shop.internal", certificate="x")) == ALLOWED
    assert outcome(decided(program("shop"), "POST", certificate_name="nobody's", certificate="x")) == needed
    assert outcome(decided(program("shop"), "POST", certificate="x")) == needed
    of_another = decided(program("shop"), "POST", certificate_name="till", certificate="x")
    assert outcome(of_another) == needed


def test_a_certificate_that_a_zone_names_is_a_service_whoever_holds_it() -> None:
    person = Subject("u-1", "org-1", frozenset({"customer"}), 1, None)
    assert outcome(decided(person, certificate_name="shop.internal")) == ALLOWED
    assert outcome(decided(person, "DELETE", certificate_name="shop.internal")) == NO_FLOW
    assert outcome(decided(person, "DELETE", certificate_name="a laptop")) == ALLOWED
    assert outcome(decided(Subject(), "DELETE", certificate_name="shop.internal")) == NO_FLOW


def test_a_program_may_be_known_by_its_certificate_alone() -> None:
    assert outcome(decided(program("stranger"), certificate_name="shop.internal")) == ALLOWED
    assert outcome(decided(program("stranger"), "PUT", certificate_name="shop.internal")) == NO_FLOW


def test_a_program_and_a_certificate_of_two_zones_need_a_flow_each() -> None:
    assert outcome(decided(program("stock"), certificate_name="shop.internal")) == ALLOWED
    assert outcome(decided(program("stock"), "DELETE", certificate_name="shop.internal")) == NO_FLOW


def test_a_service_that_acts_for_a_person_crosses_like_any_other() -> None:
    person = Subject("u-1", "org-1", frozenset({"customer"}), 1, None)
    assert outcome(decided(person, "DELETE")) == ALLOWED
    assert outcome(decided(person, actor="shop")) == ALLOWED
    assert outcome(decided(person, "DELETE", actor="shop")) == NO_FLOW
    assert outcome(decided(person, actor="stranger")) == UNKNOWN


def test_the_zone_still_demands_of_the_person_for_whom_a_service_acts() -> None:
    strict = Zone("stock", assurance=2, services=STOCK.services)
    person = Subject("u-1", "org-1", frozenset({"customer"}), 1, None)
    assert decided(person, actor="shop", zones=(SHOP, strict)).effect is Effect.STEP_UP


def test_a_flow_grants_nothing_by_itself() -> None:
    snapshot = compile_policy(policy(rule("a"), zones=(SHOP, STOCK), flows=(READS,)), 1)
    asked = request(zone="stock", subject=program("shop"), facts=Facts())
    assert decide(asked, snapshot).reasons == (Reason.NO_RULE,)


def test_a_flow_is_written_from_and_to() -> None:
    given = policy(rule("a"), zones=(SHOP, STOCK), flows=(PROVEN, READS))
    encoded = artefact.encode(given)
    assert msgspec.json.decode(encoded)["flows"][0] == {"from": "shop", "to": "stock", "methods": ["GET", "HEAD"]}
    assert artefact.decode(encoded).flows == (READS, PROVEN)


@pytest.mark.parametrize("wrong", ["shop", "client:", "role:x", "certificate: x", "client:x "])
def test_a_service_is_named_with_the_kind_of_its_identity(wrong: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "shop", "services": [wrong]}, Zone)


def test_another_flow_marks_every_zone_as_changed() -> None:
    before = compile_policy(policy(rule("a"), zones=(SHOP, STOCK), flows=(READS,)), 1)
    after = compile_policy(policy(rule("a"), zones=(SHOP, STOCK), flows=()), 2)
    assert after.changed_zones(before) == {"shop", "stock"}
