"""What each host of the gateway says of itself as a protected resource (RFC 9728): whose tokens it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock
from config.connections import Database, Transaction, reading
from config.recollection import Lease, Recollection
from gateway.exchange import Answer, RequestHead
from idp.protocol import scopes

PATH = b"/.well-known/oauth-protected-resource"

_AUTHORITY = re.compile(rb"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DescribedHost:
    """What the house says of a host of ours."""

    name: Mapping[str, str]
    """By locale."""
    scopes: tuple[str, ...]


NOT_DESCRIBED: Final = DescribedHost({}, ())


class DescribedHosts(Protocol):
    """A storage of them."""

    async def find(self, tx: Transaction, identifier: str) -> DescribedHost | None:
        """One, by its origin."""


class ResourceMetadata:
    """The documents (section 2), for whoever asks."""

    def __init__(
        self, *, hosts: DescribedHosts, database: Database, clock: Clock, scheme: str, issuer: str, lease: Lease
    ) -> None:
        """`lease`: who vouches that every change was told here."""
        self._hosts = hosts
        self._database = database
        self._scheme = scheme
        self._issuer = issuer
        self._known: Recollection[str, DescribedHost] = Recollection(clock, lease=lease)

    async def document(self, authority: str) -> Answer:
        """Of one host; `authority` is host and port as browsers name them, of the route table."""
        resource = f"{self._scheme}://{authority}"

        async def read() -> DescribedHost:
            async with reading(self._database) as tx:
                return await self._hosts.find(tx, resource) or NOT_DESCRIBED

        said: dict[str, object] = {"resource": resource, "authorization_servers": [self._issuer]}
        cache = b"public, max-age=300"
        try:
            host = await self._known.of(resource, read)
            said["scopes_supported"] = [*scopes.SCOPES, *host.scopes]
            if "en" in host.name:
                said["resource_name"] = host.name["en"]
            said |= {f"resource_name#{locale}": name for locale, name in host.name.items()}
        except (SQLAlchemyError, OSError) as error:  # what it stands for is known all the same
            _log.warning("scopes_unknown", private=str(error))
            cache = b"no-store"
        said["bearer_methods_supported"] = ["header"]
        headers = (
            (b"content-type", b"application/json"),
            (b"cache-control", cache),
            (b"access-control-allow-origin", b"*"),
            (b"x-content-type-options", b"nosniff"),
        )
        return Answer(200, headers, msgspec.json.encode(said))

    def changed(self) -> None:
        """Somebody described otherwise, or that may have been missed."""
        self._known.forget_all()


def challenge_parameter(head: RequestHead) -> dict[str, str]:
    """`resource_metadata` for a challenge (section 5.1); nothing where the request names no host that may be quoted."""
    host = head.get(b"host")
    if host is None or not _AUTHORITY.fullmatch(host):
        return {}
    return {"resource_metadata": f"{head.scheme}://{host.decode('ascii').lower()}{PATH.decode('ascii')}"}
