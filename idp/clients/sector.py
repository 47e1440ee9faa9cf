"""The sector of a client whose people have pairwise subjects (OpenID Connect Core 1.0, section 8.1): one host, or the
document of a `sector_identifier_uri` that names every redirect URI (Dynamic Client Registration 1.0, section 5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from config.outbound import Fetch, NotFetched
from idp.clients.client import Client
from idp.clients.invalid import InvalidRegistration

LARGEST: Final = 65_536
"""Bytes of the document."""


def check_document(document: bytes, redirect_uris: Collection[str]) -> None:
    """Raises `InvalidRegistration` unless the document names every redirect URI."""
    try:
        named = frozenset(msgspec.json.decode(document, type=list[str]))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _invalid("sector_identifier_uri does not lead to a JSON array of redirect URIs") from error
    if not named.issuperset(redirect_uris):
        raise _invalid("the document of sector_identifier_uri does not name every redirect URI")


class Sectors:
    """Looks at the documents, at addresses that strangers may have named."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def check(self, client: Client) -> None:
        """Fetch the client's document, if it names one. Raises `InvalidRegistration`."""
        uri = client.metadata.sector_identifier_uri
        if uri is None:
            return
        try:
            document = await self._fetch(uri, most=LARGEST)
        except NotFetched as error:
            raise _invalid("sector_identifier_uri cannot be read") from error
        check_document(document, client.redirect_uris)


def _invalid(description: str) -> InvalidRegistration:
    return InvalidRegistration("invalid_client_metadata", description)
