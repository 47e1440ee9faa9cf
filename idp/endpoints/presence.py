"""How the pages for a client look, and whom their people ask: the organisation's ways, or else the product's."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit
from uuid import UUID

from config.sections.surroundings import SupportSettings
from idp.clients.client import Client
from idp.directory.account import Face, Support
from idp.directory.cache import FaceCache
from idp.protocol.pairwise import sector_hosts
from idp.protocol.redirect_uri import with_parameters
from pages.look import Look


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of an organisation."""

    look: Look | None
    support: Support


class Presence:
    """Faces for pages."""

    def __init__(self, faces: FaceCache, settings: SupportSettings, issuer: str) -> None:
        self._faces = faces
        self._issuer = issuer
        self._support = Support(name=settings.name, email=settings.email, phone=settings.phone, url=settings.url)

    async def of_client(self, client_id: str | None) -> Shown:
        """For the people of a client; ask only for one that exists."""
        return self._shown(await self._faces.of_client(client_id) if client_id is not None else None)

    async def of_organisation(self, organisation_id: UUID) -> Shown:
        """For the people of an organisation."""
        return self._shown(await self._faces.of_organisation(organisation_id))

    async def start_of(self, client: Client, origin: str | None) -> str | None:
        """Where the client's own sign-in begins: at this origin of its, or else at its first; at its
        `initiate_login_uri` where nobody said. `None`: it has none."""
        home = await self._faces.home(client.client_id)
        if home is None or not home.starts:
            return initiated(client, self._issuer)
        return next((start for start in home.starts if origin and start.startswith(origin + "/")), home.starts[0])

    def _shown(self, face: Face | None) -> Shown:
        if face is None:
            return Shown(None, self._support)
        return Shown(face.look, face.support or self._support)


def initiated(client: Client, issuer: str) -> str | None:
    """The address at which a client is asked to begin a sign-in here (OpenID Connect Core 1.0, section 4).

    Only at a host where it is answered, too: whoever registers a client leads nobody anywhere else.
    """
    uri = client.metadata.initiate_login_uri
    if uri is None or urlsplit(uri).hostname not in sector_hosts(client.redirect_uris):
        return None
    return with_parameters(uri, [("iss", issuer)])


def support_mail(support: Support, reference: str) -> str:
    """A `mailto:` address (RFC 6068) whose subject carries the correlation id; empty where nobody reads mail."""
    return f"mailto:{quote(support.email, safe='@')}?subject={quote(f'[{reference}]')}" if support.email else ""
