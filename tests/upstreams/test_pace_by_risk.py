"""A bot is slowed by the risk that the gateway finds: the whole pipeline decides, its assertion reaches the service."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from msgspec.structs import replace

from config.clock import SystemClock
from config.connections import Valkey
from config.settings import Settings
from gateway.exchange import Forward
from jose.assertion import HEADER
from policy.artefact import Zone
from policy.overlay.ranges import Listed
from policy.risk.level import level_of
from policy.snapshot import compile_policy
from tests.clock import FakeClock
from tests.gateway.rig import POLICY, Rig, bearer, head
from tests.upstreams.conftest import Client, Databases, open_wide
from tests.upstreams.test_reservations import CLASS, asking
from upstreams.reservation.pace import RAISED_RISK, REDUCED, UNKNOWN_DEVICE, Pace

ELSEWHERE = "203.0.113.7"
"""An address of no named network, and of no country."""
LENIENT = replace(
    POLICY,
    zones=tuple(Zone("reservation", step_up_risk=100) if one.name == "reservation" else one for one in POLICY.zones),
)
"""What reaches the service although it is very odd: its own pace is what is looked at."""


@pytest.fixture
def clock() -> FakeClock:
    """It is now: the service looks at the real one."""
    return FakeClock(SystemClock().now())


@pytest.mark.parametrize(
    ("client", "listed", "level", "pace"),
    [
        ("127.0.0.1", False, "low", UNKNOWN_DEVICE),  # a device that nobody knows
        (ELSEWHERE, False, "raised", RAISED_RISK),  # and from who knows where
        (ELSEWHERE, True, "high", REDUCED),  # and from an address that a threat feed lists
    ],
)
async def test_the_riskier_the_slower(
    settings: Settings,
    database: Databases,
    valkey: Valkey,
    clock: FakeClock,
    tmp_path: Path,
    slots: Client,
    client: str,
    listed: bool,
    level: str,
    pace: Pace,
) -> None:
    rig = Rig(settings, database("gateway"), valkey, clock, tmp_path)
    rig.pipeline._onward._assertion._signer = slots.signer  # whom the service believes
    rig.judge.snapshot = compile_policy(LENIENT, 2)
    await rig.project()
    await open_wide(valkey, CLASS)
    who = {"sub": str(slots.someone.id), "device": {"id": "", "trust": "unknown"}}
    shown = bearer(rig.token(**who))
    if listed:
        rig.judge.use_feeds({"feed": Listed([ip_network(client)])})
    answers = []
    for _ in range(pace.requests + 1):
        asked = head("/reservations", method="POST", headers=[shown], client=client)
        verdict = await rig.ask(asked)
        assert isinstance(verdict, Forward), verdict
        assert level_of(rig.heard.records[-1]["risk"]) == level, rig.heard.records[-1]["signals"]
        said = dict(verdict.add)[HEADER.lower().encode()].decode()
        wanted = asking((CLASS, 1))
        headers = {HEADER: said, **wanted["headers"]}
        answers.append(await slots.http.post("/reservations", json=wanted["json"], headers=headers))
    assert [answer.status_code == 429 for answer in answers] == [False] * pace.requests + [True]
    assert answers[-1].json()["code"] == "MJ-RSV-008"
    assert answers[-1].headers["retry-after"] == str(pace.seconds)
    await rig.http.aclose()
