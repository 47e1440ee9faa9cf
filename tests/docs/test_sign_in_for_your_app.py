"""The app of `docs/how-to/sign-in-for-your-app.md` registers, signs somebody in, and shows their name."""

from __future__ import annotations

from typing import Any

import httpx2

from config.settings import Settings
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.browser import Browser
from tests.idp.conftest import provider
from tests.idp.provider import Provider

__all__ = ["provider"]  # the fixture

PAGE = PROJECT / "docs" / "how-to" / "sign-in-for-your-app.md"


def written() -> dict[str, Any]:
    """Everything that the page's blocks define."""
    together: dict[str, Any] = {"__name__": "example"}
    for line, source in blocks(PAGE, "python"):
        exec(compile("\n" * (line - 1) + source, str(PAGE), "exec"), together)
    return together


async def test_a_person_signs_in(settings: Settings, provider: Provider) -> None:  # noqa: F811 - the fixture
    page = written()
    await page["register_orders"](settings)
    await page["register_orders"](settings)
    secret = (settings.secrets / "orders-client.secret").read_text(encoding="ascii")
    app = page["orders"](provider.parts.issuer, secret)
    page["oauth"].munjigi.client_kwargs["transport"] = httpx2.ASGITransport(provider.app)
    person = await provider.person("mina")
    at_app, at_provider = Browser(httpx2.ASGITransport(app), page["ORIGIN"]), provider.browser()
    try:
        led = await at_app.follow(await at_app.get("/"))
        await at_provider.follow(await at_provider.get(led.headers["location"]))
        await provider.prove(at_provider, person)
        shown = await at_app.follow(await at_app.get(at_provider.address))
        assert shown.text == "Hello, Mina"
    finally:
        await at_app.close()


async def test_a_person_who_keeps_their_other_session_is_told(settings: Settings, provider: Provider) -> None:  # noqa: F811 - the fixture
    page = written()
    await page["register_orders"](settings)
    secret = (settings.secrets / "orders-client.secret").read_text(encoding="ascii")
    app = page["orders"](provider.parts.issuer, secret)
    page["oauth"].munjigi.client_kwargs["transport"] = httpx2.ASGITransport(provider.app)
    at_app = Browser(httpx2.ASGITransport(app), page["ORIGIN"])
    try:
        led = await at_app.follow(await at_app.get("/"))
        state = httpx2.URL(led.headers["location"]).params["state"]
        answer = f"/callback?error=access_denied&state={state}&iss={provider.parts.issuer}"
        assert (await at_app.get(answer)).status_code == 403
    finally:
        await at_app.close()
