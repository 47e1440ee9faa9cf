"""Zones, and the flows between them, by the client."""

from __future__ import annotations

from collections.abc import Iterator

from policy.admin.scopes import READ
from policy.admin.zone_messages import ZoneList
from policy.client.exchange import Exchange
from policy.zone_map.map import MappedZone, ZoneMap


class Zones:
    """What stands under `zones`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def list(self) -> Iterator[MappedZone]:
        """By name."""
        for page in self._exchange.pages(ZoneList, "/zones", READ):
            yield from page.zones

    def map(self) -> ZoneMap:
        """All zones and the flows between them."""
        return self._exchange.get(ZoneMap, "/zones/map", READ).value

    def picture(self, lang: str = "en") -> str:
        """The same as a picture (SVG)."""
        return self._exchange.text("GET", "/zones/map.svg", READ, query={"lang": lang}, accept="image/svg+xml")
