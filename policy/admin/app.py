"""The composition root of the admin policy API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

from starlette.routing import Router
from starlette.types import ASGIApp

from audit import key_trail
from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.serving import serve_application
from config.settings import Settings
from events import outbox
from jose.entrance import Entrance
from jose.key_keeper import KeyKeeper
from jose.key_keeper import watch as watch_keys
from jose.keys import PublicKeys
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from policy.admin.admission import Admission
from policy.admin.archive import Archive
from policy.admin.contents import Contents
from policy.admin.decisions import Decisions
from policy.admin.desk import Desk
from policy.admin.endpoints import PolicyApi, nothing_here
from policy.admin.explanations import Explanations
from policy.admin.idempotency import Once
from policy.admin.joined import JoinedDatabase
from policy.admin.reaching import Reaching
from policy.admin.release_desk import ReleaseDesk
from policy.admin.releases import Releases
from policy.compiled import CompiledVersions
from policy.live import LivePolicy
from policy.replaying import Replayer
from policy.storage.answers import KeptAnswers
from policy.storage.decisions import RecordedDecisions
from policy.storage.replays import KeptReplays
from policy.storage.shadows import PolicyShadows
from policy.storage.versions import PolicyVersions
from policy.succession import Succession

SERVICE: Final = "policy"


def application(
    database: Database,
    valkey: Valkey,
    keys: SigningKeys,
    clock: Clock,
    operator: UUID,
    *,
    issuer: str = "",
    approvals: int = 1,
) -> ASGIApp:
    """The API, without its entrance. `issuer`: of the tokens that programs come with; `approvals`: how many people it
    takes to publish a version."""

    async def policy_keys(tx: Transaction) -> PublicKeys:
        return await keys.public_keys(tx, "policy")

    kept, database = PolicyVersions(), JoinedDatabase(database)
    live = LivePolicy(database, kept, policy_keys, clock)
    desk = Desk(database, valkey, keys, kept, clock)
    releases = ReleaseDesk(database, valkey, keys, kept, PolicyShadows(), clock, approvals=approvals)
    compiled = CompiledVersions(database, kept)
    archive = Archive(database, RecordedDecisions(), KeptReplays(), compiled, live, clock, SystemEntropy())
    groups = (
        Releases(desk, releases),
        Contents(releases),
        Explanations(archive, clock),
        Decisions(archive, clock, operator),
        Reaching(database, valkey, kept, clock),
    )
    once = Once(database, valkey, KeptAnswers(), clock)
    api = PolicyApi(Admission(database, clock, operator), once, groups, issuer=issuer)
    return Router(api.routes(), redirect_slashes=False, default=nothing_here)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the API on `run/policy.sock` until `stop` is set."""
    clock, keys = SystemClock(), SigningKeys(Envelope.load(settings))
    database, valkey = open_database(settings, SERVICE), open_valkey(settings)
    try:
        async with database.begin() as tx:
            await keys.ensure_active(tx, "policy", clock.now())
        entrance = await Entrance.open(SERVICE, database, keys.assertion_keys, clock)
        told, issuer = settings.policy, settings.idp.issuer
        api = application(database, valkey, keys, clock, told.operator, issuer=issuer, approvals=told.approvals)
        app = entrance.around(api)
        keeper = KeyKeeper(
            "policy", keys, Schedule.of(settings), key_trail.tell, succession=Succession(PolicyVersions())
        )
        compiled = CompiledVersions(database, PolicyVersions())
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
