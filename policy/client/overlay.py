"""What stands above the policy for a time, by the client: elevations and measures."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from policy.admin.overlay_messages import ElevationList, MeasureList, Reasoned
from policy.admin.scopes import PUBLISH, READ
from policy.client.exchange import Exchange
from policy.overlay.elevation import Elevation, Wish
from policy.overlay.measure import Measure, Ordered

_PERSON = ""
"""Elevations are asked for, and decided about, in person: by a token of theirs, whatever its scope."""


class Elevations:
    """What stands under `elevations`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def ask(self, wish: Wish) -> Elevation:
        """Ask for a role, for a time."""
        return self._exchange.act(Elevation, "POST", "/elevations", _PERSON, body=wish).value

    def list(self, state: str | None = None) -> Iterator[Elevation]:
        """Those that one may see, the newest first."""
        for page in self._exchange.pages(ElevationList, "/elevations", _PERSON, {"state": state}):
            yield from page.elevations

    def show(self, ident: str) -> Elevation:
        return self._exchange.get(Elevation, f"/elevations/{quote(ident, safe='')}", _PERSON).value

    def approve(self, ident: str, why: str) -> Elevation:
        """Grant it, from now on."""
        return self._decide(ident, "approve", why)

    def refuse(self, ident: str, why: str) -> Elevation:
        return self._decide(ident, "refuse", why)

    def withdraw(self, ident: str, why: str) -> Elevation:
        """Take back what one asked for."""
        return self._decide(ident, "withdraw", why)

    def end(self, ident: str, why: str) -> Elevation:
        """End it before its time."""
        return self._decide(ident, "end", why)

    def _decide(self, ident: str, act: str, why: str) -> Elevation:
        path = f"/elevations/{quote(ident, safe='')}/{act}"
        return self._exchange.act(Elevation, "POST", path, _PERSON, body=Reasoned(why)).value


class Measures:
    """What stands under `measures`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def order(self, asked: Ordered) -> Measure:
        """Order one, from now on."""
        return self._exchange.act(Measure, "POST", "/measures", PUBLISH, body=asked).value

    def list(self, state: str | None = None) -> Iterator[Measure]:
        """The newest first."""
        for page in self._exchange.pages(MeasureList, "/measures", READ, {"state": state}):
            yield from page.measures

    def show(self, ident: str) -> Measure:
        return self._exchange.get(Measure, f"/measures/{quote(ident, safe='')}", READ).value

    def lift(self, ident: str, why: str) -> Measure:
        """End it before its time."""
        path = f"/measures/{quote(ident, safe='')}/lift"
        return self._exchange.act(Measure, "POST", path, PUBLISH, body=Reasoned(why)).value
