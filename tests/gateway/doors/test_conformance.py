"""The same cases at every door: one pipeline, whichever proxy asks."""

from __future__ import annotations

import pytest

from config.replays import Replays
from gateway.doors.problems import NOT_AT_A_DOOR
from jose.assertion import ISSUER, audience
from jose.jws import verify
from jose.keys import KeyRing
from tests.gateway.doors.conftest import At
from tests.gateway.doors.proxies import Request, Told
from tests.gateway.rig import Rig
from tests.idp.keys import Key

PERSON = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Accept", "text/html"))
WEBSOCKET = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
SHOP = "http://shop.localhost:8080"
AMBIGUOUS = (
    "/a/../closed", "/./closed", "//closed", "/a%2fb", "/a%5cb", "/a%00b", "/%2e%2e/x", "/a;b=c", "/a%252fb", "/a%23b",
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"


def claims(rig: Rig, told: Told, upstream: str = "commerce") -> dict[str, object]:
    """What the service is told of the person: once, and for it alone."""
    (assertion,) = told.sent("munjigi-assertion")
    return verify(
        assertion,
        KeyRing.of(rig.assertion_key),
        expected_typ="munjigi-assertion+jwt",
        expected_issuer=ISSUER,
        expected_audience=audience(upstream),
        now=rig.clock.timestamp(),
    )


async def test_whoever_shows_nothing_is_challenged(at: At) -> None:
    told = await at.ask(Request())
    assert not told.passes
    assert (told.status, told.code) == (401, "MJ-GATEWAY-210")
    metadata = f"{SHOP}/.well-known/oauth-protected-resource"  # with its port, whatever the proxy says of it
    assert told.headers["www-authenticate"] == f'Bearer realm="munjigi", resource_metadata="{metadata}"'


async def test_a_person_who_shows_nothing_is_led_to_sign_in(at: At) -> None:
    told = await at.ask(Request("/cart?item=1", headers=PERSON))
    assert not told.passes
    if not told.by_the_gateway:
        assert (told.status, told.headers["location"]) == (302, "/.munjigi/sign-in?return_to=%2Fcart%3Fitem%3D1")


async def test_a_token_passes_with_an_assertion_and_stops_here(at: At) -> None:
    told = await at.ask(Request(headers=[bearer(at.rig.token()), ("Accept", "application/json"), ("X-Trace", "1")]))
    assert told.passes
    assert claims(at.rig, told)["sub"] == "kim"
    assert told.sent("authorization") == []
    assert told.sent("x-trace") == ["1"]
    assert told.headers["x-forwarded-for"] == "192.0.2.7"
    record = at.rig.heard.records[-1]
    assert (record["path"], record["method"], record["address"]) == ("/products", "GET", "192.0.2.7")
    assert record["correlation_id"] == told.headers["munjigi-correlation-id"]


async def test_the_second_question_does_not_wait_and_has_an_assertion_of_its_own_caller(at: At) -> None:
    client = await at.place.client()
    for sub in ("kim", "lee", "kim"):
        request = Request(headers=[bearer(at.rig.token(sub=sub))])
        for _ in range(2):
            told = at.proxy.told(request, await client.ask(at.proxy.question(request)))
            assert claims(at.rig, told)["sub"] == sub
    at.rig.clock.advance(31)  # from then on another assertion is made
    at.rig.beat()
    told = at.proxy.told(request, await client.ask(at.proxy.question(request)))
    assert claims(at.rig, told)["iat"] == at.rig.clock.timestamp()


async def test_a_cookie_session_passes_and_its_cookie_stops_here(at: At) -> None:
    own = (await at.rig.cookie()).decode()
    for others in ("theme=dark", ""):
        told = await at.ask(Request(headers=[("Cookie", f"{own}; {others}")]))
        assert told.passes
        assert claims(at.rig, told)["sub"] == "kim"
        assert told.sent("cookie") == ([others] if others else [])


async def test_what_is_no_good_token_is_refused(at: At) -> None:
    rig = at.rig
    revoked = rig.token(jti="revoked-1")
    expired = rig.token(lifetime=-1)
    assert (await at.ask(Request(headers=[bearer(revoked)]))).passes
    rig.session_event(revoked=["revoked-1"])
    for token in ("nonsense", revoked, expired, rig.token(aud="urn:somebody:else")):
        told = await at.ask(Request(headers=[bearer(token)]))
        assert (told.passes, told.status, told.code) == (False, 401, "MJ-GATEWAY-211")
        assert 'error="invalid_token"' in told.headers["www-authenticate"]
    told = await at.ask(Request(headers=[bearer("a"), bearer("b")]))
    assert (told.passes, told.status, told.code) == (False, 400, "MJ-GATEWAY-201")


async def test_after_the_end_of_a_session_the_next_request_is_refused(at: At) -> None:
    request = Request(headers=[bearer(at.rig.token())])
    client = await at.place.client()
    assert at.proxy.told(request, await client.ask(at.proxy.question(request))).passes
    at.rig.session_event(state="ended")
    told = at.proxy.told(request, await client.ask(at.proxy.question(request)))
    assert (told.passes, told.status, told.code) == (False, 401, "MJ-GATEWAY-212")
    cookie = (await at.rig.cookie()).decode()
    told = await at.ask(Request(headers=[("Cookie", cookie), *PERSON]))
    assert not told.passes
    assert told.by_the_gateway or told.headers["location"].startswith("/.munjigi/ended?")


async def test_what_policy_denies_is_refused_with_its_reasons(at: At) -> None:
    told = await at.ask(Request("/closed", headers=[bearer(at.rig.token())]))
    assert (told.passes, told.status, told.code) == (False, 403, "MJ-GATEWAY-216")
    assert b'"reasons":[' in told.body


async def test_a_person_is_refused_by_a_page(at: At) -> None:
    cookie = (await at.rig.cookie()).decode()
    told = await at.ask(Request("/closed", headers=[("Cookie", cookie), *PERSON]))
    assert not told.passes
    if not told.by_the_gateway:
        assert told.status == 403
        assert told.headers["content-type"].startswith("text/html")
        assert b"MJ-GATEWAY-216" in told.body


async def test_a_stronger_sign_in_is_demanded_as_rfc_9470_has_it(at: At) -> None:
    token = at.rig.token(roles=["administrator"])
    told = await at.ask(Request("/api/policy", host="console.localhost:8080", headers=[bearer(token)]))
    assert (told.passes, told.status, told.code) == (False, 401, "MJ-GATEWAY-215")
    assert 'error="insufficient_user_authentication"' in told.headers["www-authenticate"]
    assert 'acr_values="urn:munjigi:acr:2"' in told.headers["www-authenticate"]


async def test_a_form_that_needs_a_stronger_sign_in_is_led_back_to_its_page(at: At, stepped_up: None) -> None:
    cookie = (await at.rig.cookie()).decode()
    headers = [("Cookie", cookie), *PERSON, ("Origin", SHOP), ("Referer", f"{SHOP}/cart?item=1")]
    told = await at.ask(Request("/pay", "POST", headers=headers))
    assert not told.passes
    if not told.by_the_gateway:
        assert told.status == 303
        back = "/.munjigi/sign-in?return_to=%2Fcart%3Fitem%3D1&acr_values=urn%3Amunjigi%3Aacr%3A2"
        assert told.headers["location"] == back


@pytest.mark.parametrize(
    "target",
    [
        "/a/../closed",
        "/./closed",
        "//closed",
        "/a%2fb",
        "/a%5cb",
        "/a%00b",
        "/%2e%2e/x",
        "/a;b=c",
        "/a%252fb",
        "/a%23b",
    ],
)
async def test_a_path_that_can_be_read_in_two_ways_is_refused(at: At, target: str) -> None:
    told = await at.ask(Request(target, headers=[bearer(at.rig.token())]))
    assert (told.passes, told.status, told.code) == (False, 400, "MJ-GATEWAY-102")


async def test_one_path_has_one_form(at: At) -> None:
    told = await at.ask(Request("/%63losed?next=%2e", headers=[bearer(at.rig.token())]))
    assert (told.passes, told.status, told.code) == (False, 403, "MJ-GATEWAY-216")
    assert at.rig.heard.records[-1]["path"] == "/closed"


async def test_a_public_route_needs_nobody_and_the_service_is_told_so(at: At) -> None:
    told = await at.ask(Request("/assets/shop.css", headers=[("Munjigi-Assertion", "forged")]))
    assert told.passes
    assert claims(at.rig, told)["sub"] == ""


@pytest.mark.parametrize("method", METHODS)
async def test_the_request_s_own_method_is_decided(at: At, method: str) -> None:
    told = await at.ask(Request("/products", method, headers=[bearer(at.rig.token()), ("Content-Length", "5")]))
    assert told.passes
    assert at.rig.heard.records[-1]["method"] == method
    told = await at.ask(Request("/closed", method, headers=[bearer(at.rig.token())]))
    assert (told.passes, told.status) == (False, 403)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PURGE", "get"])
async def test_any_other_method_is_refused(at: At, method: str) -> None:
    answer = await at.place.ask(at.proxy.question(Request("/products", method, headers=[bearer(at.rig.token())])))
    assert answer.status >= 400
    assert at.rig.heard.records == []


async def test_nothing_that_a_client_says_of_its_request_is_believed(at: At) -> None:
    spoofed = [
        ("X-Original-URI", "/assets/a.css"), ("X-Original-URL", "/assets/a.css"), ("X-Original-Method", "HEAD"),
        ("X-Forwarded-Uri", "/assets/a.css"), ("X-Forwarded-Method", "HEAD"), ("X-Forwarded-Host", "console.localhost"),
        ("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "gopher"), ("X-Real-IP", "198.51.100.1"),
        ("X_Forwarded_Uri", "/assets/a.css"), ("X_Forwarded_For", "198.51.100.1"), ("X-Rewrite-Url", "/assets/a.css"),
        ("Munjigi-Assertion", "forged"), ("munjigi_assertion", "forged"), ("Munjigi.Assertion", "forged"),
        ("Munjigi-Correlation-Id", "forged"), ("X-User", "root"), ("x_user", "root"), ("Remote-User", "root"),
        ("X-Forwarded-User", "root"), ("X-Auth-Request-Email", "root"), ("Forwarded", "for=198.51.100.1"),
        ("Munjigi-Remove", "accept"), ("X-Envoy-Auth-Headers-To-Remove", "accept"), ("Client-Cert", ":AAAA:"),
    ]  # fmt: skip
    told = await at.ask(Request("/closed", headers=[bearer(at.rig.token()), *spoofed]))
    assert (told.passes, told.status) == (False, 403)
    told = await at.ask(Request("/products", "POST", headers=[bearer(at.rig.token()), *spoofed]))
    assert told.passes
    record = at.rig.heard.records[-1]
    assert (record["path"], record["method"], record["address"]) == ("/products", "POST", "192.0.2.7")
    assert record["route"] == "shop.localhost:8080/"
    assert claims(at.rig, told)["sub"] == "kim"
    assert [line for line in told.service if "forged" in line[1] or line[1] == "root"] == []
    assert [line for line in told.service if "198.51.100.1" in line[1]] == []
    for name in ("x-original-uri", "x-forwarded-uri", "x-rewrite-url", "forwarded", "client-cert"):
        assert told.sent(name) == [], name
    assert (await at.ask(Request(headers=[bearer(at.rig.token()), ("Connection", "Munjigi-Assertion")]))).passes


async def test_a_websocket_is_decided_by_its_handshake(at: At) -> None:
    cookie = ("Cookie", (await at.rig.cookie()).decode())
    own = ("Origin", SHOP)
    told = await at.ask(Request("/reservations/live", headers=[cookie, own, *WEBSOCKET]))
    assert told.passes
    assert claims(at.rig, told, "reservation")["sub"] == "kim"
    for origin in ([("Origin", "http://evil.example")], []):
        told = await at.ask(Request("/reservations/live", headers=[cookie, *origin, *WEBSOCKET]))
        assert (told.passes, told.status, told.code) == (False, 403, "MJ-GATEWAY-204")
    told = await at.ask(Request("/products", headers=[cookie, own, *WEBSOCKET]))
    assert (told.passes, told.status, told.code) == (False, 403, "MJ-GATEWAY-205")
    assert at.rig.live.sessions() == frozenset(), "what a proxy let through is not ours to close"


async def test_a_page_of_another_site_changes_nothing_here(at: At) -> None:
    cookie = ("Cookie", (await at.rig.cookie()).decode())
    told = await at.ask(Request("/orders", "POST", headers=[cookie, ("Origin", "http://evil.example")]))
    assert (told.passes, told.status, told.code) == (False, 403, "MJ-GATEWAY-204")


@pytest.mark.parametrize("path", ["/.munjigi/sign-in", "/.munjigi", "/.well-known/oauth-protected-resource"])
async def test_what_the_gateway_answers_itself_is_no_leave_to_pass(at: At, path: str) -> None:
    told = await at.ask(Request(path, headers=[bearer(at.rig.token())]))
    assert (told.passes, told.status, told.code) == (False, 404, NOT_AT_A_DOOR.code)


async def test_a_host_that_leads_nowhere_is_refused(at: At) -> None:
    told = await at.ask(Request(host="elsewhere.localhost", headers=[bearer(at.rig.token())]))
    assert (told.passes, told.status, told.code) == (False, 404, "MJ-GATEWAY-203")


async def test_a_proof_of_a_key_is_of_the_request_s_own_method_and_address(at: At) -> None:
    rig, key = at.rig, Key()
    await Replays(rig.valkey, "gateway-dpop").begin(rig.clock.timestamp() - 60)
    token = rig.token(cnf={"jkt": key.thumbprint})

    def shown(method: str, address: str) -> Request:
        proof = key.proof(method, address, rig.clock.timestamp(), token=token)
        return Request("/products?page=2", "POST", headers=[("Authorization", f"DPoP {token}"), ("DPoP", proof)])

    good = shown("POST", f"{SHOP}/products")
    told = await at.ask(good)
    assert told.passes
    assert (told.sent("dpop"), told.sent("authorization")) == ([], [])
    for wrong in (good, shown("GET", f"{SHOP}/products"), shown("POST", f"{SHOP}/{at.proxy.name}/products")):
        told = await at.ask(wrong)
        assert (told.passes, told.status, told.code) == (False, 401, "MJ-GATEWAY-218")
        assert told.headers["www-authenticate"].startswith('DPoP realm="munjigi", error="invalid_dpop_proof"')


async def test_without_news_of_sessions_each_zone_does_what_it_says(at: At) -> None:
    token = at.rig.token(roles=["administrator"], acr="urn:munjigi:acr:2")
    strict = Request("/api/policy", host="console.localhost:8080", headers=[bearer(token)])
    assert (await at.ask(strict)).passes
    at.rig.clock.advance(5)
    told = await at.ask(strict)
    assert (told.passes, told.status) == (False, 503)
    assert told.headers["retry-after"] == "1"
    assert (await at.ask(Request(headers=[bearer(at.rig.token())]))).passes, "grace 60"


async def test_a_failing_pipeline_lets_nothing_through(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("of the test")

    monkeypatch.setattr(at.rig.judge, "decide", fail)
    told = await at.ask(Request(headers=[bearer(at.rig.token())]))
    assert (told.passes, told.status, told.code) == (False, 500, "MJ-GATEWAY-120")


async def test_questions_sent_at_once_are_answered_in_their_order(at: At) -> None:
    """The first of them waits for a store, the others need not."""
    cookie = ("Cookie", (await at.rig.cookie()).decode())
    requests = [
        Request(headers=[cookie]),
        Request("/closed", headers=[bearer(at.rig.token())]),
        Request("/assets/a.css"),
    ]
    client = await at.place.client()
    client.send(b"".join(at.proxy.question(request) for request in requests))
    told = [at.proxy.told(request, await client.answer()) for request in requests]
    assert [one.passes for one in told] == [True, False, True]
    assert [one.status for one in told] == [200, 403, 200]
