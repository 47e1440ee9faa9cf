"""What stands above the policy reaches every gateway: four processes that share a port, as `munjigi up` runs them."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from events import outbox
from policy.overlay.measure import Kind, Measure, Ordered, Target
from policy.overlay.ordering import By, Orders
from policy.request import MeasureEffect
from policy.storage.measures import Measures
from tests.house import House, running_house

BOUND = 1.0
"""Seconds from the acknowledgement of a change to its being in force at the last gateway."""
PROCESSES = 4
ATTACKER = "198.51.100.9"


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("feeds") / "list.txt"
    path.write_text("# nothing yet\n")
    path.parent.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def house(feed: Path) -> Iterator[House]:
    more = {
        "MUNJIGI_GATEWAY__PROCESSES": str(PROCESSES),
        "MUNJIGI_GATEWAY__THREAT_FEEDS__list": str(feed),
        "MUNJIGI_GATEWAY__TRUSTED_PROXIES": '["127.0.0.0/8"]',
    }
    with running_house(**more) as running:
        yield running


class Door:
    """A connection that stays with one process, which its correlation ids tell."""

    def __init__(self, house: House) -> None:
        self.port = house.gateway_port
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.process = ""
        self.ask()

    def ask(self) -> int:
        """The status of a page that needs nobody, for somebody at `ATTACKER`."""
        self.socket.sendall(
            f"GET /assets/none.css HTTP/1.1\r\nHost: shop.localhost:{self.port}\r\n"
            f"X-Forwarded-For: {ATTACKER}\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        left = int(fields.get(b"content-length", b"0")) - len(body)
        while left > 0:
            left -= len(self.socket.recv(65536))
        self.process = fields[b"munjigi-correlation-id"].rpartition(b"-")[0].decode()
        return int(head.split(b" ", 2)[1])


@pytest.fixture
def doors(house: House) -> Iterator[list[Door]]:
    """One connection to each gateway."""
    found: dict[str, Door] = {}
    with ExitStack() as opened:
        for _ in range(200):
            door = Door(house)
            opened.callback(door.socket.close)
            found.setdefault(door.process, door)
            if len(found) == PROCESSES:
                break
        assert len(found) == PROCESSES
        yield list(found.values())


def until(doors: list[Door], wanted: Callable[[int], bool], since: float) -> list[float]:
    """Seconds after `since` at which each gateway answered as wanted."""
    felt: dict[Door, float] = {}
    while len(felt) < len(doors):
        assert time.monotonic() < since + 10, f"{len(felt)} of {len(doors)} gateways within ten seconds"
        for door in doors:
            if door not in felt and wanted(door.ask()):
                felt[door] = time.monotonic() - since
    return sorted(felt.values())


async def change(house: House, lift: Measure | None = None) -> tuple[Measure, float]:
    """Order a denial of the attacker's range, or lift one; and when that was acknowledged."""
    settings = house.settings
    database, valkey = open_database(settings, "policy"), open_valkey(settings)
    orders, now = Orders(Measures(), SystemEntropy(), operator=str(settings.policy.operator)), SystemClock().now()
    target, by = Target(Kind.ADDRESS, "198.51.100.0/24"), By("u-test", "a-test")
    ordered = Ordered(target=target, effect=MeasureEffect.DENY, seconds=600, why="a test")
    try:
        async with database.begin() as tx:
            if lift is None:
                made = await orders.take(tx, ordered, by, now)
            else:
                lifted = await orders.lift(tx, UUID(lift.id), by, "a test", now)
                assert lifted is not None
                made = lifted
        acknowledged = time.monotonic()
        await outbox.poke(valkey)
    finally:
        await database.dispose()
        await valkey.aclose()
    return made, acknowledged


def test_a_measure_is_in_force_at_every_gateway_within_a_second_and_so_is_its_end(
    house: House, doors: list[Door], capsys: pytest.CaptureFixture[str]
) -> None:
    assert {door.ask() for door in doors} == {404}, "the shop has no such page, and shows it to anybody"
    for _ in range(5):
        made, ordered_at = asyncio.run(change(house))
        felt = until(doors, lambda status: status == 403, ordered_at)
        _, lifted_at = asyncio.run(change(house, made))
        gone = until(doors, lambda status: status == 404, lifted_at)
        with capsys.disabled():
            shown = [" ".join(f"{1000 * seconds:.0f}" for seconds in times) for times in (felt, gone)]
            sys.stdout.write(f"\nin force at {PROCESSES} gateways after {shown[0]} ms, lifted after {shown[1]} ms\n")
        assert max(*felt, *gone) < BOUND


def test_a_threat_feed_is_taken_up_by_every_gateway_without_a_release(
    house: House, feed: Path, doors: list[Door], capsys: pytest.CaptureFixture[str]
) -> None:
    """What a listed address comes to is the policy's; that it is known is shown on each gateway's health socket."""
    other = feed.with_suffix(".new")
    other.write_text("198.51.100.0/24\n")
    other.replace(feed)
    since = time.monotonic()
    names = ["gateway", *(f"gateway-{number}" for number in range(2, PROCESSES + 1))]
    while missing := [name for name in names if '"ranges":1' not in overlay_of(house, name)]:
        assert time.monotonic() < since + 10, missing
        time.sleep(0.02)
    with capsys.disabled():
        sys.stdout.write(f"\nfeed taken up at {PROCESSES} gateways after {1000 * (time.monotonic() - since):.0f} ms\n")


def overlay_of(house: House, name: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(house.settings.runtime / f"{name}.health.sock"))
        client.sendall(b"GET /overlay HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return answer.decode()
