"""Our identity provider as `munjigi idp` runs it, with people who are signed in: durable engines, one process.

The engines take the other core, with the load: who is measured has its own to itself. Its peer's store is its memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import uvloop

from benchmarks.house import PROJECT, add_people
from benchmarks.own_folder import own_folder
from benchmarks.wrk import free_port, listens, on_core, pinned, wait_for
from config.client_secret import create_client_secret
from config.clock import SystemClock
from config.connections import Database, open_database
from config.engines.embedded import running_engines
from config.engines.folders import make_var
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from idp.clients.client import Client, hash_secret
from idp.sessions.one_session import Began, Beginning, OneSession
from idp.sessions.session import SessionTimes, Visitor
from idp.storage import clients, directory, refresh_families, sessions
from idp.tokens.refresh_family import TOKEN_SIZE, Family, token_hash
from migrations.runner import migrate

CLIENT_ID = "bench"
SECRET = SystemEntropy().token()
SCOPE = ("openid", "profile")
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Provider:
    """The process, where it listens, and refresh tokens of as many people."""

    process: subprocess.Popen[bytes]
    port: int
    settings: Settings
    refresh_tokens: Sequence[str]


@contextmanager
def running_provider(core: int, others: int, people: int) -> Iterator[Provider]:
    """It on `core`, its engines on `others`; so many people are signed in to `CLIENT_ID`, each with a session."""
    with own_folder() as folder:
        settings = Settings(var=folder / "v")
        make_var(settings)
        Envelope.create(settings)
        create_client_secret(settings)
        with on_core(others), running_engines(settings):
            uvloop.run(migrate(settings))
            tokens = uvloop.run(_fill(settings, people))
            port = free_port()
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")},
                "MUNJIGI_VAR": str(settings.var),
                "MUNJIGI_IDP__LISTEN": f"127.0.0.1:{port}",
            }
            command = (sys.executable, "-m", "cli.main", "idp")
            with pinned(core, *command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL) as process:
                wait_for(lambda: listens(port))
                yield Provider(process, port, settings, tokens)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """A pool of connections as the identity provider's role."""
    database = open_database(settings, "idp")
    try:
        yield database
    finally:
        await database.dispose()


async def _fill(settings: Settings, people: int) -> Sequence[str]:
    clock, entropy = SystemClock(), SystemEntropy()
    client = Client(
        client_id=CLIENT_ID,
        name={"ko": "벤치마크", "en": "benchmark"},
        auth_method="client_secret_basic",
        secret_hash=hash_secret(SECRET),
        redirect_uris=("https://bench.example/callback",),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        scopes=SCOPE,
    )
    times = SessionTimes(idle_timeout=timedelta(minutes=30), absolute_lifetime=LIFETIME)
    one_session = OneSession(sessions, times, clock, entropy, ())
    async with opened(settings) as database:
        names = await add_people(database, people)
        async with database.begin() as tx:
            await clients.put(tx, client, clock.now())
            tokens = []
            for name in names:
                account = await directory.account_by_login_name(tx, name)
                assert account is not None
                membership = await directory.home(tx, account.id)
                assert membership is not None
                began = await one_session.begin(tx, _beginning(account.id, membership.organisation.id, clock))
                assert isinstance(began, Began)
                tokens.append(entropy.token(TOKEN_SIZE))
                family = Family(
                    id=entropy.uuid(),
                    client_id=CLIENT_ID,
                    user_id=account.id,
                    sid=began.session.sid,
                    scope=SCOPE,
                    expires_at=clock.now() + LIFETIME,
                )
                await refresh_families.begin(tx, family, token_hash(tokens[-1]), clock.now())
    return tokens


def _beginning(user_id: UUID, organisation_id: UUID, clock: SystemClock) -> Beginning:
    return Beginning(
        user_id=user_id,
        organisation_id=organisation_id,
        cookie_hash=SystemEntropy().token().encode(),
        visitor=Visitor(device_id=None, device_label="benchmark", browser="benchmark", ip="127.0.0.1", place=""),
        amr=("pwd",),
        acr="urn:munjigi:acr:1",
        authenticated_at=clock.now(),
        correlation_id="benchmark",
    )
