"""The sandbox's webhooks: told again until they are taken, and in all the ways in which they go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx2
import msgspec
import structlog

from config.clock import Clock
from upstreams.trade.payments.sandbox.bank import Held
from upstreams.trade.payments.webhooks import HEADER, sign

PAUSES = (0.0, 1.0, 4.0, 16.0, 64.0)
"""Seconds before each attempt to deliver one."""
LATE = 3.0
"""Seconds by which a late one comes late."""
_log = structlog.get_logger(__name__)


class Posting:
    """Sends webhooks."""

    def __init__(self, secret: bytes, name: Callable[[], str], clock: Clock) -> None:
        self._secret = secret
        self._name = name
        self._clock = clock
        self._client = httpx2.AsyncClient(timeout=5.0, follow_redirects=False, trust_env=False)
        self._under_way: set[asyncio.Task[None]] = set()

    def tell(self, held: Held) -> None:
        """Tell that a payment changed, beside whatever else is done."""
        to = held.webhook
        if held.card.posting == "never" or not to:
            return
        body = msgspec.json.encode({"id": self._name(), "type": "payment.changed", "payment": held.document()})
        late = LATE if held.card.posting == "late" else 0.0
        if held.card.posting == "forged":
            self._send(self._deliver(to, body, b"not the secret", 0.0))
        for _ in range(2 if held.card.posting == "twice" else 1):
            self._send(self._deliver(to, body, self._secret, late))

    async def aclose(self) -> None:
        """Stop telling."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    def _send(self, delivery: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(delivery)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, to: str, body: bytes, secret: bytes, late: float) -> None:
        for pause in PAUSES:
            await asyncio.sleep(pause + late)
            signature = sign(secret, body, self._clock.now())
            try:
                answer = await self._client.post(
                    to, content=body, headers={"Content-Type": "application/json", HEADER: signature}
                )
            except httpx2.HTTPError as error:
                _log.info("webhook_not_taken", error=type(error).__name__)
                continue
            if answer.status_code < 300 or secret != self._secret:
                return
            _log.info("webhook_not_taken", status=answer.status_code)
