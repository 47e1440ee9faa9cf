"""The device of `docs/how-to/sign-in-on-a-device.md` shows its code, and somebody allows it."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.account.conftest import hidden
from tests.idp.grants.programs import change, claims
from tests.idp.provider import Provider

PAGE = PROJECT / "docs" / "how-to" / "sign-in-on-a-device.md"


async def test_a_device_waits_until_it_is_allowed(provider: Provider, clock: FakeClock) -> None:
    page = defined_by(PAGE)
    tv = await provider.register("tv", auth_method="none")
    await change(provider, tv, grant_types=(page["GRANT"], "refresh_token"), redirect_uris=())
    user, browser = await provider.person(), provider.browser()
    await provider.sign_in(browser, await provider.register(), user)
    shown: list[str] = []
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        """The first time nobody has answered yet; then somebody does."""
        clock.advance(seconds)
        waited.append(seconds)
        if len(waited) == 2:
            asked = await browser.get(f"/device?user_code={shown[1]}")
            form = {"hop": hidden(asked), "user_code": shown[1], "decision": "allow"}
            assert (await browser.post("/device", form)).status_code == 200

    async with provider.client() as http:
        tokens = await page["sign_in"](http, "tv", lambda *said: shown.extend(said), wait)
    assert waited == [5, 5]
    assert shown[0] == f"{provider.parts.issuer}/device"
    assert claims(provider, tokens["access_token"])["sub"] == str(user)
