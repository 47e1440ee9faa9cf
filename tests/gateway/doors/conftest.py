"""A gateway's brain on real engines, and its doors on a real socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from config.client_address import ClientAddresses
from config.entropy import SystemEntropy
from config.sections.gateway import GatewaySettings
from config.settings import Settings
from gateway.doors.server import open_doors
from gateway.proxy.door import Door
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.watch import Watch
from gateway.routes.route_file import load_route_table
from gateway.step_up.page import StepUpPages
from gateway.telemetry.telemetry import Telemetry
from tests.gateway.doors.proxies import PROXIES, Proxy, Request, Told
from tests.gateway.proxy.rig import Answered, Client
from tests.gateway.rig import ROUTES, Rig


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Place:
    """Where doors are open."""

    rig: Rig
    door: Door
    listen: str
    clients: list[Client] = field(default_factory=list)

    async def client(self) -> Client:
        """A connection of a proxy's."""
        if self.listen.startswith("unix:"):
            streams = await asyncio.open_unix_connection(self.listen.removeprefix("unix:"))
        else:
            host, _, port = self.listen.rpartition(":")
            streams = await asyncio.open_connection(host, int(port))
        client = Client(*streams)
        self.clients.append(client)
        return client

    async def ask(self, question: bytes) -> Answered:
        """One question on a connection of its own."""
        return await (await self.client()).ask(question, without_body=question.startswith(b"HEAD "))


@dataclass
class At:
    """A door, as one kind of proxy comes to it."""

    place: Place
    proxy: Proxy

    @property
    def rig(self) -> Rig:
        return self.place.rig

    async def ask(self, request: Request) -> Told:
        """What comes of a request that the proxy holds."""
        return self.proxy.told(request, await self.place.ask(self.proxy.question(request)))


@asynccontextmanager
async def opened(
    rig: Rig,
    listen: str,
    *,
    peers: tuple[str, ...] | None = None,
    trusted: tuple[str, ...] = (),
    limits: Limits | None = None,
    telemetry: Telemetry | None = None,
) -> AsyncIterator[Place]:
    """Doors of the rig's pipeline."""
    watch, limits = Watch(tick=0.01), limits or Limits()
    door = Door(
        rig.pipeline,
        StepUpPages(rig.pages),
        Pools([], limits=limits, watch=watch),
        SystemEntropy(),
        watch,
        limits,
        addresses=ClientAddresses(trusted),
        telemetry=telemetry or Telemetry(),
    )
    settings = GatewaySettings(decision_listen=listen, **({} if peers is None else {"decision_peers": peers}))
    watch.start(asyncio.get_running_loop())
    place = Place(rig, door, listen)
    try:
        async with open_doors(door, settings, lambda host: rig.pipeline.table.authorities.get(host)):
            yield place
            for client in place.clients:
                client.writer.close()
    finally:
        watch.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: unix sockets have no room for pytest's own."""
    with tempfile.TemporaryDirectory(prefix="mj-") as path:
        yield Path(path)


@pytest.fixture
async def place(rig: Rig, folder: Path) -> AsyncIterator[Place]:
    async with opened(rig, f"unix:{folder / 'doors.sock'}") as there:
        yield there


@pytest.fixture(params=PROXIES, ids=lambda proxy: proxy.name)
async def at(place: Place, request: pytest.FixtureRequest) -> At:
    """Each kind of proxy in turn."""
    await place.rig.project()
    return At(place, request.param)


@pytest.fixture
def stepped_up(rig: Rig, tmp_path: Path, settings: Settings) -> None:
    """A route whose POST demands two factors."""
    file = tmp_path / "stepped.toml"
    demand = 'address = "shop.localhost:8080"\npath = "/"\n'
    assert ROUTES.count(demand) == 1
    file.write_text(ROUTES.replace(demand, demand + 'step_up = { methods = ["POST"], path = "/pay", acr = 2 }\n'))
    rig.pipeline.use_table(load_route_table(file, runtime=settings.runtime, port=8080))
