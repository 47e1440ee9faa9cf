"""How far the published version has come."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Valkey
from config.openapi import Operation
from policy.admin.content_messages import GatewayEntry, ReachDocument
from policy.admin.group import Endpoint, answer
from policy.reach import reached
from policy.versions import Versions, published_number


class Reaching:
    """What stands under `reach`."""

    changing: tuple[Endpoint, ...] = ()

    def __init__(self, database: Database, valkey: Valkey, kept: Versions, clock: Clock) -> None:
        self._database = database
        self._valkey = valkey
        self._kept = kept
        self._clock = clock
        self.operations: dict[Operation, Endpoint] = {
            Operation("GET", "/reach", "Which version each gateway decides by", ReachDocument): self.reach,
        }

    async def reach(self, _request: Request) -> Response:
        async with self._database.connect() as tx:
            published = await published_number(self._kept, tx) or None
        told = await reached(self._valkey, self._clock.timestamp())
        gateways = tuple(GatewayEntry(**msgspec.structs.asdict(one)) for one in told)
        return answer(ReachDocument(published, all(one.version == published for one in told), gateways))
