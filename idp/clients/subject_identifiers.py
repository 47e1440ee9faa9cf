"""By which identifier a client knows people and their sessions: their own, or one that its sector alone sees (OIDC Core
1.0, section 8; decision 0032)."""

from __future__ import annotations

from uuid import UUID

from idp.clients.client import Client
from idp.protocol.pairwise import PairwiseSubjects, sector_of


def sector_addresses(client: Client) -> tuple[str, ...] | None:
    """The addresses that name the sector of a pairwise client; None where the client knows people by their own."""
    if client.metadata.subject_type == "public":
        return None
    uri = client.metadata.sector_identifier_uri
    return client.redirect_uris if uri is None else (uri,)


def sector(client: Client) -> str | None:
    """The host that the identifiers of a pairwise client are for; None where the client knows people by their own.

    Raises `ValueError` as `sector_of` does.
    """
    addresses = sector_addresses(client)
    return None if addresses is None else sector_of(addresses)


class SubjectIdentifiers:
    """Turns people into what clients are told, and back."""

    def __init__(self, pairwise: PairwiseSubjects) -> None:
        self.pairwise = pairwise

    def shown(self, client: Client, user_id: UUID | str) -> str:
        """The `sub` of a person for this client."""
        host = sector(client)
        return str(user_id) if host is None else self.pairwise.of(UUID(str(user_id)), host)

    def user(self, client: Client, subject: str) -> str | None:
        """Whom a client means by a `sub`; None: nobody."""
        host = sector(client)
        if host is None:
            return subject
        found = self.pairwise.user_of(subject, host)
        return str(found) if found is not None else None

    def sid(self, client: Client, sid: str) -> str:
        """The `sid` of a session for this client."""
        host = sector(client)
        return sid if host is None else self.pairwise.sid_of(sid, host)

    def session(self, shown: str) -> str:
        """The session that a `sid` of any client's means."""
        return self.pairwise.session_of(shown)
