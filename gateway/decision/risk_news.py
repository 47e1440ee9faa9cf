"""Risks of sessions, told among gateways through one stream beside the way, so that all hold the same bands.

A gateway that starts reads as far back as anything may still count. While Valkey is away each goes by what it saw
itself, and tells it later, for as long as it counts. Ids of the stream are moments of Valkey's clock, so a cursor is
never beyond what comes, even of a Valkey that lost everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError
from redis.typing import EncodableT

from config import key_space
from config.clock import Clock
from config.connections import Valkey
from gateway.decision.risk_memory import RiskMemory
from policy.recent_risk import LONGEST

_log = structlog.get_logger(__name__)

INTERVAL = 0.1
"""Seconds between two rounds."""
PATIENCE = 1.0
"""Seconds that Valkey may take for one."""
AT_ONCE = 2000
STREAM_LENGTH = 200_000
SWEEP_EVERY = 30.0


class RiskNews:
    """Tells what this gateway noted, and hears what the others did."""

    def __init__(
        self,
        *,
        valkey: Valkey,
        clock: Clock,
        memory: RiskMemory,
        heard: Callable[[str], None] = lambda sid: None,
    ) -> None:
        """`heard` is told the session of whatever another gateway saw and this one had not."""
        self._valkey = valkey
        self._clock = clock
        self._memory = memory
        self._heard = heard
        self._cursor = f"{max(0, int((clock.timestamp() - LONGEST) * 1000))}-0"
        self._away = False
        self._swept_at = clock.monotonic()

    async def exchange(self) -> None:
        """One round: tell, then hear all that there is."""
        untold, self._memory.untold = self._memory.untold, {}
        try:
            async with asyncio.timeout(PATIENCE):
                await self._tell(untold)
                untold = {}
                while await self._hear() == AT_ONCE:
                    pass
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                _log.warning("risks_remembered_here_alone", error=type(error).__name__)
            self._away = True
            for sid, risks in untold.items():
                self._memory.untold.setdefault(sid, []).extend(risks)
        else:
            self._away = False
        if self._clock.monotonic() - self._swept_at >= SWEEP_EVERY:
            self._swept_at = self._clock.monotonic()
            self._memory.forget_over(self._clock.timestamp())

    async def _tell(self, untold: dict[str, list[tuple[int, float]]]) -> None:
        if not untold:
            return
        async with self._valkey.pipeline(transaction=False) as pipe:
            for sid, risks in untold.items():
                for risk, until in risks:
                    fields: dict[EncodableT, EncodableT] = {"sid": sid, "risk": str(risk), "until": str(until)}
                    pipe.xadd(key_space.RISK_STREAM, fields, maxlen=STREAM_LENGTH, approximate=True)
            await pipe.execute()

    async def _hear(self) -> int:
        answer: Any = await self._valkey.xread({key_space.RISK_STREAM: self._cursor}, count=AT_ONCE)
        entries = [entry for _, entries in answer for entry in entries] if answer else []
        now = self._clock.timestamp()
        for name, fields in entries:
            self._cursor = str(name)
            self._take(fields, now)
        return len(entries)

    def _take(self, fields: dict[str, str], now: float) -> None:
        try:
            sid, risk, until = fields["sid"], int(fields["risk"]), float(fields["until"])
        except (KeyError, ValueError) as error:
            _log.error("risk_unreadable", private=str(error))
            return
        if 0 <= risk <= 100 and self._memory.hear(sid, risk, until, now):
            self._heard(sid)
