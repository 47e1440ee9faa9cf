"""What stands above the policy, at the gateway: who is let in by it, what upstreams and the record are told, what lives
on, and what happens where it cannot be read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import OperationalError

from config.connections import Database, Transaction
from config.sections.engines import Role
from gateway.decision.overlay_metrics import OverlayMetrics
from gateway.decision.threat_feeds import ThreatFeeds
from gateway.exchange import Forward
from gateway.news import News
from policy.artefact import Rule, RuleEffect
from policy.overlay.live import TRY_AGAIN, LiveOverlay
from policy.overlay.measure import Kind, Measure, Target
from policy.overlay.overlay import UNKNOWN, Granted, Overlay
from policy.request import Elevated, MeasureEffect
from policy.snapshot import compile_policy
from tests.clock import FakeClock
from tests.gateway.rig import POLICY, Rig, bearer, head
from tests.gateway.test_live_connections import ORIGIN, opened, websocket
from tests.gateway.test_pipeline import problem

BOOKS = Rule("books", 5, "auditor", "reservation", "/reservations/**", RuleEffect.ALLOW)


def granted(rig: Rig, role: str = "auditor", seconds: float = 60) -> Granted:
    return Granted("kim", "", Elevated("e-1", role, rig.clock.timestamp() + seconds))


def measure(rig: Rig, kind: Kind, value: str, effect: MeasureEffect = MeasureEffect.DENY, **more: Any) -> Measure:
    now = datetime.fromtimestamp(rig.clock.timestamp(), UTC)
    return Measure(
        id="m-1", target=Target(kind, value), effect=effect, why="", by="", at=now, until=now + timedelta(60), **more
    )


def only_for_auditors(rig: Rig) -> None:
    """The reservations are an auditor's alone."""
    rules = (BOOKS, *(rule for rule in POLICY.rules if rule.id != "reserve"))
    roles = (*POLICY.roles, "auditor")
    rig.judge.snapshot = compile_policy(msgspec.structs.replace(POLICY, rules=rules, roles=roles), 2)


async def test_an_elevation_lets_in_is_told_to_the_upstream_and_stands_in_the_record(rig: Rig) -> None:
    await rig.project()
    only_for_auditors(rig)
    token = bearer(rig.token())
    assert problem(await rig.ask(head("/reservations/7", headers=[token])))[0] == 403
    rig.judge.overlay = Overlay((granted(rig),))
    verdict = await rig.ask(head("/reservations/7", headers=[token]))
    assert isinstance(verdict, Forward)
    said = dict(verdict.add)[b"munjigi-assertion"].decode().split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    assert claims["roles"] == ["auditor", "customer"]
    held = rig.heard.records[-1]["elevations"]
    assert isinstance(held, list)
    assert (held[0]["id"], held[0]["role"]) == ("e-1", "auditor")
    rig.clock.advance(60)
    rig.beat()
    assert problem(await rig.ask(head("/reservations/7", headers=[token])))[0] == 403, "by itself, without any event"
    assert "elevations" not in rig.heard.records[-1]


async def test_a_measure_counts_for_the_very_next_request_and_no_longer_than_it_stands(rig: Rig) -> None:
    await rig.project()
    token = bearer(rig.token())
    for _ in range(2):
        assert isinstance(await rig.ask(head("/products", headers=[token])), Forward)
        rig.judge.overlay = Overlay((), (measure(rig, Kind.PERSON, "kim"),))
        refused = await rig.ask(head("/products", headers=[token]))
        assert problem(refused) == (403, "MJ-GATEWAY-216")
        assert rig.heard.records[-1]["reasons"] == ["measure_denies"]
        named = rig.heard.records[-1]["measures"]
        assert isinstance(named, list)
        assert named[0]["id"] == "m-1"
        rig.judge.overlay = Overlay()


async def test_live_connections_are_decided_again(rig: Rig) -> None:
    connection = await websocket(rig)
    rig.judge.overlay = Overlay((), (measure(rig, Kind.ADDRESS, "192.0.2.0/24"),))
    await rig.live_check.look()
    assert connection.reasons == []
    rig.judge.overlay = Overlay((), (measure(rig, Kind.DEVICE, "d-1"),))
    await rig.live_check.look()
    assert connection.reasons == ["no_longer_allowed"]


async def test_what_was_told_of_a_role_ends_with_it_and_another_role_ends_nothing(rig: Rig) -> None:
    await rig.project()
    cookie = (b"cookie", await rig.cookie())
    request = head("/reservations/live", headers=[cookie, ORIGIN], upgrade=True)
    connection = await opened(rig, request)
    rig.judge.overlay = Overlay((granted(rig),))
    await rig.live_check.look()
    assert connection.reasons == [], "a role more takes nothing away"
    elevated = await opened(rig, request)
    rig.clock.advance(60)
    rig.beat()
    await rig.live_check.look()
    assert (connection.reasons, elevated.reasons) == ([], ["decided_anew"])


async def test_feeds_change_the_facts_of_who_is_here_already(rig: Rig) -> None:
    from policy.overlay.threat_feed import read

    await rig.project()
    rule = Rule("listed", 1, "*", "*", "/**", RuleEffect.DENY, condition="threat")
    rig.judge.snapshot = compile_policy(msgspec.structs.replace(POLICY, rules=(rule, *POLICY.rules)), 2)
    token = bearer(rig.token())
    rig.judge.use_feeds({"drop": read(b"192.0.2.0/24\n")})
    assert isinstance(await rig.ask(head("/products", headers=[token])), Forward)
    rig.judge.use_feeds({"drop": read(b"127.0.0.1\n")})
    assert problem(await rig.ask(head("/products", headers=[token])))[0] == 403
    assert rig.heard.records[-1]["threats"] == ["drop"]
    rig.judge.use_feeds({"drop": None})
    assert problem(await rig.ask(head("/products", headers=[token])))[0] == 403, "unknown never helps"


async def test_until_it_was_read_everything_is_denied(rig: Rig) -> None:
    await rig.project()
    rig.judge.overlay = UNKNOWN
    for request in (head("/products", headers=[bearer(rig.token())]), head("/assets/a.css")):
        assert problem(await rig.ask(request))[0] == 403
        assert rig.heard.records[-1]["reasons"] == ["measures_unknown"]


class Kept:
    """A store that answers as it is told to."""

    def __init__(self) -> None:
        self.number = 0
        self.there = True
        self.measured: list[Measure] = []

    async def mark(self, _tx: Transaction, _now: datetime) -> tuple[int, ...]:
        if not self.there:
            raise OperationalError("", {}, OSError())
        return (self.number,)

    async def granted(self, _tx: Transaction, _now: datetime) -> Sequence[Granted]:
        return ()

    async def measures(self, _tx: Transaction, _now: datetime) -> Sequence[Measure]:
        return self.measured


async def test_one_that_cannot_be_read_anew_goes_on_and_says_so(
    rig: Rig, database: Callable[[Role], Database], clock: FakeClock
) -> None:
    store, taken = Kept(), []
    store.there = False
    live = LiveOverlay(database("gateway"), store, clock, operator="", taken_up=taken.append)
    metrics = OverlayMetrics(live, ThreatFeeds({}, age=1, clock=clock, use=lambda lists: None))
    assert await live.refresh() == TRY_AGAIN
    assert (live.overlay, taken) == (UNKNOWN, [])
    assert msgspec.json.decode(metrics.document())["known"] is False
    store.there, store.measured = True, [measure(rig, Kind.PERSON, "kim")]
    await live.refresh()
    assert taken == [live.overlay]
    store.there = False
    clock.advance(30)
    assert await live.refresh() == TRY_AGAIN
    assert live.overlay is taken[-1]
    told = msgspec.json.decode(metrics.document())
    assert (told["known"], told["stale"], told["age"], told["measures"]) == (True, True, 30.0, 1)
    values = {family.name: [sample.value for sample in family.samples] for family in metrics.collect()}
    assert values["munjigi_overlay_age_seconds"] == [30.0]
    assert values["munjigi_overlay_entries"] == [0.0, 1.0]
    store.there = True
    await live.refresh()
    assert len(taken) == 1, "nothing else is in force"
    store.number = 1
    await live.refresh()
    assert len(taken) == 2


@pytest.mark.parametrize("topic", ["elevation", "measure"])
def test_its_events_are_heard(rig: Rig, topic: str) -> None:
    heard: list[str] = []
    news = News(
        sessions=rig.sessions,
        policy_changed=lambda: None,
        overlay_changed=lambda: heard.append("overlay"),
        keys_changed=lambda purpose, published: None,
        resources_changed=lambda: None,
        attempted=lambda payload: None,
    )
    news.event(topic, {"state": "stands"})
    news.reset()
    assert heard == ["overlay", "overlay"]
