"""A zone as it stands in the file of routes."""

from __future__ import annotations

import re

import msgspec

from gateway.routes.rate_entry import RateEntry, read_rates
from gateway.routes.route_table import StoreAway, Warn, WarnBy, Zone
from gateway.routes.scope_entry import ScopeEntry, read_scopes

_GRACE = re.compile(r"grace ([0-9]{1,6})")
_WARN = re.compile(r"(before|after_idle) ([0-9]{1,6})")


class ZoneEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`[zones.NAME]`."""

    store_away: str = "strict"
    expired_tokens: float = 0.0
    warn: str | None = None
    dpop_nonce_required: bool = False
    rates: list[RateEntry] = []
    scopes: list[str | ScopeEntry] = []


def read_zone(name: str, entry: ZoneEntry) -> Zone:
    """The zone that an entry means. Raises `ValueError`, naming the entry."""
    if entry.expired_tokens < 0:
        raise ValueError(f"zones.{name}.expired_tokens: seconds, 0 or more")
    grace = _GRACE.fullmatch(entry.store_away)
    if grace is None and entry.store_away not in ("strict", "read_only"):
        raise ValueError(f'zones.{name}.store_away: "strict", "grace N" (seconds) or "read_only"')
    return Zone(
        name,
        store_away=StoreAway.GRACE if grace is not None else StoreAway(entry.store_away),
        grace=float(grace[1]) if grace is not None else 0.0,
        expired_tokens=entry.expired_tokens,
        warn=_warn(name, entry.warn),
        dpop_nonce_required=entry.dpop_nonce_required,
        rates=read_rates(f"zones.{name}", entry.rates, f"zone {name}"),
        scopes=read_scopes(f"zones.{name}", entry.scopes),
    )


def _warn(zone: str, entry: str | None) -> Warn | None:
    if entry is None:
        return None
    found = _WARN.fullmatch(entry)
    if found is None or int(found[2]) == 0:
        raise ValueError(f'zones.{zone}.warn: "before N" or "after_idle N", N seconds, more than 0')
    return Warn(WarnBy(found[1]), float(found[2]))
