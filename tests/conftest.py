"""Fixtures that every room's tests stand on: real engines, a private part of them for each test, a clock, chance."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.sections.engines import Role
from config.serving import collect_rarely
from config.settings import Settings
from tests.clock import FakeClock
from tests.engines import TestEngines, engines_for_tests
from tests.made_once import make_once


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch)
        yield


@pytest.fixture(scope="session")
def engines() -> Iterator[TestEngines]:
    """PostgreSQL and Valkey of this test run (of this worker, under xdist)."""
    with engines_for_tests() as running:
        yield running


@pytest.fixture
def settings(engines: TestEngines) -> Iterator[Settings]:
    """Settings whose engines are real, migrated, empty of data, and this test's alone."""
    with engines.private() as own:
        yield own


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Callable[[Role], Database]]:
    """`database("idp")` gives the pool of connections as that service's role; closed after the test."""
    opened: dict[Role, Database] = {}

    def open_as(role: Role) -> Database:
        if role not in opened:
            opened[role] = open_database(settings, role)
        return opened[role]

    yield open_as
    for pool in opened.values():
        await pool.dispose()


@pytest.fixture
async def valkey(settings: Settings) -> AsyncIterator[Valkey]:
    """A client of this test's empty live store."""
    client = open_valkey(settings)
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> FakeClock:
    """A clock at 2026-11-22 09:00 UTC that stands still until `clock.advance(seconds)`."""
    return FakeClock()


@pytest.fixture
def entropy() -> SystemEntropy:
    return SystemEntropy()


def pytest_configure() -> None:
    """Ten thousand tests that are collected are no circles either; the collector looked at them again and again."""
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """They stay to the end: see `collect_rarely`."""
    collect_rarely()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: browsers and processes that start keep a test waiting for a third of its time."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A real browser shares two cores with engines and other tests, and now and then answers too late: what fails there
    runs once more, and the report names it as rerun. Nothing else is given a second try.

    The files with a browser take the longest, then those with a house, and begin first (with
    `--no-loadscope-reorder`): at the end, no worker waits long for another.
    """
    browsers = {item.path for item in items if item.get_closest_marker("browser")}
    houses = {item.path for item in items if {"house", "running"}.intersection(getattr(item, "fixturenames", ()))}
    items.sort(key=lambda item: (item.path not in browsers, item.path not in houses))
    for item in items:
        if item.get_closest_marker("browser") and not item.get_closest_marker("proof"):
            item.add_marker(pytest.mark.flaky(reruns=1))
