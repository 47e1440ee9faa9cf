"""The steps of a request, row by row, on real engines."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from pathlib import Path

import msgspec
import pytest

from audit.segments import AuditUnavailable
from config import key_space
from config.settings import Settings
from gateway.decision.decision_log import DecisionLog
from gateway.exchange import Answer, Forward, OwnPage
from gateway.routes.route_file import load_route_table
from jose.assertion import ISSUER as ASSERTION_ISSUER
from jose.assertion import audience
from jose.jws import verify
from jose.keys import KeyRing, SigningKey
from policy.artefact import Rule, RuleEffect
from policy.snapshot import compile_policy
from tests.gateway.rig import NAVIGATION, POLICY, ROUTES, Rig, bearer, head


def problem(verdict: object) -> tuple[int, str]:
    assert isinstance(verdict, Answer)
    return verdict.status, msgspec.json.decode(verdict.body)["code"]


def challenge(verdict: object) -> str:
    assert isinstance(verdict, Answer)
    return dict(verdict.headers)[b"www-authenticate"].decode()


async def test_a_bearer_request_passes_with_an_assertion_and_without_its_token(rig: Rig) -> None:
    await rig.project()
    verdict = await rig.ask(head("/products", headers=[bearer(rig.token())]))
    assert isinstance(verdict, Forward)
    assert verdict.upstream == "commerce"
    assert b"authorization" in verdict.drop
    added = dict(verdict.add)
    claims = verify(
        added[b"munjigi-assertion"].decode(),
        KeyRing.of(rig.assertion_key),
        expected_typ="munjigi-assertion+jwt",
        expected_issuer=ASSERTION_ISSUER,
        expected_audience=audience("commerce"),
        now=rig.clock.timestamp(),
    )
    assert (claims["sub"], claims["sid"], claims["roles"], claims["zone"]) == ("kim", "session-1", ["customer"], "shop")
    assert added[b"x-forwarded-for"] == b"127.0.0.1"
    assert added[b"x-forwarded-host"] == b"shop.localhost:8080"


@pytest.mark.parametrize("warm", [False, True])
async def test_a_token_that_is_revoked_alone_or_with_its_grant_is_refused_and_no_other(rig: Rig, warm: bool) -> None:
    await rig.project()
    tokens = {
        name: rig.token(jti=name, **({"grant": grant} if grant else {}))
        for name, grant in (("one", ""), ("two", "a-grant"), ("three", "a-grant"), ("four", "another"), ("five", ""))
    }

    async def ask(name: str) -> object:
        return await rig.ask(head("/products", headers=[bearer(tokens[name])]))

    for name in tokens if warm else ():
        assert isinstance(await ask(name), Forward)
    rig.session_event(revoked=["one", "a-grant"])
    if not warm:  # a gateway that never heard the event
        await rig.valkey.hset(key_space.session("session-1"), mapping={"v": "2", "revoked": "one a-grant"})
    for name in ("one", "two", "three"):
        refused = await ask(name)
        assert problem(refused) == (401, "MJ-GATEWAY-211")
        assert 'error="invalid_token"' in challenge(refused)
    for name in ("four", "five"):
        assert isinstance(await ask(name), Forward)


async def test_who_acts_for_a_person_is_decided_on_told_and_recorded(rig: Rig) -> None:
    await rig.project()
    rule = Rule(
        "closed-to-it", 5, "customer", "shop", "/closed-to-ledger", RuleEffect.DENY, condition='actor == "ledger"'
    )
    rig.judge.snapshot = compile_policy(msgspec.structs.replace(POLICY, rules=(rule, *POLICY.rules)), 2)
    acted = rig.token(act={"sub": "ledger", "act": {"sub": "shop"}})
    verdict = await rig.ask(head("/products", headers=[bearer(acted)]))
    assert isinstance(verdict, Forward)
    said = dict(verdict.add)[b"munjigi-assertion"].decode().split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    assert (claims["sub"], claims["act"]) == ("kim", {"sub": "ledger", "act": {"sub": "shop"}})
    assert rig.heard.records[-1]["actors"] == ["ledger", "shop"]
    refused = await rig.ask(head("/closed-to-ledger", headers=[bearer(acted)]))
    assert problem(refused) == (403, "MJ-GATEWAY-216")
    for act in ({"sub": "shop"}, {"sub": "shop", "act": {"sub": "ledger"}}):
        other = await rig.ask(head("/closed-to-ledger", headers=[bearer(rig.token(act=act))]))
        assert isinstance(other, Forward), "who acts now is meant"
    assert isinstance(await rig.ask(head("/closed-to-ledger", headers=[bearer(rig.token())])), Forward)
    assert "actors" not in rig.heard.records[-1]
    for wrong in ("ledger", {}, {"sub": 5}, {"sub": "a", "act": "b"}):
        unusable = await rig.ask(head("/products", headers=[bearer(rig.token(act=wrong))]))
        assert problem(unusable) == (401, "MJ-GATEWAY-211")


async def test_the_second_request_does_not_wait(rig: Rig) -> None:
    await rig.project()
    token = rig.token()
    await rig.ask(head("/products", headers=[bearer(token)]))
    verdict = rig.pipeline(head("/products", headers=[bearer(token)]))
    assert isinstance(verdict, Forward)


async def test_a_cookie_session_is_read_once_and_its_cookie_stops_here(rig: Rig) -> None:
    await rig.project()
    cookie = await rig.cookie()
    first = await rig.ask(head(headers=[(b"cookie", b"theme=dark; " + cookie + b"; cart=1")]))
    assert isinstance(first, Forward)
    assert first.cookie == b"theme=dark; cart=1"
    assert isinstance(rig.pipeline(head(headers=[(b"cookie", cookie)])), Forward)


async def test_a_navigation_of_nobody_is_led_to_sign_in_and_anything_else_is_challenged(rig: Rig) -> None:
    led = await rig.ask(head("/cart", query="item=1", headers=NAVIGATION))
    assert isinstance(led, Answer)
    assert led.status == 302
    assert dict(led.headers)[b"location"] == b"/.munjigi/sign-in?return_to=%2Fcart%3Fitem%3D1"
    asked = await rig.ask(head("/cart"))
    assert problem(asked) == (401, "MJ-GATEWAY-210")
    assert challenge(asked) == 'Bearer realm="munjigi"'


async def test_a_form_of_nobody_is_led_to_sign_in_by_get(rig: Rig) -> None:
    led = await rig.ask(head("/orders", method="POST", headers=NAVIGATION))
    assert isinstance(led, Answer)
    assert led.status == 303


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        (b"http://shop.localhost:8080/cart?item=1#pay", b"%2Fcart%3Fitem%3D1"),
        (b"http://shop.localhost:8080/.munjigi/ended", b"%2Forders"),
        (b"http://shop.localhost:8080", b"%2Forders"),
        (b"http://shop.localhost:80801/cart", b"%2Forders"),
        (b"http://shop.localhost:8080@evil.example/cart", b"%2Forders"),
        (b"http://shop.localhost:8080//evil.example", b"%2Forders"),
        (b"http://evil.example/cart", b"%2Forders"),
        (None, b"%2Forders"),
    ],
)
async def test_a_form_after_the_end_leads_back_to_the_page_where_it_stood(
    rig: Rig, referer: bytes | None, back: bytes
) -> None:
    await rig.project()
    headers = [(b"host", b"shop.localhost:8080"), (b"cookie", await rig.cookie()), *NAVIGATION]
    headers += [(b"referer", referer)] if referer else []
    rig.session_event(state="ended")
    told = await rig.ask(head("/orders", method="POST", headers=headers))
    assert isinstance(told, Answer)
    assert (told.status, dict(told.headers)[b"location"]) == (303, b"/.munjigi/ended?return_to=" + back)


async def test_a_program_that_takes_pages_is_challenged_all_the_same(rig: Rig) -> None:
    """Signing a browser in makes neither its token nor what an API route looks at any better (RFC 9470)."""
    await rig.project()
    token = rig.token(roles=["administrator"])
    asked = head("/api/policy", host="console.localhost", headers=[bearer(token), (b"accept", b"text/html,*/*")])
    verdict = await rig.ask(asked)
    assert problem(verdict) == (401, "MJ-GATEWAY-215")
    assert "insufficient_user_authentication" in challenge(verdict)


async def test_every_decision_that_stood_on_a_session_says_how_old_its_state_was(rig: Rig) -> None:
    await rig.project()
    asked = head("/products", headers=[bearer(rig.token())])
    await rig.ask(asked)
    assert rig.heard.records[-1]["staleness"] == 0.0
    rig.clock.advance(0.25)
    assert isinstance(rig.pipeline(asked), Forward)
    assert rig.heard.records[-1]["staleness"] == 0.25
    rig.pipeline(head("/assets/shop.css"))
    assert "staleness" not in rig.heard.records[-1]


async def test_a_public_route_is_decided_for_nobody(rig: Rig) -> None:
    assert isinstance(rig.pipeline(head("/assets/shop.css")), Forward)
    assert rig.heard.records[-1]["winner"] == "assets"
    assert "sub" not in rig.heard.records[-1]


async def test_an_unknown_host_or_route_is_not_found(rig: Rig) -> None:
    for asked in (head(host="elsewhere.localhost"), head(host="console.localhost"), head("/.munjigi/x", host="evil")):
        assert problem(await rig.ask(asked)) == (404, "MJ-GATEWAY-203")


async def test_own_pages_go_to_the_application(rig: Rig) -> None:
    verdict = rig.pipeline(head("/.munjigi/session"))
    assert isinstance(verdict, OwnPage)
    assert verdict.state["authority"] == "shop.localhost:8080"


async def test_more_than_one_credential_is_refused(rig: Rig) -> None:
    await rig.project()
    cookie, token = await rig.cookie(), rig.token()
    twice = (b"cookie", cookie + b"; " + cookie)
    for headers in (
        [bearer(token), (b"cookie", cookie)],
        [bearer(token), bearer(token)],
        [twice],
        [(b"cookie", cookie), (b"cookie", cookie)],
    ):
        assert problem(await rig.ask(head(headers=headers))) == (400, "MJ-GATEWAY-201")


@pytest.mark.parametrize("value", [b"Basic abc", b"Bearer", b"Bearer a b", b"Bearer \xff", b"Bearer " + b"a" * 9000])
async def test_a_malformed_authorization_is_refused(rig: Rig, value: bytes) -> None:
    assert problem(await rig.ask(head(headers=[(b"authorization", value)]))) == (401, "MJ-GATEWAY-202")


async def test_tokens_that_are_not_ours_are_refused(rig: Rig) -> None:
    await rig.project()
    stranger = SigningKey.generate()
    for token in (
        rig.token(key=stranger),
        rig.token(aud="somebody else"),
        rig.token(iss="http://evil"),
        rig.token(lifetime=0),
        rig.token(sid=""),
        "not.a.token",
    ):
        verdict = await rig.ask(head(headers=[bearer(token)]))
        assert problem(verdict) == (401, "MJ-GATEWAY-211")
        assert 'error="invalid_token"' in challenge(verdict)


async def test_a_token_is_over_exactly_at_its_expiry(rig: Rig) -> None:
    await rig.project()
    token = rig.token(lifetime=300)
    asked = head(headers=[bearer(token)])
    assert isinstance(await rig.ask(asked), Forward)
    rig.clock.advance(299.999)
    rig.beat()
    assert isinstance(rig.pipeline(asked), Forward)
    rig.clock.advance(0.001)
    rig.beat()
    assert problem(rig.pipeline(asked)) == (401, "MJ-GATEWAY-211")
    assert problem(await rig.ask(asked)) == (401, "MJ-GATEWAY-211")


async def test_an_ended_session_is_told_by_page_and_by_problem(rig: Rig) -> None:
    await rig.project()
    cookie, token = await rig.cookie(), rig.token()
    assert isinstance(await rig.ask(head(headers=[(b"cookie", cookie)])), Forward)
    assert isinstance(await rig.ask(head(headers=[bearer(token)])), Forward)
    rig.session_event(state="ended")
    told = await rig.ask(head("/cart", headers=[(b"cookie", cookie), *NAVIGATION]))
    assert isinstance(told, Answer)
    assert dict(told.headers)[b"location"] == b"/.munjigi/ended?return_to=%2Fcart"
    assert problem(await rig.ask(head(headers=[(b"cookie", cookie)]))) == (401, "MJ-GATEWAY-212")
    assert problem(await rig.ask(head(headers=[bearer(token)]))) == (401, "MJ-GATEWAY-212")
    # what a page loads from a public route needs nobody
    assert isinstance(await rig.ask(head("/assets/shop.css", headers=[(b"cookie", cookie)])), Forward)


async def test_a_session_is_over_exactly_at_its_idle_limit(rig: Rig) -> None:
    await rig.project(idle=100)
    cookie = await rig.cookie()
    asked = head(headers=[(b"cookie", cookie)])
    assert isinstance(await rig.ask(asked), Forward)
    rig.clock.advance(99.999)
    rig.beat()
    assert isinstance(rig.pipeline(asked), Forward)
    rig.clock.advance(0.001)
    rig.beat()
    assert problem(await rig.ask(asked)) == (401, "MJ-GATEWAY-212")


async def test_an_act_that_another_gateway_saw_counts(rig: Rig) -> None:
    await rig.project(idle=100)
    cookie = await rig.cookie()
    asked = head(headers=[(b"cookie", cookie)])
    await rig.ask(asked)
    rig.clock.advance(100)
    rig.beat()
    await rig.project(version=2)
    assert isinstance(await rig.ask(asked), Forward)


async def test_navigations_and_acts_keep_a_session_awake_and_nothing_else_does(rig: Rig) -> None:
    await rig.project(idle=100)
    cookie = (b"cookie", await rig.cookie())
    for quiet in (
        head("/poll", headers=[cookie, (b"sec-fetch-mode", b"cors")]),
        head("/next", headers=[cookie, *NAVIGATION, (b"sec-purpose", b"prefetch")]),
        head("/frame", headers=[cookie, (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-dest", b"iframe")]),
    ):
        await rig.ask(quiet)
    session = rig.sessions.cache.live["session-1"]
    assert session.idle_expires_at == rig.clock.timestamp() + 100
    await rig.ask(head("/cart", headers=[cookie, *NAVIGATION]))
    assert session.idle_expires_at == rig.clock.timestamp() + 1800
    rig.clock.advance(10)
    rig.beat()
    await rig.ask(head("/acts", method="POST", headers=[cookie, (b"origin", b"http://shop.localhost:8080")]))
    assert session.idle_expires_at == rig.clock.timestamp() + 1800
    await rig.activity.flush()
    assert await rig.carried() == [{"sid": "session-1", "at": str(int(rig.clock.timestamp() * 1000))}]


async def test_no_act_goes_beyond_the_absolute_limit(rig: Rig) -> None:
    await rig.project(idle=1800, absolute=50)
    cookie = (b"cookie", await rig.cookie())
    asked = head(headers=[cookie, *NAVIGATION])
    assert isinstance(await rig.ask(asked), Forward)
    rig.clock.advance(50)
    rig.beat()
    assert isinstance(told := await rig.ask(asked), Answer)
    assert told.status == 302


async def test_a_denial_is_a_page_for_a_person_and_a_problem_for_a_program(rig: Rig) -> None:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    page = await rig.ask(head("/closed", headers=[cookie, *NAVIGATION]))
    assert isinstance(page, OwnPage)
    verdict = await rig.ask(head("/closed", headers=[cookie]))
    assert problem(verdict) == (403, "MJ-GATEWAY-216")
    assert isinstance(verdict, Answer)
    document = msgspec.json.decode(verdict.body)
    assert document["reasons"] == ["rule_denies"]
    assert document["correlation_id"] == "corr-1"
    assert rig.heard.records[-1]["effect"] == "deny"


async def test_step_up_is_challenged_as_rfc_9470_has_it(rig: Rig) -> None:
    await rig.project()
    token = rig.token(roles=["administrator"])
    verdict = await rig.ask(head("/api/policy/versions", host="console.localhost", headers=[bearer(token)]))
    assert problem(verdict) == (401, "MJ-GATEWAY-215")
    assert 'error="insufficient_user_authentication"' in challenge(verdict)
    assert 'acr_values="urn:munjigi:acr:2"' in challenge(verdict)


async def test_an_api_route_takes_no_cookie_and_leads_nobody_to_sign_in(rig: Rig) -> None:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    verdict = await rig.ask(head("/api/policy", host="console.localhost", headers=[cookie, *NAVIGATION]))
    assert problem(verdict) == (401, "MJ-GATEWAY-210")


async def test_without_a_policy_everything_is_denied(rig: Rig) -> None:
    from policy.snapshot import NONE

    await rig.project()
    rig.judge.snapshot = NONE
    verdict = await rig.ask(head("/products", headers=[bearer(rig.token())]))
    assert problem(verdict) == (403, "MJ-GATEWAY-216")


@pytest.mark.parametrize(
    ("method", "headers", "upgrade", "passes"),
    [
        ("POST", [(b"origin", b"http://shop.localhost:8080")], False, True),
        ("POST", [(b"origin", b"http://evil.localhost:8080")], False, False),
        ("POST", [(b"origin", b"null")], False, False),
        ("POST", [(b"sec-fetch-site", b"cross-site")], False, False),
        ("POST", [(b"sec-fetch-site", b"same-origin")], False, True),
        ("POST", [(b"sec-fetch-site", b"same-origin"), (b"origin", b"null")], False, True),
        ("POST", [(b"sec-fetch-site", b"same-site"), (b"origin", b"null")], False, False),
        ("POST", [], False, True),
        ("GET", [(b"sec-fetch-site", b"cross-site")], False, True),
        ("GET", [(b"origin", b"http://shop.localhost:8080")], True, True),
        ("GET", [(b"origin", b"http://evil.localhost")], True, False),
        ("GET", [], True, False),
    ],
)
async def test_other_sites_cannot_use_the_cookie(
    rig: Rig, method: str, headers: list[tuple[bytes, bytes]], upgrade: bool, passes: bool
) -> None:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    verdict = await rig.ask(head("/reservations", method=method, headers=[cookie, *headers], upgrade=upgrade))
    if passes:
        assert isinstance(verdict, Forward)
    else:
        assert problem(verdict) == (403, "MJ-GATEWAY-204")


async def test_a_websocket_goes_only_where_one_is_taken(rig: Rig) -> None:
    await rig.project()
    verdict = await rig.ask(head("/products", upgrade=True, headers=[bearer(rig.token())]))
    assert problem(verdict) == (403, "MJ-GATEWAY-205")


async def test_without_a_lease_each_zone_does_what_it_says(rig: Rig) -> None:
    await rig.project()
    await rig.project("session-2")
    customer = (b"cookie", await rig.cookie())
    administrator = bearer(rig.token(sid="session-2", roles=["administrator"], acr="urn:munjigi:acr:2"))
    shop = head("/products", headers=[customer])
    read = head("/reservations", headers=[customer])
    write = head("/reservations", method="POST", headers=[customer])
    admin = head("/api/policy", host="console.localhost", headers=[administrator])
    for asked in (shop, read, write, admin):
        assert isinstance(await rig.ask(asked), Forward)
    rig.clock.advance(0.999)
    for asked in (shop, read, write, admin):
        assert isinstance(rig.pipeline(asked), Forward)
    rig.clock.advance(0.001)  # exactly the lease
    assert isinstance(rig.pipeline(shop), Forward)
    assert rig.heard.records[-1]["staleness"] == 1.0
    assert isinstance(rig.pipeline(read), Forward)
    assert problem(rig.pipeline(write)) == (503, "MJ-GATEWAY-214")
    assert problem(rig.pipeline(admin)) == (503, "MJ-GATEWAY-213")
    rig.clock.advance(59.999)
    assert isinstance(rig.pipeline(shop), Forward)
    assert rig.heard.records[-1]["staleness"] == 60.999
    rig.clock.advance(0.001)
    assert problem(rig.pipeline(shop)) == (503, "MJ-GATEWAY-213")
    rig.beat()
    for asked in (shop, read, write, admin):
        assert isinstance(rig.pipeline(asked), Forward)


async def test_a_session_that_nobody_knows_is_no_session(rig: Rig) -> None:
    cookie = (b"cookie", await rig.cookie())
    assert problem(await rig.ask(head(headers=[cookie]))) == (503, "MJ-GATEWAY-213")


async def test_an_unknown_cookie_is_nobody(rig: Rig) -> None:
    verdict = await rig.ask(head(headers=[(b"cookie", b"__Host-munjigi=" + b"x" * 43)]))
    assert problem(verdict) == (401, "MJ-GATEWAY-210")


async def test_another_route_table_is_taken_up_with_its_networks(rig: Rig, settings: Settings, tmp_path: Path) -> None:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    caller_of = rig.cookies.known
    await rig.ask(head(headers=[cookie]))
    assert [facts.network for caller in caller_of() for facts in caller.facts.values()] == ["loopback"]
    path = tmp_path / "other.toml"
    path.write_text(ROUTES.replace("loopback =", "here =").replace('path = "/acts"', 'path = "/deeds"'))
    rig.pipeline.use_table(load_route_table(path, runtime=settings.runtime, port=8080))
    await rig.ask(head("/deeds", headers=[cookie]))
    assert [facts.network for caller in caller_of() for facts in caller.facts.values()] == ["here"]
    assert rig.heard.records[-1]["route"] == "shop.localhost:8080/deeds"


async def test_the_own_pages_have_one_root(rig: Rig) -> None:
    assert isinstance(rig.pipeline(head("/.munjigi")), OwnPage)


async def test_nothing_passes_that_cannot_be_recorded(rig: Rig) -> None:
    def full(_record: object) -> None:
        raise AuditUnavailable

    await rig.project()
    rig.pipeline._log = DecisionLog(full)
    assert problem(await rig.ask(head(headers=[bearer(rig.token())]))) == (503, "MJ-GATEWAY-219")


async def test_warm_requests_are_synchronous(rig: Rig) -> None:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    await rig.ask(head(headers=[cookie]))
    for _ in range(3):
        assert not isinstance(rig.pipeline(head(headers=[cookie])), Awaitable)
