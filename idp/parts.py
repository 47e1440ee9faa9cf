"""What the endpoints of the identity provider stand on: built once a process, in one visible list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from config.clock import Clock
from config.connections import Database, Valkey
from config.entropy import Entropy
from config.envelope import Envelope
from config.settings import Settings
from idp.authorization.step_mac import StepMac
from idp.clients.cache import ClientCache
from idp.credentials.password import PasswordPool
from idp.endpoints.login.arrivals import Arrivals
from idp.endpoints.login.hops import Hops
from idp.routes import ASSETS
from idp.sessions.one_session import OneSession
from idp.sessions.session import SessionTimes
from idp.storage import clients, devices, directory, factors, secrets, sessions
from idp.tokens.keys import KeyCache
from idp.tokens.refresh_family import Successors
from jose.keys import KeyRing
from jose.storage.keys import SigningKeys
from pages import Assets, Pages

_ENDPOINTS = Path(__file__).parent / "endpoints"
STATIC = _ENDPOINTS / "static"
TEMPLATES = tuple(
    _ENDPOINTS / name for name in ("protocol_pages", "login/templates", "sign_in/templates", "account/templates")
)
"""Where the pages are; each folder has the words of its own pages in `messages.toml`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoints stand on, built once a process."""

    settings: Settings
    database: Database
    valkey: Valkey
    envelope: Envelope
    clock: Clock
    entropy: Entropy
    pages: Pages
    assets: Assets
    keys: KeyCache
    clients: ClientCache
    mac: StepMac
    successors: Successors
    hops: Hops
    one_session: OneSession
    arrivals: Arrivals
    passwords: PasswordPool

    @property
    def issuer(self) -> str:
        return self.settings.idp.issuer


async def build_parts(settings: Settings, database: Database, valkey: Valkey, clock: Clock, entropy: Entropy) -> Parts:
    """Build everything; makes the signing key and the shared secrets where there are none."""
    envelope = Envelope.load(settings)
    signing_keys = SigningKeys(envelope)
    async with database.begin() as tx:
        now = clock.now()
        await signing_keys.ensure_active(tx, "token", now)
        mac = StepMac(await secrets.ensure(tx, "step-mac", envelope, entropy, now))
        successors = Successors(await secrets.ensure(tx, "refresh-successors", envelope, entropy, now))

    async def load_ring() -> KeyRing:
        async with database.connect() as tx:
            return await signing_keys.load_ring(tx, "token")

    keys = KeyCache(load_ring)
    await keys.reload()
    times = SessionTimes(
        idle_timeout=timedelta(seconds=settings.session.idle_timeout),
        absolute_lifetime=timedelta(seconds=settings.session.absolute_lifetime),
    )
    one_session = OneSession(sessions, times, clock, entropy)
    assets = Assets(STATIC, base=ASSETS)
    return Parts(
        settings=settings,
        database=database,
        valkey=valkey,
        envelope=envelope,
        clock=clock,
        entropy=entropy,
        pages=Pages(*TEMPLATES, assets=assets),
        assets=assets,
        keys=keys,
        clients=ClientCache(clients, database, clock),
        mac=mac,
        successors=successors,
        hops=Hops(mac, settings.idp.issuer),
        one_session=one_session,
        arrivals=Arrivals(
            directory=directory,
            enrolments=factors,
            devices=devices,
            sessions=sessions,
            one_session=one_session,
            entropy=entropy,
            duplicate_login=settings.session.duplicate_login,
            session_age=int(settings.session.absolute_lifetime),
        ),
        passwords=PasswordPool(settings.idp.password_threads),
    )
