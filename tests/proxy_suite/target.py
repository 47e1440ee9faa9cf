"""A gateway that is tried: where it is, what it takes to get through it, and what it claims to do."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

SHIPPED = Path(__file__).parent / "targets"


class Times(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds after which the gateway gives up; 0: not known, and the case is not offered."""

    head: float = 0
    """On a head that comes byte by byte."""
    body: float = 0
    """On a request's body that stops coming."""
    first_byte: float = 0
    """On an origin that does not answer."""
    stream: float = 0
    """On an answer that stops coming."""
    reader: float = 0
    """On a client that does not read."""


class Target(msgspec.Struct, forbid_unknown_fields=True):
    """What a description may say; the first two come from the command line where they are not in it."""

    name: str = "gateway"
    url: str = ""
    host: str = ""
    """The Host by which the origin is reached; empty: that of `url`."""
    prefix: str = ""
    """Below which everything goes to the origin, such as `/app`."""
    through: list[str] = []
    """Header lines that let a request through, such as `Authorization: Bearer …`."""
    browser: list[str] = []
    """Header lines of a browser whose person is signed in (a cookie)."""
    offers: list[str] = []
    """What the gateway claims beyond proxying and cannot be told from the rest: `credentials` (nobody gets through
    without), `tokens` (they are access tokens, as JWTs), `frames` (it looks at those of websockets)."""
    closed: str = ""
    """A path below which nobody may go, though the origin would answer there."""
    identity: list[str] = []
    """Headers by which the origin is told who asks."""
    address_header: str = "x-forwarded-for"
    """The header whose last address is the client's, as the gateway saw it."""
    trusted_source: str = ""
    """A loopback address whose forwarded addresses the gateway believes."""
    websocket: str = ""
    """A path below which websockets pass; empty: anywhere."""
    other_host: str = ""
    """A second Host of the same gateway with the same origin, for which another token is needed."""
    other_through: list[str] = []
    refused_tokens: dict[str, str] = {}
    """Tokens that it must refuse, each with its fault."""
    return_path: str = ""
    """An address that leads to `{}` after somebody signed in, sent with `browser`."""
    own_pages: list[str] = []
    """Paths that the gateway itself answers."""
    body: int = 0
    """The most bytes of a request's body; 0: not known."""
    frame: int = 0
    """The most bytes of a websocket frame; 0: not known."""
    times: Times = msgspec.field(default_factory=Times)
    patience: float = 3.0
    """Seconds for the first byte of an answer."""
    silence: float = 0.3
    """Seconds without a byte after which no more is expected."""

    def does(self, need: str) -> bool:
        """Whether it claims what a case needs: one of `offers`, or what the fields here tell, such as `times.head`."""
        if not need or need in self.offers:
            return True
        found: object = self
        for name in need.split("."):
            found = getattr(found, name, None)
        return bool(found)

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    @property
    def authority(self) -> str:
        return self.host or urlsplit(self.url).netloc


Hurry = Callable[[float], None]
"""Makes so many seconds pass for the gateway."""


def shipped(name: str, **more: Any) -> Target:
    """One of the descriptions that are there, with what is known only now."""
    return msgspec.structs.replace(described(SHIPPED / f"{name}.toml"), **more)


def described(path: Path) -> Target:
    """What a file says. Raises `msgspec.ValidationError`, `OSError`."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Target)
