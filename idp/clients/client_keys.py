"""The public keys of clients: registered by value, or published where they registered (RFC 7591, section 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from idp.clients.client import Client
from jose.foreign import UnknownKey
from jose.published_keys import KeysAway, KeySet, PublishedKeys

T = TypeVar("T")


async def check_by_keys(client: Client, published: PublishedKeys, check: Callable[[KeySet], T]) -> T:
    """What `check` says of a client's keys; there are none where they cannot be had. Raises what it does."""
    jwks, uri = client.metadata.jwks, client.metadata.jwks_uri
    if uri is None:
        listed = jwks.get("keys") if jwks is not None else None
        return check(KeySet(listed if isinstance(listed, list) else ()))
    try:
        return await published.check(uri, check)
    except KeysAway:
        raise UnknownKey from None
