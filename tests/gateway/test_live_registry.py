"""Live connections are found by whatever may change, and many of them are asked without holding up anybody (S5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from gateway.decision.live_check import AT_A_TIME, SLICE
from gateway.decision.live_connections import By
from gateway.exchange import Forward
from gateway.metrics import GatewayMetrics
from gateway.routes.route_file import load_route_table
from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.snapshot import compile_policy
from tests.events.listening import until
from tests.gateway.rig import POLICY, ROUTES, Rig, bearer, head
from tests.gateway.test_live_connections import Connection, opened


async def of_session(rig: Rig, sid: str, path: str = "/products", **claims: object) -> Connection:
    await rig.project(sid)
    return await opened(rig, head(path, headers=[bearer(rig.token(sid=sid, **claims))]))


def closed_to(zone: str) -> Policy:
    """As before, but for one zone that lets nobody in."""
    return Policy(roles=POLICY.roles, zones=POLICY.zones, rules=tuple(r for r in POLICY.rules if r.zone != zone))


async def test_each_is_found_by_session_user_device_organisation_and_zone(rig: Rig) -> None:
    device = {"id": "d-kim", "trust": "known"}
    kim = await of_session(rig, "kims", sub="kim", device=device, org="o-1")
    lee = await of_session(rig, "lees", "/reservations", sub="lee", device={"id": "d-lee", "trust": "known"}, org="o-1")
    nobody = await opened(rig, head("/assets/film.mp4"))
    live = rig.live
    found = {
        (By.SESSION, "kims"): {kim},
        (By.USER, "kim"): {kim},
        (By.DEVICE, "d-lee"): {lee},
        (By.ORGANISATION, "o-1"): {kim, lee},
        (By.ZONE, "shop"): {kim, nobody},
        (By.ZONE, "reservation"): {lee},
        (By.USER, ""): set(),
    }
    assert {key: set(live.of(*key)) for key in found} == found
    rig.live_check.closed(lee)
    assert [set(live.of(by, key)) for by, key in ((By.DEVICE, "d-lee"), (By.ORGANISATION, "o-1"))] == [set(), {kim}]
    assert list(live.by_zone()) == ["shop"]


async def test_zones_whose_rules_changed_are_asked_first(rig: Rig) -> None:
    shop = await of_session(rig, "one")
    reservation = await of_session(rig, "two", "/reservations")
    former, fresh = rig.judge.snapshot, compile_policy(closed_to("reservation"), 2)
    assert fresh.changed_zones(former) == {"reservation"}
    assert list(rig.live.all(fresh.changed_zones(former))) == [reservation, shop]
    rig.judge.snapshot = fresh
    rig.live_check.policy_changed(fresh, former)
    assert rig.live_check.again.is_set()
    await rig.live_check.look()
    assert (shop.reasons, reservation.reasons) == ([], ["no_longer_allowed"])


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (Policy(roles=POLICY.roles, zones=POLICY.zones, rules=tuple(reversed(POLICY.rules))), set()),
        (closed_to("shop"), {"shop"}),
        (
            Policy(roles=POLICY.roles, zones=(*POLICY.zones[:2], Zone("admin", assurance=1)), rules=POLICY.rules),
            {"admin"},
        ),
        (
            Policy(
                roles=POLICY.roles,
                zones=POLICY.zones,
                rules=(*POLICY.rules, Rule("all", 1, "customer", "*", "/x", RuleEffect.DENY)),
            ),
            {"shop", "reservation", "admin"},
        ),
    ],
    ids=["the same", "a rule", "a demand", "a rule for all"],
)
def test_what_a_version_changed(after: Policy, changed: set[str]) -> None:
    assert compile_policy(after, 2).changed_zones(compile_policy(POLICY, 1)) == changed


@dataclass
class Ticking:
    """A clock on which every look at the monotonic time costs half a slice."""

    rig: Rig
    passed: float = 0.0
    turns: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        self.passed += SLICE / 2
        return self.rig.clock.monotonic() + self.passed

    def timestamp(self) -> float:
        return self.rig.clock.timestamp()


async def test_many_are_asked_in_slices_and_the_loop_is_not_held(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.project()
    verdict = await rig.ask(head("/products", headers=[bearer(rig.token())]))
    assert isinstance(verdict, Forward)
    assert verdict.opened is not None
    connections = [Connection() for _ in range(20 * AT_A_TIME)]
    for connection in connections:
        verdict.opened(connection)
    rig.judge.snapshot = compile_policy(closed_to("shop"), 2)
    monkeypatch.setattr(rig.live_check, "_clock", Ticking(rig))
    monkeypatch.setattr(rig.live_check, "_lapsed", lambda: None)
    looking = asyncio.ensure_future(rig.live_check.look())
    open_at_each_turn = []
    while not looking.done():
        open_at_each_turn.append(len(rig.live))
        await asyncio.sleep(0)
    steps = [before - after for before, after in pairwise(open_at_each_turn)]
    assert max(steps) <= 2 * AT_A_TIME
    assert all(connection.reasons == ["no_longer_allowed"] for connection in connections)


async def test_one_whose_session_nobody_knows_does_not_hold_up_the_others(rig: Rig) -> None:
    lost = await of_session(rig, "lost")
    known = await of_session(rig, "known")
    del rig.sessions.cache.live["lost"]
    await rig.valkey.flushall()  # the projection knows nothing of it either, and is asked for a second
    rig.judge.snapshot = compile_policy(closed_to("shop"), 2)
    looking = asyncio.ensure_future(rig.live_check.look())
    await until(lambda: bool(known.reasons))
    assert lost.reasons == []
    await looking
    assert lost.reasons == ["session_unknown"]


async def test_a_session_with_very_many_is_asked_at_the_next_look_which_is_at_once(rig: Rig) -> None:
    await rig.project()
    verdict = await rig.ask(head("/products", headers=[bearer(rig.token())]))
    assert isinstance(verdict, Forward)
    assert verdict.opened is not None
    for _ in range(AT_A_TIME + 1):
        verdict.opened(Connection())
    rig.live_check.session_changed("session-1")
    assert rig.live_check.again.is_set()


async def test_a_route_that_leads_into_another_zone_needs_another_exchange(rig: Rig, settings, tmp_path) -> None:
    connection = await of_session(rig, "one", "/acts")
    moved = tmp_path / "moved.toml"
    before, after = ROUTES.split('path = "/acts"\nzone = "shop"')
    moved.write_text(f'{before}path = "/acts"\nzone = "reservation"{after}')
    rig.pipeline.use_table(load_route_table(moved, runtime=settings.runtime, port=8080))
    await rig.live_check.look()
    assert connection.reasons == ["decided_anew"]


async def test_metrics_say_how_many_there_are_where_and_why_they_ended(rig: Rig) -> None:
    metrics = GatewayMetrics(
        sessions=rig.sessions,
        live=rig.live,
        judge=rig.judge,
        table=lambda: rig.table,
        clock=rig.clock,
        clients=lambda: 0,
    )
    registry = CollectorRegistry()
    registry.register(metrics)
    await of_session(rig, "one")
    await of_session(rig, "two", "/reservations")
    rig.judge.snapshot = compile_policy(closed_to("reservation"), 2)
    assert "munjigi_live_connections_behind 2.0" in generate_latest(registry).decode()
    await rig.live_check.look()
    said = generate_latest(registry).decode()
    assert 'munjigi_live_connections{zone="shop"} 1.0' in said
    assert 'munjigi_live_connections{zone="reservation"} 0.0' in said
    assert 'munjigi_live_connections_ended_total{reason="no_longer_allowed"} 1.0' in said
    assert "munjigi_live_connections_behind 0.0" in said
