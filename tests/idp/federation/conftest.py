"""An organisation with an identity provider of its own, and people who come from there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text

from config.connections import Transaction
from idp.directory.account import ClientHome, Organisation
from idp.federation.links import Link
from idp.federation.provider import UpstreamProvider, secret_context
from idp.storage import directory, upstream_links, upstream_providers
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.federation.upstream import CLIENT, SECRET, Upstream, running_upstream
from tests.idp.login_pages.test_sign_in import open_sign_in
from tests.idp.people import BEGUN, HOUSE
from tests.idp.provider import App, Provider

OTHER = UUID("00000000-0000-4000-8000-0000000000bb")
FAILED = re.compile(r"MJ-(?:SIGNIN|IDP)-\d+")


@pytest.fixture
async def upstream(clock: FakeClock) -> AsyncIterator[Upstream]:
    async with running_upstream(clock) as running:
        yield running


async def lead(tx: Transaction, provider: UpstreamProvider) -> None:
    """Let the domains of a provider lead there, as the operator's word does."""
    await upstream_providers.put_domains(tx, provider, provider.domains)
    for domain in provider.domains:
        assert await upstream_providers.prove_domain(tx, provider, domain, uuid4(), BEGUN, by_file=False)


@dataclass
class Acme:
    """The house organisation, whose app this is, and its upstream."""

    provider: Provider
    upstream: Upstream
    app: App
    registered: UpstreamProvider
    rows: Callable[..., Awaitable[list[Any]]]

    async def put(self, **changed: Any) -> UpstreamProvider:
        """Change what is kept of it, as its administrator does."""
        async with self.provider.parts.database.begin() as tx:
            self.registered = replace(self.registered, **changed)
            assert await upstream_providers.change(tx, self.registered)
            await lead(tx, self.registered)
        self.provider.parts.offers.on_reset()
        return self.registered

    async def link(self, user: UUID, subject: str = "u-1", provider: UUID | None = None) -> None:
        async with self.provider.parts.database.begin() as tx:
            link = Link(
                provider_id=provider or self.registered.id,
                subject=subject,
                user_id=user,
                shown=f"{subject}@acme.example",
                linked_at=BEGUN,
            )
            assert await upstream_links.add(tx, link)

    async def links(self) -> list[tuple[str, UUID]]:
        """Subject and person of each link."""
        return [(row.subject, row.user_id) for row in await self.rows("SELECT * FROM idp.upstream_link")]

    async def leave(self, browser: Browser, **changed: str | None) -> str:
        """From the app to the upstream. Returns where the browser was sent."""
        page = await open_sign_in(browser, self.app, **changed)
        return await self.click(browser, page)

    async def click(self, browser: Browser, page: httpx2.Response, provider: UUID | None = None) -> str:
        """The button of the sign-in page."""
        response = await browser.get(button(page, provider or self.registered.id))
        assert response.status_code == 303, response.text
        return response.headers["location"]

    async def come_back(self, browser: Browser, address: str, **more: str) -> httpx2.Response:
        """From the upstream, where whoever was asked signed in."""
        return await browser.follow(await browser.get(self.upstream.answer(address, **more)))

    async def arrive(self, browser: Browser, **changed: str | None) -> httpx2.Response:
        """There and back."""
        return await self.come_back(browser, await self.leave(browser, **changed))

    async def attempts(self) -> int:
        """How many questions wait."""
        [row] = await self.rows("SELECT count(*) AS n FROM idp.upstream_attempt")
        return int(row.n)


def button(page: httpx2.Response, provider: UUID) -> str:
    """Where the button of a provider leads."""
    found = re.search(rf'href="(/sign-in/upstream/{provider}\?[^"]*)"', page.text)
    assert found, page.text
    return found[1].replace("&amp;", "&")


def onward(page: httpx2.Response) -> str:
    """Where a page of a failure leads on to."""
    found = re.search(r'class="button primary block" href="([^"]*)"', page.text)
    assert found, page.text
    return found[1].replace("&amp;", "&")


def code_of(page: httpx2.Response) -> str:
    """The code of a problem that a page tells."""
    found = FAILED.search(page.text)
    assert found, page.text
    return found[0]


@pytest.fixture
async def acme(provider: Provider, upstream: Upstream, database: OpenDatabase) -> Acme:
    parts, app = provider.parts, await provider.register()
    ident = uuid4()
    registered = UpstreamProvider(
        id=ident,
        organisation_id=HOUSE,
        issuer=upstream.issuer,
        client_id=CLIENT,
        auth_method="client_secret_basic",
        sealed_secret=parts.envelope.seal(SECRET.encode(), secret_context(ident)),
        scopes=("openid", "profile", "email"),
        name={"ko": "아크메", "en": "Acme"},
        domains=("acme.example",),
    )
    async with parts.database.begin() as tx:
        for ident, name in ((HOUSE, "House"), (OTHER, "Other")):
            organisation = Organisation(id=ident, name=name, time_zone="Asia/Seoul", duplicate_login=None)
            await directory.put_organisation(tx, organisation, BEGUN)
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=HOUSE))
        assert await upstream_providers.add(tx, registered, BEGUN)
        await lead(tx, registered)

    async def rows(statement: str, **values: object) -> list[Any]:
        async with database("owner").connect() as tx:
            return list(await tx.execute(text(statement), values))

    return Acme(provider, upstream, app, registered, rows)
