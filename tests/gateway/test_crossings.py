"""A service crosses into another zone where a flow leads, and is told why it does not get in elsewhere."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from gateway.exchange import Answer, ClientCertificate, Forward, Verdict
from policy.artefact import Flow, Rule, RuleEffect
from policy.snapshot import compile_policy
from tests.gateway.rig import POLICY, Rig, bearer, head

HOMES = {"shop": ("client:shop", "certificate:shop.internal"), "reservation": ("client:desk",)}
FLOWS = (Flow("shop", "reservation", ("GET",)), Flow("shop", "reservation", ("POST",), certificate=True))
OURS = ClientCertificate("a-thumbprint", "shop.internal")


@pytest.fixture
def crossing(rig: Rig) -> Rig:
    """A gateway whose policy lets every one of these programs do anything, were it not for the flows."""
    zones = tuple(replace(zone, services=HOMES.get(zone.name, ())) for zone in POLICY.zones)
    rules = tuple(
        Rule(name, 1, f"client:{name}", "*", "/**", RuleEffect.ALLOW) for name in ("shop", "desk", "stranger")
    )
    given = replace(POLICY, zones=zones, rules=(*rules, *POLICY.rules), flows=FLOWS)
    rig.judge.snapshot = compile_policy(given, 2)
    return rig


async def ask(
    rig: Rig, program: str, path: str, method: str = "GET", certificate: ClientCertificate | None = None
) -> Verdict:
    await rig.project(program)
    asked = head(path, method=method, headers=[bearer(rig.token(sid=program, sub=program, client_id=program))])
    asked.certificate = certificate
    return await rig.ask(asked)


def refused(verdict: Verdict) -> tuple[int, list[str]]:
    assert isinstance(verdict, Answer)
    return verdict.status, msgspec.json.decode(verdict.body)["reasons"]


async def test_a_program_gets_in_at_home_and_where_a_flow_leads(crossing: Rig) -> None:
    assert isinstance(await ask(crossing, "shop", "/products", "POST"), Forward)
    assert isinstance(await ask(crossing, "shop", "/reservations"), Forward)
    assert refused(await ask(crossing, "shop", "/reservations", "DELETE")) == (403, ["no_flow"])
    assert refused(await ask(crossing, "desk", "/products")) == (403, ["no_flow"])
    assert refused(await ask(crossing, "stranger", "/products")) == (403, ["unknown_service"])


async def test_the_certificate_that_its_zone_names_opens_the_flow_that_demands_one(crossing: Rig) -> None:
    assert refused(await ask(crossing, "shop", "/reservations", "POST")) == (403, ["certificate_needed"])
    assert isinstance(await ask(crossing, "shop", "/reservations", "POST", OURS), Forward)
    unvouched = ClientCertificate("another-thumbprint", "")
    assert refused(await ask(crossing, "shop", "/reservations", "POST", unvouched)) == (403, ["certificate_needed"])


async def test_a_service_that_acts_for_a_person_is_held_to_its_flows(crossing: Rig) -> None:
    await crossing.project()
    for actor, expected in (("shop", None), ("desk", "no_flow"), ("stranger", "unknown_service")):
        verdict = await crossing.ask(head("/products", headers=[bearer(crossing.token(act={"sub": actor}))]))
        if expected is None:
            assert isinstance(verdict, Forward)
        else:
            assert refused(verdict) == (403, [expected])
    assert isinstance(await crossing.ask(head("/products", headers=[bearer(crossing.token())])), Forward)
