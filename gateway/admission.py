"""What is refused before anybody asks who it is, and what a zone does while nobody vouches for sessions."""

from __future__ import annotations

from http import HTTPStatus

from gateway.decision import enforcement
from gateway.exchange import RequestHead, Verdict
from gateway.inbound.credentials import Credentials
from gateway.inbound.manner import SAFE_METHODS, is_foreign
from gateway.routes.route_table import Mode, Route, StoreAway, Zone


def check_form(head: RequestHead, route: Route, shown: Credentials, scheme: bytes) -> Verdict | None:
    """Whether credentials, upgrade and origin fit the route; None: they do."""
    if shown.fault is not None:
        if shown.fault.status == HTTPStatus.UNAUTHORIZED:
            return enforcement.refuse_token(head, shown.fault)
        return enforcement.refuse(shown.fault, head)
    if head.upgrade and not route.websocket:
        return enforcement.problem(enforcement.NO_WEBSOCKET, head)
    if route.mode is Mode.BROWSER and shown.bearer is not None:
        return enforcement.refuse_token(head)
    if shown.cookie is not None and is_foreign(head, scheme + b"://" + route.authority.encode()):
        return enforcement.problem(enforcement.FOREIGN_ORIGIN, head)
    return None


def only_reads(head: RequestHead) -> bool:
    """Whether a request changes nothing; of a websocket nobody knows."""
    return head.method in SAFE_METHODS and not head.upgrade


def goes_on_without_lease(zone: Zone, overdue: float, *, reads: bool) -> bool:
    """Whether a zone lets an exchange begin, or live on, `overdue` seconds after the lease ran out (S4)."""
    if zone.store_away is StoreAway.GRACE:
        return overdue < zone.grace
    return zone.store_away is StoreAway.READ_ONLY and reads


def without_lease(head: RequestHead, route: Route, overdue: float) -> Verdict | None:
    """What the zone does `overdue` seconds after the lease on the near cache ran out (S4); None: go on."""
    if goes_on_without_lease(route.zone, overdue, reads=only_reads(head)):
        return None
    if route.zone.store_away is StoreAway.READ_ONLY and not head.upgrade:
        return enforcement.refuse(enforcement.READ_ONLY_NOW, head)
    return enforcement.refuse(enforcement.SESSION_UNKNOWN, head)
