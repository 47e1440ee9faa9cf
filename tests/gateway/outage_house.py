"""The real product in processes of its own, on engines of its own, any of which a test may kill and start again."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from cli.health import is_ready
from config.client_secret import create_client_secret
from config.clock import SystemClock
from config.connections import open_database
from config.engines.embedded import embedded_engines
from config.engines.engine import Engine
from config.engines.folders import make_var
from config.envelope import Envelope
from config.serving import serve_application
from config.settings import Settings
from config.web import new_correlation_id
from jose.storage.keys import SigningKeys
from migrations.runner import migrate
from policy import versions
from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.storage.versions import PolicyVersions
from tests.commands import forked
from tests.engines import memory_folder
from tests.gateway.house import on_free_ports, people

PROJECT = Path(__file__).parents[2]
ZONES = ("strict", "read_only", "grace")
MANNERS = {
    "strict": 'store_away = "strict"',
    "read_only": 'store_away = "read_only"',
    "grace": 'store_away = "grace 600"\nexpired_tokens = 900',
}
PEOPLE = tuple(f"person-{number}" for number in range(24))
"""Each test is somebody else: a code of an app is good once."""
PROCESSES = ("policy", "worker-relay", "idp", "gateway")
_COMMANDS = {"worker-relay": ("worker", "relay")}


def routes(folder: Path) -> str:
    """One zone of each manner, all before one service, and the policy service in one that is strict."""
    zones = "".join(f"[zones.{name}]\n{manner}\n" for name, manner in MANNERS.items())
    ways = "".join(
        f'[[routes]]\naddress = "shop.localhost:8080"\npath = "/{zone}"\nzone = "{zone}"\nupstream = "origin"\n'
        "websocket = true\n"
        for zone in ZONES
    )
    return (
        f'{zones}[upstreams.origin]\nsocket = "{folder}/origin.sock"\n[upstreams.policy]\nservice = "policy"\n{ways}'
        '[[routes]]\naddress = "shop.localhost:8080"\npath = "/api/policy"\nzone = "strict"\nupstream = "policy"\n'
    )


def policy_of_tests() -> Policy:
    """Every zone is open to customers; the one for administrators is there because no policy may be without."""
    rules = [Rule(zone, 10, "customer", zone, "/**", RuleEffect.ALLOW) for zone in ZONES]
    rules.append(Rule("publish", 10, "administrator", "admin", "/**", RuleEffect.ALLOW))
    zones = tuple(Zone(zone) for zone in (*ZONES, "admin"))
    return Policy(roles=("customer", "administrator"), zones=zones, rules=tuple(rules))


async def publish(settings: Settings, policy: Policy) -> None:
    """The version that decides from now on."""
    database, stored, now = open_database(settings, "policy"), PolicyVersions(), SystemClock().now()
    act = versions.Act("tests", "a policy of the tests", now, new_correlation_id())
    try:
        async with database.begin() as tx:
            await stored.hold(tx)
            ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "policy", now)
            made, _ = await versions.draft(stored, tx, policy, act)
            await versions.publish(stored, tx, made.number, ring.active, act)
    finally:
        await database.dispose()


@dataclass
class OutageHouse:
    """Engines by name, and processes by the name of their health socket."""

    settings: Settings
    folder: Path
    engines: dict[str, Engine]
    running: dict[str, ForkServerProcess] = field(default_factory=dict)
    people: Iterator[str] = field(default_factory=lambda: iter(PEOPLE))

    async def furnish(self) -> None:
        """Tables, people, and the policy."""
        await migrate(self.settings)
        await publish(self.settings, policy_of_tests())
        await people(self.settings, PEOPLE, roles=("administrator", "customer"))

    def start(self, name: str, **more: str) -> None:
        """Start a process, with `more` settings by the names of their environment variables."""
        own = self.settings
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MUNJIGI_")},
            "MUNJIGI_VAR": str(own.var),
            "MUNJIGI_IDP__ISSUER": own.idp.issuer,
            "MUNJIGI_IDP__LISTEN": own.idp.listen,
            "MUNJIGI_GATEWAY__LISTEN": own.gateway.listen,
            "MUNJIGI_GATEWAY__ROUTES": str(self.folder / "routes.toml"),
            # how much is too much is for other tests to say: what this machine can do changes from moment to moment
            "MUNJIGI_GATEWAY__SHEDDING": "false",
            **more,
        }
        log = self.folder / f"{name}.log"
        self.running[name] = forked(_COMMANDS.get(name, (name,)), PROJECT, environment, log, log)

    def wait_ready(self, *names: str) -> None:
        """Until these processes serve, and their engines answer them."""
        deadline = time.monotonic() + 180
        while missing := [name for name in names if not is_ready(self.settings, name)]:
            assert time.monotonic() < deadline, {name: self.said(name) for name in missing}
            time.sleep(0.05)

    def said(self, name: str) -> str:
        """The end of a process's log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def kill(self, name: str) -> None:
        """`kill -9` an engine or a process; it does not come back by itself."""
        if name in self.engines:
            engine = self.engines[name].process
            assert engine is not None
            engine.kill()
            engine.wait()
        else:
            process = self.running.pop(name)
            process.kill()
            process.join()

    def back(self, name: str, **more: str) -> None:
        """Start what was killed."""
        if name in self.engines:
            self.engines[name].start()
            self.engines[name].wait_ready()
        else:
            self.start(name, **more)
            self.wait_ready(name)

    def fill_the_disk(self, full: bool) -> None:
        """Whether the kernel lets the gateway write no more files (RLIMIT_FSIZE: EFBIG), as a full disk would."""
        hard = resource.RLIM_INFINITY
        limit = 0 if full else hard
        gateway = self.running["gateway"].pid
        assert gateway is not None
        resource.prlimit(gateway, resource.RLIMIT_FSIZE, (limit, hard))

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.join(20)
            assert not process.is_alive()
        for engine in self.engines.values():
            engine.stop()


@contextmanager
def standing_house(listen: str | None = None) -> Iterator[OutageHouse]:
    """A house whose engines and processes run; call it where no event loop does. `listen`: the gateway's address,
    otherwise a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="mj-", dir=memory_folder()))
    folder.chmod(0o755)
    settings = on_free_ports(Settings(var=folder / "v"))
    if listen is not None:
        settings = settings.model_copy(update={"gateway": settings.gateway.model_copy(update={"listen": listen})})
    house = OutageHouse(settings, folder, {})
    try:
        make_var(settings)
        Envelope.create(settings)
        create_client_secret(settings)
        (folder / "routes.toml").write_text(routes(folder))
        # durable, since they are killed: what was committed must be there when they are back
        house.engines = {engine.name: engine for engine in embedded_engines(settings)}
        for engine in house.engines.values():
            engine.start()
        for engine in house.engines.values():
            engine.wait_ready()
        asyncio.run(house.furnish())
        for name in PROCESSES:
            house.start(name)
        house.wait_ready(*PROCESSES)
        yield house
    finally:
        house.stop()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def standing_origin(folder: Path) -> AsyncIterator[None]:
    """The service behind the gateway: it answers everything, and echoes on websockets."""

    async def say(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.method)

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)

    ways = [WebSocketRoute("/{zone}/live", echo), Route("/{rest:path}", say, methods=["GET", "POST"])]
    stop, ready = asyncio.Event(), asyncio.Event()
    served = serve_application(
        Starlette(routes=ways), f"unix:{folder}/origin.sock", ready=ready.set, stop=stop, drain=1
    )
    task = asyncio.create_task(served)
    await ready.wait()
    try:
        yield
    finally:
        stop.set()
        await task
