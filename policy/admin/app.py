"""The composition root of the admin policy API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from starlette.routing import Router
from starlette.types import ASGIApp

from audit import key_trail
from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.gateway import GatewaySettings
from config.serving import serve_application
from config.settings import Settings
from events import outbox
from jose.entrance import Entrance
from jose.key_keeper import KeyKeeper
from jose.key_keeper import watch as watch_keys
from jose.keys import PublicKeys
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from policy.admin.acting import Acting
from policy.admin.admission import Admission
from policy.admin.archive import Archive
from policy.admin.contents import Contents
from policy.admin.decisions import Decisions
from policy.admin.elevations import Elevations
from policy.admin.endpoints import PolicyApi, nothing_here
from policy.admin.explanations import Explanations
from policy.admin.idempotency import Once
from policy.admin.importing import Imports
from policy.admin.joined import JoinedDatabase
from policy.admin.measures import Measures
from policy.admin.own_elevations import OwnElevations
from policy.admin.reaching import Reaching
from policy.admin.release_desk import ReleaseDesk
from policy.admin.releases import Releases
from policy.admin.zone_maps import ZoneMaps
from policy.any_version import AnyVersion
from policy.live import LivePolicy
from policy.overlay.granting import Granting
from policy.overlay.ordering import Orders
from policy.overlay.published import PublishedLadder
from policy.replaying import Replayer
from policy.snapshot import FORMAT
from policy.storage.answers import KeptAnswers
from policy.storage.decisions import RecordedDecisions
from policy.storage.elevations import Elevations as StoredElevations
from policy.storage.measures import Measures as StoredMeasures
from policy.storage.reach import Reports
from policy.storage.replays import KeptReplays
from policy.storage.shadows import PolicyShadows
from policy.storage.versions import PolicyVersions
from policy.succession import Succession
from policy.versions import UntrustedArtefact, compile_published

SERVICE: Final = "policy"
_log = structlog.get_logger(__name__)


def application(
    database: Database,
    valkey: Valkey,
    keys: SigningKeys,
    clock: Clock,
    operator: UUID,
    gateway: GatewaySettings | None = None,
    *,
    issuer: str = "",
    approvals: int = 1,
) -> ASGIApp:
    """The API, without its entrance. `gateway`: where its route table stands, for the map of zones; `issuer`: of the
    tokens that programs come with; `approvals`: how many people it takes to publish a version."""

    async def policy_keys(tx: Transaction) -> PublicKeys:
        return await keys.public_keys(tx, "policy")

    kept, database = PolicyVersions(), JoinedDatabase(database)
    live = LivePolicy(database, kept, policy_keys, clock)
    releases = ReleaseDesk(database, valkey, keys, kept, PolicyShadows(), clock, approvals=approvals)
    compiled, gateway, entropy = AnyVersion(database, kept), gateway or GatewaySettings(), SystemEntropy()
    archive = Archive(database, RecordedDecisions(), KeptReplays(), compiled, live, clock, entropy)
    measures = StoredMeasures()
    orders = Orders(measures, entropy, operator=str(operator))
    groups = (
        Releases(releases),
        Contents(releases),
        Imports(releases),
        Explanations(archive, clock),
        Decisions(archive, clock, operator),
        Reaching(database, kept, Reports(), clock),
        ZoneMaps(database, kept, gateway.routes, gateway.port),
        Measures(orders, measures, database, valkey, clock),
    )
    granting = Granting(StoredElevations(), PublishedLadder(kept).ladder, entropy)
    acting = Acting(granting, database, valkey, clock, operator=str(operator))
    once = Once(database, valkey, KeptAnswers(), clock)
    api = PolicyApi(Admission(database, clock, operator), once, groups, (Elevations(acting),), issuer=issuer)
    routes = [*OwnElevations(acting).routes(), *api.routes()]
    return Router(routes, redirect_slashes=False, default=nothing_here)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the API on `run/policy.sock` until `stop` is set."""
    clock, keys = SystemClock(), SigningKeys(Envelope.load(settings))
    database, valkey = open_database(settings, SERVICE), open_valkey(settings)
    try:
        async with database.begin() as tx:
            await keys.ensure_active(tx, "policy", clock.now())
        await _compile_published(database, valkey, keys, clock)
        entrance = await Entrance.open(SERVICE, database, keys.assertion_keys, clock)
        api = application(
            database,
            valkey,
            keys,
            clock,
            settings.policy.operator,
            gateway=settings.gateway,
            issuer=settings.idp.issuer,
            approvals=settings.policy.approvals,
        )
        app = entrance.around(api)
        keeper = KeyKeeper(
            "policy", keys, Schedule.of(settings), key_trail.tell, succession=Succession(PolicyVersions())
        )
        compiled = AnyVersion(database, PolicyVersions())
        replayer = Replayer(database, KeptReplays(), RecordedDecisions(), compiled, clock)
        poke = partial(outbox.poke, valkey)
        beside = [
            asyncio.create_task(entrance.keep_keys_fresh()),
            asyncio.create_task(watch_keys(keeper, database, clock, who=SERVICE, poke=poke, stop=stop)),
            asyncio.create_task(replayer.run(stop)),
        ]
        try:
            await serve_application(app, f"unix:{settings.upstream_socket(SERVICE)}", ready=ready, stop=stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
    finally:
        await database.dispose()
        await valkey.aclose()


async def _compile_published(database: Database, valkey: Valkey, keys: SigningKeys, clock: Clock) -> None:
    """So that gateways of this code find what code of an older format published."""
    kept = PolicyVersions()
    try:
        async with database.begin() as tx:
            await kept.hold(tx)
            ring = await keys.load_ring(tx, "policy")  # the key of now: whoever rotates it waits
            number = await compile_published(kept, tx, ring, clock.now())
    except UntrustedArtefact as error:
        _log.error("policy_not_compiled", reason=str(error))
        return
    if number is not None:
        _log.info("policy_compiled", version=number, format=FORMAT)
        await outbox.poke(valkey)
