"""Several gateways share a port: `gateway.processes`."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from cli.health import is_ready
from config.sections.gateway import GatewaySettings
from tests.house import House, running_house


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    with running_house(MUNJIGI_GATEWAY__PROCESSES="2") as house:
        yield house


def answered(house: House, times: int) -> Counter[str]:
    """By whom connections were answered: each process begins its correlation ids in its own way."""
    told: Counter[str] = Counter()
    for _ in range(times):
        with socket.create_connection(("127.0.0.1", house.gateway_port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: nowhere\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := client.recv(4096):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 404"), answer
        line = next(line for line in answer.split(b"\r\n") if line.lower().startswith(b"munjigi-correlation-id"))
        told[line.rpartition(b": ")[2].decode().rpartition("-")[0]] += 1
    return told


def test_both_answer_and_each_is_asked_how_it_is(running: House) -> None:
    assert is_ready(running.settings, "gateway")
    assert is_ready(running.settings, "gateway-2")
    assert len(answered(running, 60)) == 2


def test_one_that_is_killed_comes_back_and_the_other_is_who_it_was(running: House) -> None:
    before = set(answered(running, 60))
    running.kill("munjigi-gateway")
    running.wait_until_ready()
    after = set(answered(running, 60))
    assert len(after) == 2
    assert len(before & after) == 1


def test_a_socket_of_files_is_nobody_elses() -> None:
    with pytest.raises(ValueError, match="LISTEN"):
        GatewaySettings(processes=2, listen="unix:/run/gateway.sock")
    with pytest.raises(ValueError, match="DECISION_LISTEN"):
        GatewaySettings(processes=2, decision_listen="unix:/run/door.sock")
