"""The worker `logout`: carries the news of ends to relying parties and to the receivers of shared signals.

Any number of them may run; they share the work by leases. It runs with the identity provider's database role, because
what it carries is signed with the key of tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, open_database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.outbound import Outbound
from config.pause import pause
from config.settings import Settings
from idp.protocol.pairwise import PairwiseSubjects
from idp.sessions.courier import MOST, TIMEOUTS, Courier
from idp.storage import deliveries, secrets
from jose.keys import ES256, KeyRing
from jose.storage.keys import NoActiveKey, SigningKeys

EVERY = 0.2
"""Seconds between two looks at what is due, where nothing was."""
RETRY_AFTER = 1.0
KEYS_AGE = 2.0
"""Seconds for which a key ring is used. A key that is followed by another verifies for much longer; what one signs that
leaked is refused, and some never take such a delivery again."""

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run `logout` until `stop`; what is under way then is finished first."""
    database = open_database(settings, "idp")
    envelope = Envelope.load(settings)
    clock = SystemClock()
    keys = _Keys(envelope, database, clock)
    limits = httpx2.Limits(max_connections=MOST, max_keepalive_connections=MOST // 4)
    # neither proxies nor redirects: a post goes where it was registered to go
    client = httpx2.AsyncClient(timeout=TIMEOUTS, limits=limits, follow_redirects=False, trust_env=False)
    courier = Courier(
        deliveries=deliveries,
        database=database,
        ring=keys.ring,
        pairwise=keys.pairwise,
        envelope=envelope,
        client=client,
        outbound=Outbound.of(settings),
        issuer=settings.idp.issuer,
        clock=clock,
        entropy=SystemEntropy(),
    )
    try:
        async with client:
            await _run(courier, keys, ready, stop)
            await courier.drain()
    finally:
        await database.dispose()


async def _run(courier: Courier, keys: _Keys, ready: Callable[[], None], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await keys.renew()
            ready()
            seconds = 0.0 if await courier.step() else EVERY
        except (SQLAlchemyError, OSError, NoActiveKey) as error:
            _log.warning("deliveries are held up", error=type(error).__name__)
            seconds = RETRY_AFTER
        await pause(stop, seconds)


class _Keys:
    """The key ring of tokens, read anew now and then, and the key of pairwise identifiers, which never changes."""

    def __init__(self, envelope: Envelope, database: Database, clock: Clock) -> None:
        self._envelope = envelope
        self._signing_keys = SigningKeys(envelope)
        self._database = database
        self._clock = clock
        self._ring: KeyRing | None = None
        self._pairwise: PairwiseSubjects | None = None
        self._stale_at = 0.0

    async def renew(self) -> None:
        """Read the ring where it is old. Raises `NoActiveKey` before the identity provider first ran."""
        if self._ring is not None and self._clock.monotonic() < self._stale_at:
            return
        if self._pairwise is None:
            async with self._database.begin() as tx:
                kept = await secrets.ensure(tx, "pairwise-subjects", self._envelope, SystemEntropy(), self._clock.now())
            self._pairwise = PairwiseSubjects(kept)
        async with self._database.connect() as tx:
            self._ring = await self._signing_keys.load_ring(tx, "token", (ES256,))
        self._stale_at = self._clock.monotonic() + KEYS_AGE

    def ring(self) -> KeyRing:
        if self._ring is None:
            raise LookupError("the key ring was never loaded")
        return self._ring

    def pairwise(self) -> PairwiseSubjects:
        if self._pairwise is None:
            raise LookupError("the key of pairwise identifiers was never loaded")
        return self._pairwise
