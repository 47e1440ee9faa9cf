"""`munjigi up` whole: on ports and in a folder of its own, as a person would run it."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from cli.health import ask, is_ready
from cli.services import INBOX, SANDBOX, SERVICES
from tests.house import House, new_house, running_house
from tests.machine import listening_ports, processes_below, processor_time

PROJECT = Path(__file__).parents[2]
READINGS_WARM = 2.2
"""All processes together start in no more than so often the processor time in which one process reads, at the same
moment, what all services are made of."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A house in which each test starts and ends `munjigi up` itself."""
    with new_house() as house:
        yield house


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """A house that is up."""
    with running_house() as house:
        yield house


async def count(house: House, table: str) -> int:
    connection = await asyncpg.connect(host=str(house.settings.runtime), user="munjigi_owner", database="munjigi")
    try:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
        return found
    finally:
        await connection.close()


def reading() -> float:
    """Seconds of processor time in which one process imports all services."""
    modules = {entry.partition(":")[0] for service in (INBOX, SANDBOX, *SERVICES) for entry in service.runs}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import cli.main, cli.up, {', '.join(sorted(modules))}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


async def test_everything_is_healthy_and_told(running: House) -> None:
    for service in (INBOX, *SERVICES):
        ready = ask(running.settings, service.name, "/readyz")
        assert ready is not None, service.name
        assert ready[0] == 200, ready
        assert ask(running.settings, service.name, "/healthz") == (
            200,
            b'{"service":"%s","alive":true}\n' % service.name.encode(),
        )
        metrics = ask(running.settings, service.name, "/metrics")
        assert metrics is not None
        assert b"process_cpu_seconds_total" in metrics[1]
    for told in (
        "http://shop.localhost:",
        "http://console.localhost:",
        f"http://localhost:{running.idp_port}",
        running.inbox,
    ):
        assert told in running.told
    assert await count(running, "commerce.product") > 0
    assert "mina" in running.told
    verified = running.munjigi("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    doctor = running.munjigi("doctor")
    assert doctor.returncode == 0, doctor.stdout


def test_it_listens_on_loopback_and_nowhere_else(running: House) -> None:
    everyone = processes_below(running.folder)
    ports = sorted(port for process in everyone for port in listening_ports(process))
    assert ports == sorted(
        [running.idp_port, running.gateway_port, running.inbox_port, running.smtp_port, running.payments_port]
    )
    tables = [*Path("/proc/net/tcp").read_text().splitlines(), *Path("/proc/net/tcp6").read_text().splitlines()]
    for port in ports:
        places = {line.split()[1].partition(":")[0] for line in tables if f":{port:04X} 0" in line and " 0A " in line}
        assert places == {"0100007F"}  # 127.0.0.1


def test_a_second_one_is_refused(running: House) -> None:
    second = running.munjigi("up")
    assert second.returncode == 75
    assert second.stderr.startswith("munjigi: MUNJIGI_VAR: another `munjigi up` (process ")


def test_a_port_in_use_is_named(running: House, tmp_path: Path) -> None:
    second = running.munjigi("up", MUNJIGI_VAR=str(tmp_path / "other"))
    assert second.returncode == 75
    assert f"MUNJIGI_IDP__LISTEN: 127.0.0.1:{running.idp_port}: another program listens there" in second.stderr


def test_a_service_that_dies_comes_back(running: House) -> None:
    running.kill("munjigi-commerc")
    wait_until_ready(running, "commerce")


@pytest.mark.parametrize("engine", ["postgres", "valkey-server"])
def test_an_engine_that_dies_comes_back_and_the_services_with_it(running: House, engine: str) -> None:
    running.kill(engine)
    for service in (INBOX, *SERVICES):
        wait_until_ready(running, service.name)


def wait_until_ready(house: House, name: str, timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not is_ready(house.settings, name):
        assert time.monotonic() < deadline, ask(house.settings, name, "/readyz")
        time.sleep(0.05)


async def test_the_next_one_finds_the_data_and_is_quick(house: House) -> None:
    process = house.up()
    before = await count(house, "commerce.product")
    assert "stopping" in house.stop(process, signal.SIGINT)
    assert process.returncode == 0
    house.wait_until_nobody()
    before_it = reading()
    process = house.up()
    took = sum(processor_time(one) for one in processes_below(house.folder))
    assert await count(house, "commerce.product") == before
    house.stop(process, signal.SIGTERM)
    house.wait_until_nobody()
    # what runs beside this makes the same work dearer, and may come or go between the three
    assert took < READINGS_WARM * max(before_it, reading())


def test_a_killed_one_leaves_nobody_and_nothing_in_the_way(house: House) -> None:
    process = house.up_forked()
    house.stop(process, signal.SIGKILL)
    process = house.up_forked()  # at once: it waits for what is still ending
    house.stop(process, signal.SIGINT)
    house.wait_until_nobody()
