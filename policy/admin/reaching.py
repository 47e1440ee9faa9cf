"""How far the published version has come."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database
from config.openapi import Operation
from policy.admin.content_messages import GatewayEntry, ReachDocument
from policy.admin.group import Endpoint, answer
from policy.reach import Reached, Store, reached
from policy.versions import Versions, published_number


class Reaching:
    """What stands under `reach`."""

    changing: tuple[Endpoint, ...] = ()

    def __init__(self, database: Database, kept: Versions, reports: Store, clock: Clock) -> None:
        self._database = database
        self._kept = kept
        self._reports = reports
        self._clock = clock
        self.operations: dict[Operation, Endpoint] = {
            Operation("GET", "/reach", "Which version each gateway decides by", ReachDocument): self.reach,
        }

    async def reach(self, _request: Request) -> Response:
        async with self._database.connect() as tx:
            published = await published_number(self._kept, tx) or None
            reach = await reached(self._reports, tx)
        everywhere = not reach.unheard and all(one.version == published for one in reach.heard)
        return answer(ReachDocument(published, everywhere, self._entries(reach.heard), self._entries(reach.unheard)))

    def _entries(self, told: Iterable[Reached]) -> tuple[GatewayEntry, ...]:
        now = self._clock.timestamp()
        return tuple(GatewayEntry(one.gateway, one.version, now - one.age) for one in told)
