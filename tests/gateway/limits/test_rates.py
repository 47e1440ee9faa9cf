"""Rates as a route declares them, on the whole pipeline with real engines."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from config.connections import Valkey
from config.settings import Settings
from gateway.exchange import Answer, Forward, OwnPage, Verdict
from gateway.limits.limiting import Limiting
from gateway.limits.overload import Priority
from gateway.limits.rate import Per
from gateway.limits.refusal import PAGES_A_SECOND
from gateway.routes.route_file import RouteTableError, load_route_table
from gateway.routes.route_table import RouteTable
from policy.artefact import Rule, RuleEffect
from policy.snapshot import compile_policy
from tests.clock import FakeClock
from tests.gateway.rig import NAVIGATION, POLICY, ROUTES, Rig, bearer, head

PERSON = '{ per = "person", requests = 10, seconds = 10, burst = 3 }'
ADDRESS = '{ per = "address", requests = 10, seconds = 10, burst = 3 }'
CLIENT = '{ per = "client", requests = 10, seconds = 10, burst = 3 }'
ROUTE = '{ per = "route", requests = 10, seconds = 10, burst = 3 }'


def table(folder: Path, *rates: str, zone: bool = True, more: str = "") -> RouteTable:
    """Rates of the zone `shop`, or of its route `/` alone."""
    declared = f"rates = [{', '.join(rates)}]{more}"
    file = folder / "limited.toml"
    if zone:
        file.write_text(ROUTES.replace("expired_tokens = 900", f"expired_tokens = 900\n{declared}", 1))
    else:
        file.write_text(ROUTES.replace('path = "/"', f'path = "/"\n{declared}', 1))
    return load_route_table(file, runtime=folder, port=8080)


def status(verdict: Verdict) -> int:
    if isinstance(verdict, Forward):
        return 200
    assert isinstance(verdict, Answer)
    return verdict.status


async def statuses(rig: Rig, count: int, path: str = "/products", **more: object) -> list[int]:
    return [status(await rig.ask(head(path, **more))) for _ in range(count)]  # type: ignore[arg-type] # of head


async def test_a_person_is_counted_over_all_their_tokens_and_others_are_not_touched(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, PERSON))
    await rig.project()
    await rig.project("session-2")
    mine, mine_too = [bearer(rig.token())], [bearer(rig.token())]
    theirs = [bearer(rig.token(sid="session-2", sub="lee"))]
    assert await statuses(rig, 2, headers=mine) == [200, 200]
    assert await statuses(rig, 2, headers=mine_too) == [200, 429]
    assert await statuses(rig, 1, path="/acts", headers=mine) == [429], "the zone's routes share it"
    assert await statuses(rig, 3, headers=theirs) == [200] * 3
    rig.clock.advance(1)
    assert await statuses(rig, 2, headers=mine) == [200, 429]


async def test_the_answer_says_what_the_rate_is_and_when_to_come_again(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, '{ per = "person", requests = 1, seconds = 30 }'))
    await rig.project()
    headers = [bearer(rig.token())]
    await rig.ask(head("/products", headers=headers))
    rig.clock.advance(3.5)
    refused = await rig.ask(head("/products", headers=headers))
    assert isinstance(refused, Answer)
    fields = dict(refused.headers)
    assert len(fields) == len(refused.headers)
    assert (refused.status, fields[b"retry-after"]) == (429, b"27")
    assert fields[b"ratelimit-policy"] == b'"person";q=1;w=30'
    assert fields[b"ratelimit"] == b'"person";r=0;t=27'
    assert (fields[b"content-type"], fields[b"cache-control"]) == (b"application/problem+json", b"no-store")
    document = msgspec.json.decode(refused.body)
    assert (document["code"], document["correlation_id"]) == ("MJ-GATEWAY-150", "corr-1")
    rig.clock.advance(26.6)
    assert status(await rig.ask(head("/products", headers=headers))) == 200


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_a_person_gets_a_page_that_says_so(rig: Rig, tmp_path: Path, language: str) -> None:
    rig.pipeline.use_table(table(tmp_path, '{ per = "person", requests = 1, seconds = 30 }'))
    await rig.project()
    cookie = await rig.cookie()
    asked = head("/products", headers=[(b"cookie", cookie), *NAVIGATION])
    assert isinstance(await rig.ask(asked), Forward)
    page = await rig.ask(asked)
    assert isinstance(page, OwnPage)
    rig_pages = rig.pages

    async def with_state(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
        scope["state"] = dict(page.state)
        await rig_pages(scope, receive, send)  # type: ignore[arg-type]

    async with rig.browser() as browser:
        browser._transport.app = with_state  # type: ignore[attr-defined]
        answer = await browser.get("/products", headers={"accept": "text/html", "accept-language": language})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.headers["ratelimit"] == '"person";r=0;t=30'
    assert {"ko": "한꺼번에 너무 많이", "en": "More requests came"}[language] in answer.text


async def test_pages_are_bounded_too_so_that_a_flood_of_navigations_stays_cheap(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, ADDRESS))
    verdicts = [rig.pipeline(head("/products", headers=NAVIGATION)) for _ in range(500)]
    pages = [verdict for verdict in verdicts if isinstance(verdict, OwnPage)]
    short = [verdict for verdict in verdicts if isinstance(verdict, Answer) and verdict.status == 429]
    assert (len(pages), len(short)) == (PAGES_A_SECOND, 500 - PAGES_A_SECOND - 3)


async def test_addresses_are_counted_before_credentials_and_by_subscriber(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, ADDRESS))
    wrong = [bearer("not.a.token")]
    assert await statuses(rig, 4, headers=wrong, client="192.0.2.1") == [401] * 3 + [429]
    assert await statuses(rig, 1, headers=wrong, client="192.0.2.2") == [401]
    addresses = [f"2001:db8:1:2::{number}" for number in range(4)]
    assert [(await statuses(rig, 1, client=address))[0] for address in addresses] == [401] * 3 + [429]
    assert await statuses(rig, 1, client="2001:db8:1:3::1") == [401], "another /64"
    assert rig.heard.records == [], "nothing of it was a decision"
    refused = {guard.rate.per: guard.refused for guard in rig.limiting.rates.guards()}
    assert refused == {Per.ADDRESS: 2}


async def test_clients_are_counted_by_the_tokens_that_they_got_and_browsers_are_none(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, CLIENT))
    await rig.project()
    token = [bearer(rig.token(client_id="ledger"))]
    assert await statuses(rig, 4, headers=token) == [200] * 3 + [429]
    assert await statuses(rig, 1, headers=[bearer(rig.token(client_id="other"))]) == [200]
    cookie = [(b"cookie", await rig.cookie())]
    assert await statuses(rig, 5, headers=cookie) == [200] * 5


async def test_a_route_is_counted_for_everybody_and_each_route_of_a_zone_by_itself(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, ROUTE))
    await rig.project()
    await rig.project("session-2")
    mine, theirs = [bearer(rig.token())], [bearer(rig.token(sid="session-2", sub="lee"))]
    assert await statuses(rig, 2, headers=mine) == [200] * 2
    assert await statuses(rig, 2, headers=theirs) == [200, 429]
    assert await statuses(rig, 1, path="/acts", headers=theirs) == [200]


async def test_what_is_denied_uses_up_nobodys_share(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, ROUTE, PERSON))
    await rig.project()
    headers = [bearer(rig.token())]
    assert await statuses(rig, 9, path="/closed", headers=headers) == [403] * 9
    assert await statuses(rig, 4, headers=headers) == [200] * 3 + [429]


async def test_what_one_rate_refuses_is_taken_of_no_other(rig: Rig, tmp_path: Path) -> None:
    narrow = '{ per = "client", requests = 1, seconds = 10 }'
    rig.pipeline.use_table(table(tmp_path, PERSON, narrow))
    await rig.project()
    one, other = [bearer(rig.token(client_id="a"))], [bearer(rig.token(client_id="b"))]
    assert await statuses(rig, 5, headers=one) == [200] + [429] * 4
    assert await statuses(rig, 1, headers=other) == [200]


async def test_the_record_of_the_decision_names_the_rate(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, PERSON))
    await rig.project()
    assert await statuses(rig, 4, headers=[bearer(rig.token())]) == [200] * 3 + [429]
    assert [record.get("limited") for record in rig.heard.records] == [None] * 3 + ["person of zone shop"]
    assert rig.heard.records[-1]["effect"] == "allow"


async def test_rates_of_a_route_are_its_alone_and_a_zones_come_on_top(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, PERSON, zone=False))
    await rig.project()
    headers = [bearer(rig.token())]
    assert await statuses(rig, 4, headers=headers) == [200] * 3 + [429]
    assert await statuses(rig, 5, path="/acts", headers=headers) == [200] * 5


async def test_what_policy_obliges_to_is_counted(rig: Rig) -> None:
    rules = (
        Rule("few", 5, "customer", "shop", "/few", RuleEffect.ALLOW, obligations=("limit:2",)),
        Rule("wrong", 6, "customer", "shop", "/wrong", RuleEffect.ALLOW, obligations=("limit:many",)),
    )
    rig.judge.snapshot = compile_policy(msgspec.structs.replace(POLICY, rules=(*rules, *POLICY.rules)), 2)
    await rig.project()
    headers = [bearer(rig.token())]
    assert await statuses(rig, 3, path="/few", headers=headers) == [200, 200, 429]
    assert rig.heard.records[-1]["limited"] == "person of policy limit:2 in shop"
    rig.clock.advance(30)
    assert await statuses(rig, 2, path="/few", headers=headers) == [200, 429]
    assert await statuses(rig, 1, path="/wrong", headers=headers) == [429], "what cannot be counted does not pass"
    assert await statuses(rig, 5, headers=headers) == [200] * 5


async def test_counts_outlive_a_reload_that_declares_the_same(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, PERSON))
    await rig.project()
    headers = [bearer(rig.token())]
    assert await statuses(rig, 4, headers=headers) == [200] * 3 + [429]
    rig.pipeline.use_table(table(tmp_path, PERSON, CLIENT))
    assert await statuses(rig, 1, headers=headers) == [429]
    rig.pipeline.use_table(rig.table)
    assert await statuses(rig, 5, headers=headers) == [200] * 5


async def test_two_gateways_count_together(
    rig: Rig, settings: Settings, valkey: Valkey, clock: FakeClock, tmp_path: Path
) -> None:
    slow = '{ per = "person", requests = 10, seconds = 36000, burst = 3 }'
    (tmp_path / "other").mkdir()
    other = Rig(settings, rig.database, valkey, clock, tmp_path / "other")
    await rig.project()
    for gateway in (rig, other):
        gateway.pipeline.use_table(table(tmp_path, slow))
    assert await statuses(rig, 4, headers=[bearer(rig.token())]) == [200] * 3 + [429]
    await rig.limiting.settle()
    token = [bearer(other.token())]
    assert await statuses(other, 1, headers=token) == [200]
    await other.limiting.settle()
    assert await statuses(other, 1, headers=token) == [429]
    await other.http.aclose()


async def test_own_pages_are_neither_counted_nor_shed(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, ADDRESS, more='\npriority = "low"', zone=False))
    overload(rig.limiting)
    for path in ("/.munjigi/session", "/.munjigi/sign-out"):
        assert all(isinstance(rig.pipeline(head(path)), OwnPage) for _ in range(50))


def overload(limiting: Limiting) -> None:
    """A queue that stands, until none but the highest priority gets in."""
    limiting.overload.use(Priority)
    now = 1000.0
    for _ in range(100):
        now += 0.1
        limiting.waited(0.2, now)
        limiting.overload.turns_away(Priority.LOW)


async def test_what_is_too_much_is_shed_before_anything_else_is_done(rig: Rig) -> None:
    overload(rig.limiting)
    verdicts = [rig.pipeline(head("/products", headers=[bearer("no token")])) for _ in range(9)]
    assert {status(verdict) for verdict in verdicts} == {503}  # type: ignore[arg-type] # nothing is awaited
    shed = verdicts[-1]
    assert isinstance(shed, Answer)
    assert msgspec.json.decode(shed.body)["code"] == "MJ-GATEWAY-152"
    assert [name for name, _ in shed.headers].count(b"retry-after") == 1
    waits = {dict(verdict.headers)[b"retry-after"] for verdict in verdicts if isinstance(verdict, Answer)}
    assert waits == {b"1", b"2", b"3"}, "they do not all come again at once"
    assert rig.heard.records == []


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ('{ per = "people", requests = 1, seconds = 1 }', "people"),
        ('{ per = "person", requests = 0, seconds = 1 }', r"zones\.shop\.rates\.requests"),
        ('{ per = "person", requests = 1000000, seconds = 1 }', r"zones\.shop\.rates\.requests"),
        ('{ per = "person", requests = 1, seconds = 0 }', r"zones\.shop\.rates\.seconds"),
        ('{ per = "person", requests = 1, seconds = 90000 }', r"zones\.shop\.rates\.seconds"),
        ('{ per = "person", requests = 1, seconds = 1, burst = 0 }', r"zones\.shop\.rates\.burst"),
        ('{ per = "person", requests = 1, seconds = 1, bursts = 1 }', "bursts"),
        (f"{PERSON}, {PERSON}", "stands there twice"),
    ],
)
def test_a_wrong_rate_is_named(tmp_path: Path, declared: str, says: str) -> None:
    with pytest.raises(RouteTableError, match=says):
        table(tmp_path, declared)


def test_a_wrong_priority_is_named(tmp_path: Path) -> None:
    with pytest.raises(RouteTableError, match="urgent"):
        table(tmp_path, more='\npriority = "urgent"', zone=False)
