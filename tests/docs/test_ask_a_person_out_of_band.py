"""The client of `docs/how-to/ask-a-person-out-of-band.md` asks, and somebody allows it."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.account.conftest import hidden
from tests.idp.grants.backchannel import till_of
from tests.idp.grants.programs import change, claims
from tests.idp.provider import Provider

PAGE = PROJECT / "docs" / "how-to" / "ask-a-person-out-of-band.md"


async def test_a_client_waits_until_it_is_allowed(provider: Provider, clock: FakeClock) -> None:
    page = defined_by(PAGE)
    till = await till_of(provider)
    await change(provider, till, grant_types=(page["GRANT"], "refresh_token"))
    user, browser = await provider.person(), provider.browser()
    await provider.sign_in(browser, await provider.register(), user)
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        """The first time nobody has answered yet; then somebody does."""
        clock.advance(seconds)
        waited.append(seconds)
        if len(waited) == 2:
            asked = await browser.get("/account/requests")
            assert "W4SCT" in asked.text
            form = {"hop": hidden(asked), "id": hidden(asked, "id"), "decision": "allow"}
            assert (await browser.post("/account/requests", form)).status_code == 303

    async with provider.client() as http:
        tokens = await page["ask"](http, provider.basic(till), "mina", "W4SCT", wait)
    assert waited == [5, 5]
    assert claims(provider, tokens["access_token"])["sub"] == str(user)
