"""Privileges that shrink with the risk: what is refused, how that is told, and that all gateways hold the same."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from config import key_space
from gateway.decision.risk_memory import RiskMemory
from gateway.decision.risk_news import STREAM_LENGTH, RiskNews
from gateway.exchange import Answer, Forward, OwnPage, Verdict
from gateway.upstream_assertion import UpstreamAssertion
from jose.assertion import AssertionSigner
from jose.keys import KeyRing
from policy.artefact import Band, Rule, RuleEffect
from policy.recent_risk import LONGEST, counts_until
from policy.risk.level import level_of
from policy.snapshot import compile_policy
from tests.gateway.rig import NAVIGATION, POLICY, Rig, bearer, head
from tests.gateway.test_live_connections import websocket

BAND = Band("odd", 30, ("methods:GET|HEAD", "scopes:read", "mask:phone"))
ELSEWHERE = "203.0.113.7"
"""An address of no named network, and of no country."""


def use(rig: Rig, *bands: Band, rules: tuple[Rule, ...] = POLICY.rules) -> None:
    rig.judge.snapshot = compile_policy(replace(POLICY, bands=bands, rules=rules), rig.judge.snapshot.version + 1)


def odd(rig: Rig) -> str:
    """A token of the same session that says nothing of the device: with an odd place that is much."""
    return rig.token(device={"id": "", "trust": "unknown"})


async def ask(rig: Rig, token: str, method: str = "GET", *, client: str = "127.0.0.1", **more: Any) -> Verdict:
    return await rig.ask(head("/products", method=method, headers=[bearer(token)], client=client, **more))


def refused(verdict: Verdict) -> tuple[int, str, str]:
    assert isinstance(verdict, Answer)
    fields = dict(verdict.headers)
    return verdict.status, msgspec.json.decode(verdict.body)["code"], fields.get(b"allow", b"").decode()


def obligations(verdict: Verdict) -> list[str]:
    assert isinstance(verdict, Forward)
    said = dict(verdict.add)[b"munjigi-assertion"].decode().split(".")[1]
    told: list[str] = msgspec.json.decode(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))["obligations"]
    return told


async def test_a_service_is_told_the_level_of_the_risk_and_no_number(rig: Rig) -> None:
    await rig.project()
    told = {}
    for name, token, client in (("known", rig.token(), "127.0.0.1"), ("odd", odd(rig), ELSEWHERE)):
        verdict = await ask(rig, token, client=client)
        assert isinstance(verdict, Forward)
        said = dict(verdict.add)[b"munjigi-assertion"].decode().split(".")[1]
        told[name] = msgspec.json.decode(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))["risk"]
        assert told[name] == level_of(rig.heard.records[-1]["risk"])
    assert told["known"] == "low"
    assert told["odd"] != "low"


@pytest.mark.parametrize(
    ("risk", "level"),
    [(-1, "low"), (0, "low"), (39, "low"), (40, "raised"), (69, "raised"), (70, "high"), (100, "high"), (140, "high")],
)
def test_levels(risk: int, level: str) -> None:
    assert level_of(risk) == level


async def test_another_risk_of_the_same_level_makes_no_other_assertion(rig: Rig) -> None:
    signer = AssertionSigner(KeyRing.of(rig.assertion_key))
    made = [
        UpstreamAssertion(signer).header(None, rig.table.find(b"shop.localhost", b"/products"), (), 0.0, (), risk)  # type: ignore[arg-type]
        for risk in (0, 39, 40, 69, 70)
    ]
    assert made[0] == made[1]
    assert made[2] == made[3]
    assert len(set(made)) == 3


async def test_what_is_left_passes_with_its_obligations_and_the_rest_is_403_with_allow(rig: Rig) -> None:
    await rig.project()
    use(rig, BAND)
    assert obligations(await ask(rig, odd(rig), client=ELSEWHERE)) == ["methods:GET|HEAD", "scopes:read", "mask:phone"]
    assert refused(await ask(rig, odd(rig), "POST", client=ELSEWHERE)) == (403, "MJ-GATEWAY-242", "GET, HEAD")
    assert rig.heard.records[-1]["reasons"] == ["privileges_reduced"]
    assert obligations(await ask(rig, rig.token(sid="session-1"), "GET")) != []


async def test_a_person_gets_a_page_that_says_so(rig: Rig) -> None:
    await rig.project()
    use(rig, BAND)
    cookie = (b"cookie", await rig.cookie(device={"id": "", "trust": "unknown"}))
    origin = (b"origin", b"http://shop.localhost:8080")
    page = await rig.ask(head("/products", method="POST", headers=[cookie, origin, *NAVIGATION], client=ELSEWHERE))
    assert isinstance(page, OwnPage)
    told = page.state["refusal"]
    assert (told.kind.code, dict(told.headers)) == ("MJ-GATEWAY-242", {b"allow": b"GET, HEAD"})


async def test_a_rule_that_leaves_other_methods_to_all_is_405(rig: Rig) -> None:
    await rig.project()
    only = Rule("only", 1, "customer", "shop", "/products", RuleEffect.ALLOW, obligations=("methods:GET|HEAD",))
    use(rig, rules=(only, *POLICY.rules))
    assert refused(await ask(rig, rig.token(), "DELETE")) == (405, "MJ-GATEWAY-243", "GET, HEAD")


async def test_nothing_left_is_told_as_nothing(rig: Rig) -> None:
    await rig.project()
    use(rig, BAND, Band("nothing", 30, ("methods:PUT",)))
    assert refused(await ask(rig, odd(rig), client=ELSEWHERE)) == (403, "MJ-GATEWAY-242", "")


async def test_a_stronger_sign_in_that_brings_it_back_is_challenged(rig: Rig) -> None:
    await rig.project()
    use(rig, replace(BAND, assurance=2, max_age=600))
    verdict = await ask(rig, odd(rig), "POST", client=ELSEWHERE)
    assert refused(verdict)[:2] == (401, "MJ-GATEWAY-215")
    assert isinstance(verdict, Answer)
    challenge = dict(verdict.headers)[b"www-authenticate"].decode()
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="urn:munjigi:acr:2"' in challenge
    strong = rig.token(device={"id": "", "trust": "unknown"}, acr="urn:munjigi:acr:2")
    assert obligations(await ask(rig, strong, "POST", client=ELSEWHERE)) == []


async def test_privileges_grow_back_by_themselves_and_not_at_once(rig: Rig) -> None:
    await rig.project()
    use(rig, BAND)
    usual = rig.token(lifetime=3600)
    assert isinstance(await ask(rig, usual, "POST"), Forward)
    assert obligations(await ask(rig, odd(rig), client=ELSEWHERE)) != []
    assert refused(await ask(rig, usual, "POST")) == (403, "MJ-GATEWAY-242", "GET, HEAD")
    until = counts_until(rig.clock.timestamp())
    rig.clock.advance(until - rig.clock.timestamp() - 0.001)
    rig.beat()
    assert refused(await ask(rig, usual, "POST"))[0] == 403
    rig.clock.advance(0.001)
    rig.beat()
    assert isinstance(await ask(rig, usual, "POST"), Forward)


async def test_a_websocket_is_decided_anew_once_a_band_is_entered_elsewhere(rig: Rig) -> None:
    use(rig, BAND)
    connection = await websocket(rig)
    other = RiskMemory()
    heard = RiskNews(valkey=rig.valkey, clock=rig.clock, memory=rig.judge.memory, heard=rig.live_check.session_changed)
    other.note("session-1", 60, rig.clock.timestamp())
    await RiskNews(valkey=rig.valkey, clock=rig.clock, memory=other).exchange()
    assert connection.reasons == []
    await heard.exchange()
    assert connection.reasons == ["decided_anew"]


async def test_a_policy_without_bands_remembers_nothing(rig: Rig) -> None:
    await rig.project()
    assert isinstance(await ask(rig, odd(rig), client=ELSEWHERE), Forward)
    assert rig.judge.memory.peaks == {}


class Gateways:
    """The memories of some gateways over one Valkey."""

    def __init__(self, rig: Rig, many: int) -> None:
        self.rig = rig
        self.memories = [RiskMemory() for _ in range(many)]
        self.news = [self.joining(memory) for memory in self.memories]

    def joining(self, memory: RiskMemory) -> RiskNews:
        return RiskNews(valkey=self.rig.valkey, clock=self.rig.clock, memory=memory)

    async def exchange(self) -> None:
        for news in self.news:
            await news.exchange()


async def test_all_gateways_remember_what_any_of_them_saw(rig: Rig) -> None:
    gateways, now = Gateways(rig, 3), rig.clock.timestamp()
    gateways.memories[0].note("s", 60, now)
    gateways.memories[1].note("s", 90, now)
    gateways.memories[2].note("t", 40, now)
    await gateways.exchange()
    await gateways.exchange()
    first, *others = gateways.memories
    assert first.of("s") == ((90, counts_until(now)),)
    assert first.of("t") == ((40, counts_until(now)),)
    assert all(other.peaks == first.peaks for other in others)
    assert await rig.valkey.xlen(key_space.RISK_STREAM) == 3


async def test_the_same_risk_again_is_no_news(rig: Rig) -> None:
    gateways, now = Gateways(rig, 1), rig.clock.timestamp()
    for _ in range(5):
        gateways.memories[0].note("s", 60, now)
        await gateways.exchange()
    assert await rig.valkey.xlen(key_space.RISK_STREAM) == 1


async def test_a_gateway_that_starts_later_knows_what_still_counts(rig: Rig) -> None:
    gateways, now = Gateways(rig, 1), rig.clock.timestamp()
    gateways.memories[0].note("s", 60, now)
    await gateways.exchange()
    late = RiskMemory()
    await gateways.joining(late).exchange()
    assert late.of("s") == ((60, counts_until(now)),)
    rig.clock.advance(LONGEST)
    too_late = RiskMemory()
    await gateways.joining(too_late).exchange()
    assert too_late.peaks == {}


async def test_without_valkey_each_goes_by_what_it_saw_and_tells_it_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways, now = Gateways(rig, 2), rig.clock.timestamp()
    gateways.memories[0].note("s", 60, now)

    async def away(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as cut:
        cut.setattr(rig.valkey, "xread", away)
        cut.setattr(rig.valkey, "pipeline", away)
        cut.setattr("gateway.decision.risk_news.RiskNews._tell", away)
        await gateways.exchange()
    assert gateways.memories[0].of("s")
    assert not gateways.memories[1].of("s")
    await gateways.exchange()
    assert gateways.memories[1].of("s") == gateways.memories[0].of("s")


async def test_what_cannot_be_is_not_believed(rig: Rig) -> None:
    gateways, now = Gateways(rig, 1), rig.clock.timestamp()
    for fields in (
        {"sid": "s"},
        {"sid": "s", "risk": "x", "until": str(now + 60)},
        {"sid": "s", "risk": "1000", "until": str(now + 60)},
        {"sid": "s", "risk": "60", "until": str(now + 86_400)},
        {"sid": "s", "risk": "60", "until": "nan"},
        {"sid": "s", "risk": "60", "until": str(now - 1)},
    ):
        await rig.valkey.xadd(key_space.RISK_STREAM, dict(fields), maxlen=STREAM_LENGTH)  # type: ignore[arg-type] # texts
    await gateways.exchange()
    assert gateways.memories[0].peaks == {}


def test_memory_is_bounded_and_what_is_over_goes() -> None:
    memory = RiskMemory(kept=10)
    for number in range(100):
        memory.note(f"s-{number}", 60, 0.0)
    assert (len(memory.peaks), len(memory.untold)) == (10, 10)
    memory.forget_over(counts_until(0.0) - 1)
    assert len(memory.peaks) == 10
    memory.forget_over(counts_until(0.0))
    assert memory.peaks == {}
