"""The policy that ships with the product: the story of a person at the shop's door."""

from __future__ import annotations

from typing import Any

import pytest

from policy import demo
from policy.decide import decide
from policy.decision import Effect
from policy.reasons import Reason
from policy.request import DeviceTrust, Facts, Subject
from policy.snapshot import compile_policy
from tests.policy.samples import MONDAY_NOON, request

SHIPPED = compile_policy(demo.shipped_policy(), 1)
LOOPBACK = Facts(network="loopback", address="127.0.0.1", session_address="127.0.0.1")
"""What a gateway on one's own machine knows of a browser it has never seen."""
MIDNIGHT = MONDAY_NOON + 13 * 3600
ALLOW, STEP_UP, DENY, REDUCE = Effect.ALLOW, Effect.STEP_UP, Effect.DENY, Effect.REDUCE


def person(*roles: str, **fields: Any) -> Subject:
    given = {"id": "u-1", "organisation": "org-1", "assurance": 1, "authenticated_at": MONDAY_NOON - 60, **fields}
    return Subject(roles=frozenset(roles), **given)


@pytest.mark.parametrize("at", [MONDAY_NOON, MIDNIGHT])
@pytest.mark.parametrize(
    ("zone", "method", "path"),
    [
        ("shop", "GET", "/"),
        ("shop", "GET", "/api/products"),
        ("shop", "POST", "/orders"),
        ("shop", "POST", "/api/orders"),
        ("reservation", "GET", "/reservations"),
        ("reservation", "POST", "/reservations"),
        ("reservation", "GET", "/reservations/events"),
        ("reservation", "POST", "/reservations/7/confirm"),
    ],
)
@pytest.mark.parametrize("role", ["customer", "vendor", "support", "administrator"])
def test_a_new_customer_on_an_unknown_device_can_shop(at: float, zone: str, method: str, path: str, role: str) -> None:
    asked = request(method, path, zone=zone, subject=person(role), facts=LOOPBACK, at=at)
    assert decide(asked, SHIPPED).effect is ALLOW


def test_nobody_sees_more_than_the_stylesheet_and_is_led_to_sign_in() -> None:
    nobody = {"subject": Subject(), "facts": LOOPBACK}
    assert decide(request("GET", "/assets/shop.css", **nobody), SHIPPED).effect is ALLOW
    for path in ("/", "/api/products", "/orders"):
        assert decide(request("GET", path, **nobody), SHIPPED).reasons == (Reason.NOT_AUTHENTICATED,)
    admin = decide(request("GET", "/api/policy/current", zone="admin", **nobody), SHIPPED)
    assert admin.reasons == (Reason.NOT_AUTHENTICATED,)


def test_money_goes_back_only_after_two_factors_lately() -> None:
    def decided(**fields: Any) -> Any:
        asked = request(
            "POST",
            "/reservations/7/cancel",
            zone="reservation",
            subject=person("customer", **fields),
            facts=LOOPBACK,
        )
        return decide(asked, SHIPPED)

    weak = decided()
    assert (weak.effect, weak.step_up.assurance) == (STEP_UP, 2)
    stale = decided(assurance=2, authenticated_at=MONDAY_NOON - 901)
    assert (stale.effect, stale.step_up.max_age) == (STEP_UP, 900)
    assert decided(assurance=2).effect is ALLOW


def test_the_policy_api_is_for_administrators_with_two_factors_from_near() -> None:
    def decided(role: str, **facts: Any) -> Any:
        given = {"network": "loopback", "address": "127.0.0.1", "session_address": "127.0.0.1", **facts}
        subject = person(role, assurance=facts.pop("assurance", 2))
        given.pop("assurance", None)
        asked = request("POST", "/api/policy/drafts", zone="admin", subject=subject, facts=Facts(**given))
        return decide(asked, SHIPPED)

    assert decided("administrator").effect is ALLOW
    assert decided("administrator", assurance=1).step_up.assurance == 2
    assert decided("administrator", network="").reasons == (Reason.NETWORK_NOT_ALLOWED,)
    for role in ("customer", "vendor", "support"):
        assert decided(role).reasons == (Reason.NO_RULE,)


def test_the_policy_is_changed_with_two_factors_lately() -> None:
    def decided(method: str, path: str) -> Any:
        subject = person("administrator", assurance=2, authenticated_at=MONDAY_NOON - 901)
        return decide(request(method, f"/api/policy{path}", zone="admin", subject=subject, facts=LOOPBACK), SHIPPED)

    for path in ("/drafts", "/versions/2/publish", "/rollback"):
        late = decided("POST", path)
        assert (late.effect, late.step_up.max_age) == (STEP_UP, 900)
    assert decided("GET", "/current").effect is ALLOW
    assert decided("POST", "/explain").effect is ALLOW


def test_what_is_done_to_people_needs_an_administrator_with_two_factors_lately() -> None:
    def decided(method: str, role: str = "administrator", **fields: Any) -> Any:
        subject = person(role, **{"assurance": 2, **fields})
        path = "/api/identity/people/7/lock"
        return decide(request(method, path, zone="admin", subject=subject, facts=LOOPBACK), SHIPPED)

    assert decided("POST").effect is ALLOW
    late = decided("POST", authenticated_at=MONDAY_NOON - 901)
    assert (late.effect, late.step_up.max_age) == (STEP_UP, 900)
    assert decided("GET", authenticated_at=MONDAY_NOON - 901).effect is ALLOW
    for role in ("customer", "vendor", "support"):
        assert decided("GET", role).reasons == (Reason.NO_RULE,)


def test_privileges_shrink_with_the_risk_and_grow_back() -> None:
    stolen = Facts(
        device_trust=DeviceTrust.UNKNOWN, device_id="d-2", session_device="d-1", address="198.51.100.1",
        session_address="127.0.0.1",
    )  # fmt: skip
    for facts, reading, ordering in ((stolen, {STEP_UP, REDUCE}, {STEP_UP, DENY}), (LOOPBACK, {ALLOW}, {ALLOW})):
        assert decide(request("GET", "/", subject=person("customer"), facts=facts), SHIPPED).effect in reading
        order = request("POST", "/orders", subject=person("customer"), facts=facts)
        assert decide(order, SHIPPED).effect in ordering
    strong = decide(request("GET", "/", subject=person("customer", assurance=2), facts=stolen), SHIPPED)
    assert (strong.effect, strong.obligations) == (REDUCE, ("read_only",))


@pytest.mark.parametrize(
    ("method", "path", "may"),
    [
        ("GET", "/", True),
        ("GET", "/assets/console.css", True),
        ("GET", "/support", True),
        ("GET", "/support/0196f3a0-0000-7000-8000-000000000001", True),
        ("GET", "/api/identity/support/people", True),
        ("POST", "/api/identity/support/people/1/recovery", True),
        ("GET", "/people", False),
        ("GET", "/analysis", False),
        ("GET", "/api/identity/people", False),
        ("POST", "/api/identity/people/1/lock", False),
        ("GET", "/api/policy/current", False),
    ],
)
def test_support_reaches_its_own_pages_and_nothing_else_of_the_console(method: str, path: str, may: bool) -> None:
    who = person("support", assurance=2)
    asked = request(method, path, zone="admin", subject=who, facts=LOOPBACK, at=MONDAY_NOON)
    assert (decide(asked, SHIPPED).effect is ALLOW) is may
    if may and method == "POST":
        stale = person("support", assurance=2, authenticated_at=MONDAY_NOON - 3600)
        again = request(method, path, zone="admin", subject=stale, facts=LOOPBACK, at=MONDAY_NOON)
        assert decide(again, SHIPPED).effect is not ALLOW
