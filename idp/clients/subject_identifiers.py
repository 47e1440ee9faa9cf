"""By which identifier a client knows people: their own, or one that its sector alone sees (OIDC Core 1.0, 8)."""

from __future__ import annotations

from uuid import UUID

from idp.clients.client import Client
from idp.clients.sector import sector_hosts
from idp.protocol.pairwise import PairwiseSubjects


def sector(client: Client) -> str | None:
    """The host that the identifiers of a pairwise client are for; None where the client knows people by their own.

    Raises `ValueError` where there is no such host, which registration does not let happen: nothing is issued then.
    """
    if client.metadata.subject_type == "public":
        return None
    if client.metadata.sector_identifier_uri is not None:
        hosts = sector_hosts((client.metadata.sector_identifier_uri,))
    else:
        hosts = sector_hosts(client.redirect_uris)
    if len(hosts) != 1:
        raise ValueError(f"{client.client_id}: pairwise subjects need one host or a sector_identifier_uri")
    return next(iter(hosts))


class SubjectIdentifiers:
    """Turns people into what clients are told, and back."""

    def __init__(self, pairwise: PairwiseSubjects) -> None:
        self._pairwise = pairwise

    def shown(self, client: Client, user_id: UUID | str) -> str:
        """The `sub` of a person for this client."""
        host = sector(client)
        return str(user_id) if host is None else self._pairwise.of(UUID(str(user_id)), host)

    def user(self, client: Client, subject: str) -> str | None:
        """Whom a client means by a `sub`; None: nobody."""
        host = sector(client)
        if host is None:
            return subject
        found = self._pairwise.user_of(subject, host)
        return str(found) if found is not None else None
