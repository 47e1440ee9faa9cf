"""The program of `docs/how-to/call-services-as-a-program.md` gets a token, and takes it back."""

from __future__ import annotations

from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.grants.programs import claims, program
from tests.idp.grants.test_client_credentials import active
from tests.idp.provider import SECRET, Provider

PAGE = PROJECT / "docs" / "how-to" / "call-services-as-a-program.md"


async def test_a_program_gets_a_token_and_takes_it_back(provider: Provider) -> None:
    page, app = defined_by(PAGE), await program(provider, "nightly")
    async with provider.client() as http:
        token = await page["token"](http, "nightly", SECRET)
        assert claims(provider, token)["sub"] == "nightly"
        assert await active(provider, app, token)
        await page["revoke"](http, "nightly", SECRET, token)
    assert not await active(provider, app, token)
