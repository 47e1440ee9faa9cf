"""A sensitive act asks for a fresher or stronger sign-in in place, and goes on with the same request (RFC 9470)."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest
from msgspec.structs import replace

from gateway.exchange import Answer, Forward, OwnPage, RequestHead, Verdict
from gateway.routes.route_file import RouteTableError, load_route_table
from gateway.step_up.demand import sensitive_routes
from gateway.step_up.page import StepUpPages
from jose.assertion import Subject
from jose.freshness import challenge as fresh
from policy.snapshot import compile_policy
from tests.gateway.rig import NAVIGATION, POLICY, ROUTES, Rig, bearer, head

SENSITIVE = """
[[routes]]
address = "shop.localhost:8080"
path = "/gifts"
zone = "shop"
upstream = "commerce"
step_up = [
    { methods = ["POST"], path = "/gifts/*/cancel", acr = 2, max_age = 300 },
    { methods = ["POST", "PUT"], acr = 2 },
]
[[routes]]
address = "shop.localhost:8080"
path = "/fresh"
zone = "shop"
upstream = "commerce"
step_up = { methods = ["POST"], max_age = 300 }
"""
FORM = (
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-dest", b"document"),
    (b"content-type", b"application/x-www-form-urlencoded"),
)


@pytest.fixture
async def shop(rig: Rig, settings, tmp_path) -> Rig:
    path = tmp_path / "sensitive.toml"
    path.write_text(ROUTES + SENSITIVE)
    rig.pipeline.use_table(load_route_table(path, runtime=settings.runtime, port=8080))
    await rig.project()
    return rig


async def ask(rig: Rig, path: str, method: str = "POST", headers=(), **token) -> Verdict:
    return await rig.ask(head(path, method=method, headers=[bearer(rig.token(**token)), *headers]))


TWO = "urn:munjigi:acr:2"


async def test_a_route_asks_for_what_policy_does_not(shop: Rig) -> None:
    assert isinstance(await ask(shop, "/gifts", "GET"), Forward)
    refused = await ask(shop, "/gifts")
    assert isinstance(refused, Answer)
    assert refused.status == 401
    challenge = dict(refused.headers)[b"www-authenticate"]
    assert b'error="insufficient_user_authentication"' in challenge
    assert b'acr_values="urn:munjigi:acr:2"' in challenge
    assert b"max_age" not in challenge
    problem = msgspec.json.decode(refused.body)
    assert (problem["code"], problem["reasons"]) == ("MJ-GATEWAY-215", ["assurance_too_low"])
    assert isinstance(await ask(shop, "/gifts", acr=TWO), Forward)


async def test_several_demands_on_one_request_join(shop: Rig) -> None:
    old = shop.clock.timestamp() - 301
    refused = await ask(shop, "/gifts/7/cancel", auth_time=old)
    assert isinstance(refused, Answer)
    challenge = dict(refused.headers)[b"www-authenticate"]
    assert b'acr_values="urn:munjigi:acr:2"' in challenge
    assert b'max_age="300"' in challenge
    assert isinstance(await ask(shop, "/gifts/7/cancel", auth_time=old + 1, acr=TWO), Forward)
    assert isinstance(await ask(shop, "/gifts/7/cancel", auth_time=old, acr=TWO), Answer)
    assert isinstance(await ask(shop, "/gifts/7", auth_time=old, acr=TWO), Forward)


async def test_a_decision_that_stands_is_not_taken_for_fresh(shop: Rig) -> None:
    """Policy's allow stands for as long as nothing changes; the route's demand is looked at each time."""
    request = head("/fresh", method="POST", headers=[bearer(shop.token(lifetime=900))])
    assert isinstance(await shop.ask(request), Forward)
    shop.clock.advance(300)
    shop.beat()
    assert isinstance(await shop.ask(request), Forward)
    shop.clock.advance(1)
    shop.beat()
    assert isinstance(await shop.ask(request), Answer)


async def test_what_policy_denies_no_sign_in_opens(shop: Rig) -> None:
    refused = await ask(shop, "/gifts", roles=["nobody"])
    assert isinstance(refused, Answer)
    assert refused.status == 403


async def test_it_is_recorded_as_what_it_was(shop: Rig) -> None:
    await ask(shop, "/gifts")
    assert shop.heard.records[-1]["effect"] == "step_up"
    await ask(shop, "/gifts", acr=TWO)
    assert shop.heard.records[-1]["effect"] == "allow"


async def test_another_sites_form_is_refused_before_anybody_is_asked(shop: Rig) -> None:
    cookie = (b"cookie", await shop.cookie())
    foreign = [cookie, (b"sec-fetch-site", b"cross-site"), *FORM[1:]]
    refused = await shop.ask(head("/gifts", method="POST", headers=foreign))
    assert isinstance(refused, Answer)
    assert (refused.status, b"MJ-GATEWAY-204" in refused.body) == (403, True)


async def test_a_page_that_is_only_read_is_left_for_the_sign_in(shop: Rig, settings, tmp_path) -> None:
    path = tmp_path / "read.toml"
    path.write_text((ROUTES + SENSITIVE).replace('["POST"], max_age', '["GET"], max_age'))
    shop.pipeline.use_table(load_route_table(path, runtime=settings.runtime, port=8080))
    cookie = (b"cookie", await shop.cookie(auth_time=shop.clock.timestamp() - 301))
    answer = await shop.ask(head("/fresh", query="a=1", headers=[cookie, *NAVIGATION]))
    assert isinstance(answer, Answer)
    assert dict(answer.headers)[b"location"] == b"/.munjigi/sign-in?return_to=%2Ffresh%3Fa%3D1&max_age=298"


def test_sensitive_routes_are_told_to_scripts(shop: Rig) -> None:
    now = shop.clock.timestamp()
    caller = shop.tokens.verify(shop.token(auth_time=now - 600, acr=TWO).encode(), now, "")
    assert sensitive_routes(shop.pipeline.table, "shop.localhost:8080", caller, now) == [
        {"path": "/gifts/*/cancel", "methods": ["POST"], "acr_values": TWO, "max_age": 300, "met": False},
        {"path": "/gifts", "methods": ["POST", "PUT"], "acr_values": TWO, "max_age": None, "met": True},
        {"path": "/fresh", "methods": ["POST"], "acr_values": "urn:munjigi:acr:1", "max_age": 300, "met": False},
    ]
    assert sensitive_routes(shop.pipeline.table, "console.localhost:8080", caller, now) == []
    assert not any(one["met"] for one in sensitive_routes(shop.pipeline.table, "shop.localhost:8080", None, now))


@pytest.mark.parametrize(
    "entry",
    [
        "step_up = { methods = [], acr = 2 }",
        'step_up = { methods = ["BREW"], acr = 2 }',
        'step_up = { methods = ["POST"], acr = 4 }',
        'step_up = { methods = ["POST"], max_age = 1 }',
        'step_up = { methods = ["POST"], path = "/elsewhere" }',
        'step_up = { methods = ["POST"], path = "/giftsx" }',
        'step_up = { methods = ["POST"], path = "/gifts/**" }',
        'step_up = { methods = ["POST"], when = "always" }',
    ],
)
def test_a_wrong_demand_is_refused(settings, tmp_path, entry: str) -> None:
    path = tmp_path / "wrong.toml"
    route = SENSITIVE.split("step_up")[0]
    path.write_text(ROUTES + route + entry)
    with pytest.raises(RouteTableError):
        load_route_table(path, runtime=settings.runtime, port=8080)


# --- the page that keeps the form


async def nobody_else(scope, receive, send) -> None:
    raise AssertionError("not the step-up's")


async def page_for(rig: Rig, request: RequestHead, body: bytes, **headers: str) -> httpx2.Response:
    """What the browser gets that sent a form."""
    verdict = await rig.ask(request)
    assert isinstance(verdict, OwnPage)
    pages = StepUpPages(nobody_else)

    async def app(scope, receive, send) -> None:
        scope["state"] = verdict.state
        await pages(scope, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://shop.localhost:8080") as c:
        return await c.post("/gifts/7/cancel", content=body, headers=headers)


async def sent(rig: Rig, body: bytes, kind: str = "application/x-www-form-urlencoded", **headers: str):
    cookie = (b"cookie", await rig.cookie(secret=rig.entropy.token()))
    request = head("/gifts/7/cancel", method="POST", query="from=list", headers=[cookie, *FORM])
    return await page_for(rig, request, body, **{"Content-Type": kind, **headers})


def fields(page: str) -> list[tuple[str, str]]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return [(html.unescape(name), html.unescape(value)) for name, value in found]


async def test_the_form_is_kept_in_the_page_as_it_was_sent(shop: Rig) -> None:
    page = await sent(shop, b"reason=%22%3E%3Cscript%3E&reason=b&requestSubmit=1&form_token=t")
    assert page.status_code == 401
    assert fields(page.text) == [
        ("reason", '"><script>'),
        ("reason", "b"),
        ("requestSubmit", "1"),
        ("form_token", "t"),
    ]
    assert (
        '<form method="post" action="/gifts/7/cancel?from=list" enctype="application/x-www-form-urlencoded"'
        in page.text
    )
    assert "<script>" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert 'error="insufficient_user_authentication"' in page.headers["www-authenticate"]


async def test_it_leads_to_a_sign_in_of_that_strength_in_another_tab(shop: Rig) -> None:
    page = await sent(shop, b"")
    (link,) = re.findall(r'href="(/\.munjigi/sign-in[^"]*)" target="_blank"', page.text)
    asked = parse_qs(urlsplit(html.unescape(link)).query)
    assert asked == {"acr_values": [TWO], "return_to": ["/.munjigi/done"]}


async def test_parts_without_files_are_kept_and_an_empty_choice_too(shop: Rig) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--x\r\nContent-Disposition: form-data; name="f"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    )
    page = await sent(shop, body, "multipart/form-data; boundary=x")
    assert 'enctype="multipart/form-data"' in page.text
    assert fields(page.text) == [("a", "1")]
    assert '<input type="file" name="f" hidden>' in page.text


@pytest.mark.parametrize(
    ("body", "kind"), [(b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded"), (b"a", "a/b")]
)
async def test_what_cannot_be_kept_is_said_kindly(shop: Rig, body: bytes, kind: str) -> None:
    page = await sent(shop, body, kind, **{"Accept-Language": "en"})
    assert page.status_code == 401
    assert "<form" not in page.text
    assert "go back and send it again" in page.text


async def test_both_languages(shop: Rig) -> None:
    assert "이어서 하기" in (await sent(shop, b"a=b", **{"Accept-Language": "ko"})).text
    assert "Go on" in (await sent(shop, b"a=b", **{"Accept-Language": "en"})).text


async def test_the_page_works_without_its_script_and_loads_it_from_here(shop: Rig) -> None:
    page = await sent(shop, b"a=b")
    (script,) = re.findall(r'src="(/\.munjigi/step-up/assets/step_up\.js[^"]*)"', page.text)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=with_state(StepUpPages(nobody_else))), base_url="http://shop.localhost:8080"
    ) as client:
        answer = await client.get(script)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")


def with_state(app):
    async def called(scope, receive, send) -> None:
        scope["state"] = {"correlation_id": "corr-1", "authority": "shop.localhost:8080"}
        await app(scope, receive, send)

    return called


async def test_a_zone_and_a_route_may_ask_for_a_key_that_stays_in_its_device(shop: Rig, settings, tmp_path) -> None:
    three = "urn:munjigi:acr:3"
    zones = tuple(replace(zone, assurance=3) if zone.name == "shop" else zone for zone in POLICY.zones)
    shop.judge.snapshot = compile_policy(replace(POLICY, zones=zones), 2)
    for less in ({}, {"acr": TWO}):
        refused = await ask(shop, "/products", "GET", **less)
        assert isinstance(refused, Answer)
        assert b'acr_values="urn:munjigi:acr:3"' in dict(refused.headers)[b"www-authenticate"]
    assert isinstance(await ask(shop, "/products", "GET", acr=three), Forward)
    assert isinstance(await ask(shop, "/gifts", acr=three), Forward), "more than a route's two factors is enough"
    shop.judge.snapshot = compile_policy(POLICY, 3)
    path = tmp_path / "hardware.toml"
    path.write_text(
        ROUTES + SENSITIVE.replace('{ methods = ["POST", "PUT"], acr = 2 }', '{ methods = ["PUT"], acr = 3 }')
    )
    shop.pipeline.use_table(load_route_table(path, runtime=settings.runtime, port=8080))
    refused = await ask(shop, "/gifts", "PUT", acr=TWO)
    assert isinstance(refused, Answer)
    assert b'acr_values="urn:munjigi:acr:3"' in dict(refused.headers)[b"www-authenticate"]
    assert isinstance(await ask(shop, "/gifts", "PUT", acr=three), Forward)


@pytest.mark.parametrize(("acr", "asked"), [("urn:munjigi:acr:1", True), (TWO, False), ("urn:munjigi:acr:3", False)])
def test_behind_the_gateway_more_than_two_factors_is_two(acr: str, asked: bool) -> None:
    who = Subject(sid="s" * 22, sub="u", org="o", roles=(), acr=acr, auth_time=100.0)
    assert (fresh(who, 130.0) is not None) is asked
