"""A program as a subject: a rule that names it is the whole permission, and no person gains by it."""

from __future__ import annotations

import pytest

from gateway.callers.identity import read_identity
from policy.artefact import ANONYMOUS, Inheritance, Policy, Rule, RuleEffect, Zone
from policy.decide import decide
from policy.decision import Effect
from policy.explain import explain
from policy.reasons import Reason
from policy.request import AccessRequest, DeviceTrust, Facts, Subject, client_role
from policy.snapshot import compile_policy

AT = 1_767_581_400.0
PROGRAM = Subject(id="nightly", roles=frozenset({client_role("nightly")}), machine=True)
PERSON = Subject(id="mina", roles=frozenset({"clerk"}), assurance=1, authenticated_at=AT - 60)


def rule(name: str, role: str, path: str, priority: int = 1) -> Rule:
    return Rule(name, priority, role, "vault", path, RuleEffect.ALLOW)


POLICY = compile_policy(
    Policy(
        roles=("client:nightly", "client:readers", "clerk"),
        zones=(
            Zone("vault", assurance=2, device=DeviceTrust.REGISTERED, max_age=60, max_risk=90),
            Zone("near", networks=("office",)),
        ),
        rules=(
            rule("own", "client:nightly", "/own"),
            rule("group", "client:readers", "/group"),
            rule("people", "clerk", "/people"),
            rule("all", "*", "/all"),
            rule("public", ANONYMOUS, "/public"),
            Rule("near", 1, "client:nightly", "near", "/own", RuleEffect.ALLOW),
        ),
        inheritance=(Inheritance("client:nightly", "client:readers"), Inheritance("clerk", "client:readers")),
    ),
    1,
)


def ask(subject: Subject, path: str, zone: str = "vault") -> AccessRequest:
    return AccessRequest(subject, Facts(), zone, "GET", path, AT)


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("/own", Effect.ALLOW),
        ("/group", Effect.ALLOW),
        ("/public", Effect.ALLOW),
        ("/people", Effect.DENY),
        ("/all", Effect.DENY),
        ("/elsewhere", Effect.DENY),
    ],
)
def test_a_program_gets_what_names_it_and_is_never_asked_to_step_up(path: str, effect: Effect) -> None:
    decision = decide(ask(PROGRAM, path), POLICY)
    assert decision.effect is effect
    assert decision.step_up is None


def test_what_a_zone_demands_of_places_holds_for_programs_too() -> None:
    decision = decide(ask(PROGRAM, "/own", "near"), POLICY)
    assert decision.effect is Effect.DENY
    assert decision.reasons == (Reason.NETWORK_NOT_ALLOWED,)


def test_a_person_who_inherits_a_programs_role_is_asked_for_all_that_the_zone_demands() -> None:
    assert decide(ask(PERSON, "/group"), POLICY).effect is Effect.STEP_UP


def test_the_explanation_says_the_same() -> None:
    assert explain(ask(PROGRAM, "/own"), POLICY).unmet == ()
    assert explain(ask(PROGRAM, "/all"), POLICY).unmet != ()


def test_a_token_of_a_program_says_nothing_of_people_whatever_it_says() -> None:
    said = {
        "sub": "nightly",
        "client_id": "nightly",
        "sid": "s" * 22,
        "jti": "j",
        "scope": "policy:read reports",
        "exp": AT + 300,
        "iat": AT,
        "org": "an organisation",
        "roles": ["administrator"],
        "acr": "urn:munjigi:acr:2",
        "auth_time": AT,
        "device": {"id": "d", "trust": "attested"},
    }
    identity = read_identity(said)
    assert identity.subject == PROGRAM
    assert identity.device_trust is DeviceTrust.UNKNOWN
    assert identity.device_id == identity.acr == ""
    assert identity.scope == ("policy:read", "reports")


def test_no_organisation_can_make_a_person_a_program() -> None:
    said = {
        "sub": "mina",
        "client_id": "shop",
        "sid": "s" * 22,
        "exp": AT + 300,
        "iat": AT,
        "org": "o",
        "roles": ["clerk", "client:nightly"],
        "acr": "urn:munjigi:acr:1",
        "auth_time": AT,
    }
    identity = read_identity(said)
    assert identity.roles == ("clerk",)
    assert not identity.subject.machine
    assert decide(ask(identity.subject, "/own"), POLICY).effect is not Effect.ALLOW
