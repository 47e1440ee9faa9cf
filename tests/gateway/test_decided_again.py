"""What is recorded of a request is enough to decide it again: by its own version the same, by another one anew."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway.exchange import Forward
from policy import recorded
from policy.artefact import Rule, RuleEffect
from policy.decision import Decision, Effect, StepUp
from policy.recorded import Recorded
from policy.snapshot import compile_policy
from tests.gateway.rig import POLICY, Rig, bearer, head
from tests.gateway.test_step_up import ask, shop  # noqa: F401 - a fixture


def read(record: Mapping[str, object]) -> Recorded:
    return recorded.read(msgspec.json.encode(record))


def same(found: Recorded, again: Decision | None) -> bool:
    assert again is not None
    told = (again.effect, again.reasons, again.version, again.winner, again.risk, again.signals, again.obligations)
    was = (found.effect, found.reasons, found.version, found.winner, found.risk, found.signals, found.obligations)
    return told == was and again.step_up == found.step_up


async def test_by_its_own_version_every_decision_is_what_it_was(rig: Rig) -> None:
    await rig.project()
    reduce = Rule(
        "at-risk", 1, "customer", "shop", "/**", RuleEffect.REDUCE, condition="risk >= 1", obligations=("mask:a",)
    )
    rig.judge.snapshot = compile_policy(msgspec.structs.replace(POLICY, rules=(reduce, *POLICY.rules)), 3)
    asked = [
        head("/assets/a.css"),
        head("/orders", headers=[bearer(rig.token())]),
        head("/orders", headers=[bearer(rig.token(act={"sub": "ledger"}))], client="203.0.113.9"),
        head("/closed", headers=[bearer(rig.token())]),
        head("/orders", headers=[bearer(rig.token(roles=["nobody"]))]),
        head("/api/policy/current", host="console.localhost", headers=[bearer(rig.token(roles=["administrator"]))]),
        head("/orders", headers=[bearer(rig.token(sub="reporter", client_id="reporter"))]),
        head("/orders", headers=[(b"cookie", await rig.cookie(browser="Firefox")), (b"user-agent", b"curl/8")]),
    ]
    for request in asked:
        await rig.ask(request)
    found = [read(record) for record in rig.heard.records]
    assert {each.effect for each in found} == set(Effect)
    for each in found:
        assert same(each, recorded.decide_again(each, rig.judge.snapshot)), each
        assert each.request is not None
        assert each.request.subject.id == each.sub


async def test_another_version_answers_for_itself(rig: Rig) -> None:
    await rig.project()
    await rig.ask(head("/closed", headers=[bearer(rig.token())]))
    found = read(rig.heard.records[-1])
    opened = compile_policy(
        msgspec.structs.replace(POLICY, rules=tuple(rule for rule in POLICY.rules if rule.id != "closed")), 2
    )
    again = recorded.decide_again(found, opened)
    assert again is not None
    assert (found.effect, again.effect, again.version) == (Effect.DENY, Effect.ALLOW, 2)


async def test_what_the_route_demands_is_asked_again_too(shop: Rig) -> None:  # noqa: F811 - the fixture
    await ask(shop, "/gifts")
    found = read(shop.heard.records[-1])
    assert (found.effect, found.route_step_up) == (Effect.STEP_UP, StepUp(assurance=2))
    assert same(found, recorded.decide_again(found, shop.judge.snapshot))
    await ask(shop, "/gifts", roles=["nobody"])
    refused = read(shop.heard.records[-1])
    assert refused.effect is Effect.DENY
    everybody = Rule("everybody", 1, "*", "shop", "/**", RuleEffect.ALLOW)
    opened = compile_policy(msgspec.structs.replace(POLICY, rules=(everybody, *POLICY.rules)), 2)
    again = recorded.decide_again(refused, opened)
    assert again is not None
    assert again.effect is Effect.STEP_UP


async def test_no_token_and_no_cookie_is_in_the_record(rig: Rig) -> None:
    await rig.project()
    token = rig.token()
    assert isinstance(await rig.ask(head("/orders", headers=[bearer(token)])), Forward)
    written = msgspec.json.encode(rig.heard.records[-1])
    assert not any(part.encode() in written for part in token.split("."))


def test_an_older_record_is_read_and_not_decided_again() -> None:
    old = (
        b'{"at":1.5,"correlation_id":"a-1","effect":"allow","reasons":["rule_allows"],"version":1,"winner":"shop",'
        b'"risk":0,"signals":[],"obligations":[],"method":"GET","path":"/","route":"r","zone":"shop","address":"::1"}'
    )
    found = recorded.read(old)
    assert found.request is None
    assert recorded.decide_again(found, compile_policy(POLICY, 1)) is None
