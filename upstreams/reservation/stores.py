"""What reservation keeps, by intent; `reservation.storage` says where."""

from __future__ import annotations

from dataclasses import dataclass

from upstreams.reservation.dead_letters import DeadLetters
from upstreams.reservation.happening import Happenings
from upstreams.reservation.offers import Offers
from upstreams.reservation.places import PlaceStore
from upstreams.reservation.record import Records
from upstreams.reservation.request import Requests
from upstreams.reservation.reservation import Reservations
from upstreams.reservation.waiting import Waiting
from upstreams.trade.holds import Holds
from upstreams.trade.idempotency import IdempotencyKeys
from upstreams.trade.stock import Stock


@dataclass(frozen=True, slots=True)
class Stores:
    """Each takes the caller's transaction and never commits."""

    requests: Requests
    waiting: Waiting
    reservations: Reservations
    records: Records
    stock: Stock
    holds: Holds
    places: PlaceStore
    happenings: Happenings
    offers: Offers
    dead_letters: DeadLetters
    keys: IdempotencyKeys
