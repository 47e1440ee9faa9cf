"""Threat feeds: taken up whole while running, the last good list kept, none believed for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.places import Places
from config.settings import Settings
from gateway.decision.facts import FactsFinder
from gateway.decision.risk_memory import RiskMemory
from gateway.decision.threat_feeds import Lists, ThreatFeeds
from policy.overlay.ranges import address_of
from policy.overlay.threat_feed import LARGEST, MOST, DamagedFeed, read
from tests.clock import FakeClock

GOOD = b"# a list\n192.0.2.0/24 ; SBL1\n\n198.51.100.7\n2001:db8::/32\n"


@pytest.fixture
def feeds(tmp_path: Path, clock: FakeClock) -> tuple[ThreatFeeds, list[Lists | None], Path]:
    """One feed of a week, what was handed on of it, and its file, which is not there."""
    used: list[Lists | None] = []
    path = tmp_path / "drop.txt"
    return ThreatFeeds({"drop": path}, age=7 * 86_400, clock=clock, use=used.append), used, path


def write(path: Path, content: bytes, clock: FakeClock) -> None:
    """Another file in its place, written now by the clock of the test."""
    other = path.with_suffix(".new")
    other.write_bytes(content)
    os.utime(other, (clock.timestamp(), clock.timestamp()))
    other.replace(path)


def facts(lists: Lists | None, address: str) -> tuple[str, ...] | None:
    return FactsFinder((), Places.load(Settings()), RiskMemory(), lists).anonymous(address).threats


def test_a_list_holds_what_it_names() -> None:
    listed = read(GOOD)
    addresses = ("192.0.2.255", "198.51.100.7", "198.51.100.8", "2001:db8::1", "2001:db9::1", "::ffff:192.0.2.1")
    held = [listed.holds(address_of(text) or (4, 0)) for text in addresses]
    assert held == [True, True, False, True, False, True]
    assert len(read(b"# nothing today\n")) == 0
    one = read(b"2001:db8::1\n2001:db8:1::/112\n")
    addresses = ("2001:db8::ffff", "2001:db8:0:1::1", "2001:db8:1:0:ffff::1")
    assert [one.holds(address_of(text) or (4, 0)) for text in addresses] == [True, False, True], "the /64 of each"


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\n\n",
        b"192.0.2.0/24",
        b"192.0.2.0/24\n192.0.2\n",
        b"192.0.2.1/24\n",
        b"0.0.0.0/0\n",
        b"::/0\n",
        b"<html>\n",
        "192.0.2.0/24 # §\n".encode(),
        b"192.0.2.1\n" * (MOST + 1),
        b"#" * LARGEST + b"\n",
    ],
    ids=lambda content: str(content[:20]),
)
def test_a_damaged_list_is_refused_whole(damaged: bytes) -> None:
    with pytest.raises(DamagedFeed):
        read(damaged)


async def test_a_changed_file_is_taken_up_and_a_damaged_one_leaves_the_last_good_list(
    feeds: tuple[ThreatFeeds, list[Lists | None], Path], clock: FakeClock
) -> None:
    looking, used, path = feeds
    await looking.look()
    assert facts(used[-1], "203.0.113.1") is None, "no list: nobody could say"
    write(path, GOOD, clock)
    await looking.look()
    assert [facts(used[-1], address) for address in ("192.0.2.1", "203.0.113.1", "")] == [("drop",), (), None]
    write(path, b"203.0.113.0/24\n<html>\n", clock)
    await looking.look()
    assert facts(used[-1], "192.0.2.1") == ("drop",)
    assert "line 2" in looking.feeds["drop"].refused
    path.unlink()
    await looking.look()
    assert facts(used[-1], "192.0.2.1") == ("drop",)
    write(path, b"203.0.113.0/24\n", clock)
    await looking.look()
    assert [facts(used[-1], address) for address in ("192.0.2.1", "203.0.113.1")] == [(), ("drop",)]
    assert looking.feeds["drop"].refused == ""
    handed_on = len(used)
    await looking.look()
    assert len(used) == handed_on, "nothing changed"


async def test_a_list_that_nobody_writes_anew_counts_no_more(
    feeds: tuple[ThreatFeeds, list[Lists | None], Path], clock: FakeClock
) -> None:
    looking, used, path = feeds
    write(path, GOOD, clock)
    await looking.look()
    clock.advance(7 * 86_400 - 1)
    await looking.look()
    assert facts(used[-1], "192.0.2.1") == ("drop",)
    clock.advance(1)
    await looking.look()
    assert facts(used[-1], "192.0.2.1") is None
    write(path, GOOD, clock)
    await looking.look()
    assert facts(used[-1], "192.0.2.1") == ("drop",)


async def test_without_feeds_nothing_is_handed_on(clock: FakeClock) -> None:
    used: list[Lists | None] = []
    await ThreatFeeds({}, age=1, clock=clock, use=used.append).look()
    assert used == []


def test_one_of_two_lists_that_is_missing_leaves_what_is_not_listed_unknown() -> None:
    lists: Lists = {"one": read(GOOD), "two": None}
    assert facts(lists, "192.0.2.1") == ("one",)
    assert facts(lists, "203.0.113.1") is None
