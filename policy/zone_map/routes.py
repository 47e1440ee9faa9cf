"""The gateway's route table, as far as a map shows it: read leniently, since the gateway is who checks it."""

from __future__ import annotations

from pathlib import Path

import msgspec

import config

SHIPPED = Path(config.__file__).parent / "shipped" / "routes.toml"


class MappedRoute(msgspec.Struct, frozen=True):
    """One way through the door."""

    address: str
    """Host and port as browsers name them."""
    path: str
    zone: str
    upstream: str
    mode: str = "both"
    """Which credentials it takes: `browser`, `api` or `both`."""
    websocket: bool = False
    public: bool = False


class MappedOutage(msgspec.Struct, frozen=True):
    """What a zone does while the store of sessions, or the identity provider, is away."""

    store_away: str = "strict"
    """`strict`, `grace N` (seconds) or `read_only`."""
    expired_tokens: float = 0.0
    """Seconds for which the expired token of a living session is taken while the identity provider is away."""


class MappedRoutes(msgspec.Struct, frozen=True):
    """What stands in the file of routes."""

    routes: tuple[MappedRoute, ...] = ()
    zones: dict[str, MappedOutage] = {}


def read_routes(path: Path, port: int) -> MappedRoutes | None:
    """The table in a file, `port` for `{port}`; None: it cannot be read, or is none."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=MappedRoutes)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    routes = tuple(
        msgspec.structs.replace(route, address=route.address.replace("{port}", str(port))) for route in found.routes
    )
    return MappedRoutes(routes, found.zones)
