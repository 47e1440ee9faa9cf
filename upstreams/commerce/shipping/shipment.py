"""A parcel of one order: what is in it, who carries it, where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import ProblemType
from upstreams.commerce.ordering.states import ShipmentState
from upstreams.trade.allocation import Taken

NO_SUCH_SHIPMENT = ProblemType(
    "MJ-COM-221", HTTPStatus.NOT_FOUND, "There is no such parcel", "Look at the parcels of the order."
)
NOT_TO_SHIP = ProblemType(
    "MJ-COM-222",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "That many are not to be sent",
    "Load the order again: some of it went out before, or was cancelled.",
)
CARRIERS = {
    "cj": "https://trace.cjlogistics.com/next/tracking.html?wblNo={}",
    "hanjin": "https://www.hanjin.com/kor/CMS/DeliveryMgr/WaybillResult.do?mCode=MN038&wblnum={}",
    "post": "https://service.epost.go.kr/trace.RetrieveDomRigiTraceList.comm?sid1={}",
}
"""Carriers whose tracking page is known, by their short name."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel."""

    id: UUID
    order: UUID
    state: ShipmentState
    carrier: str
    tracking: str
    shipped_at: datetime
    lines: Sequence[Taken]
    delivered_at: datetime | None = None

    @property
    def page(self) -> str:
        """Where its carrier says where it is; empty where that is not known."""
        known = CARRIERS.get(self.carrier)
        return known.format(self.tracking) if known and self.tracking.isalnum() else ""


class Shipments(Protocol):
    """Parcels."""

    async def open(self, tx: Transaction, shipment: Shipment) -> None:
        """Write one that went out."""

    async def of(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Shipment]:
        """All of these orders, the oldest first."""

    async def move(self, tx: Transaction, shipment: Shipment, to: ShipmentState, now: datetime) -> None:
        """Change the state of one whose order is locked. Raises `NOT_NOW`."""
