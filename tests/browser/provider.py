"""What of the provider people meet by the apps of others: clients that ask for them, in a house that is up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import UUID

from config.clock import SystemClock
from config.connections import Transaction, open_database
from config.envelope import Envelope
from idp.clients.client import Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.federation.links import Link
from idp.federation.provider import UpstreamProvider
from idp.grants.ciba import CIBA
from idp.grants.device_code import DEVICE_CODE
from idp.storage import clients, upstream_links, upstream_providers
from tests.house import House

SECRET = "a secret of 256 bits, let us say"
PROVIDER = UUID("00000000-0000-4000-8000-0000000000cc")


class Relying:
    """Apps of others at a house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def register(self) -> None:
        """A diary that people are asked about, a television, a till; once for a house."""
        diary = _client("diary", "밤하늘 일기", "Nightsky Diary", redirect_uris=(self.diary,), consent=True)
        tv = _client("tv", "달빛티비", "Moonlight TV", grants=(DEVICE_CODE,), public=True)
        till = _client("till", "달빛상점 계산대", "The till of the Moonlight shop", grants=(CIBA,))

        async def work(tx: Transaction) -> None:
            for client in (diary, tv, till):
                await clients.put(tx, client, SystemClock().now())

        self._within(work)

    @property
    def diary(self) -> str:
        """Where the diary is answered: a page that shows nothing of it."""
        return f"{self._house.issuer}/help"

    def request(self, **changed: str) -> str:
        """The address of the diary's request."""
        asked = {
            "response_type": "code",
            "client_id": "diary",
            "redirect_uri": self.diary,
            "scope": "openid profile email",
            "state": "x",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        return f"{self._house.issuer}/authorize?{urlencode({**asked, **changed})}"

    def device(self) -> dict[str, Any]:
        """The television's codes."""
        return self._post("/device_authorization", {"client_id": "tv", "scope": "openid profile"})

    def ask(self, name: str, words: str) -> None:
        """The till asks for somebody."""
        proof = {"client_id": "till", "client_secret": SECRET}
        form = {"scope": "openid profile", "login_hint": name, "binding_message": words, **proof}
        self._post("/bc-authorize", form)

    def link(self, name: str) -> None:
        """Somebody's account at another provider, which their organisation has."""
        [row] = self._house.rows(
            "SELECT person.user_id, member.organisation_id FROM idp.login_name AS person "
            f"JOIN idp.membership AS member USING (user_id) WHERE person.name = '{name}'"
        )
        settings, now = self._house.settings, SystemClock().now()
        provider = UpstreamProvider(
            id=PROVIDER,
            organisation_id=row["organisation_id"],
            issuer="https://login.acme.example",
            client_id="munjigi",
            auth_method="client_secret_basic",
            sealed_secret=Envelope.load(settings).seal(b"x", "provider"),
            scopes=("openid", "profile"),
            name={"ko": "아크메", "en": "Acme"},
        )
        link = Link(
            provider_id=PROVIDER, subject=name, user_id=row["user_id"], shown=f"{name}@acme.example", linked_at=now
        )

        async def work(tx: Transaction) -> None:
            await upstream_providers.add(tx, provider, now)
            await upstream_links.add(tx, link)

        self._within(work)

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        asked = Request(self._house.issuer + path, data=urlencode(form).encode(), method="POST")
        with urlopen(asked, timeout=30) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def _within(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        async def run() -> None:
            database = open_database(self._house.settings, "idp")
            try:
                async with database.begin() as tx:
                    await work(tx)
            finally:
                await database.dispose()

        with ThreadPoolExecutor(1) as beside:  # Playwright's own loop runs in the caller's thread
            beside.submit(lambda: asyncio.run(run())).result()


def _client(
    client_id: str,
    ko: str,
    en: str,
    *,
    redirect_uris: tuple[str, ...] = (),
    grants: tuple[str, ...] = ("authorization_code",),
    public: bool = False,
    consent: bool = False,
) -> Client:
    metadata = ClientMetadata(
        consent_required=consent,
        policy_uri="https://diary.example/privacy" if consent else None,
        backchannel_token_delivery_mode="poll" if CIBA in grants else None,
    )
    return Client(
        client_id=client_id,
        name={"ko": ko, "en": en},
        auth_method="none" if public else "client_secret_post",
        secret_hash=None if public else hash_secret(SECRET),
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=(),
        grant_types=grants,
        scopes=("openid", "profile", "email"),
        metadata=metadata,
    )
