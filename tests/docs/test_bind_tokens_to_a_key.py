"""What `docs/how-to/bind-tokens-to-a-key.md` shows binds tokens to a key, from the code to userinfo."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.conftest import provider
from tests.idp.keyed import TOKEN, USERINFO, ask, code, redemption, register
from tests.idp.provider import Provider

__all__ = ["provider"]

PAGE = PROJECT / "docs" / "how-to" / "bind-tokens-to-a-key.md"


async def test_the_proof_of_the_page_is_believed(provider: Provider, clock: FakeClock) -> None:
    clock.advance(42)
    page = defined_by(PAGE)
    proof, now = page["proof"], clock.timestamp()
    app = await register(provider, "app", "none", dpop_bound_access_tokens=True)
    form = redemption(app, await code(provider, app, dpop_jkt=page["KEY"].thumbprint()))
    asked = await ask(provider, "/token", form, app, DPoP=proof("POST", TOKEN, now))
    assert asked.json()["error"] == "use_dpop_nonce"
    nonce = asked.headers["dpop-nonce"]
    tokens = (await ask(provider, "/token", form, app, DPoP=proof("POST", TOKEN, now, nonce=nonce))).json()
    assert tokens["token_type"] == "DPoP"
    token = tokens["access_token"]
    shown = {"Authorization": f"DPoP {token}", "DPoP": proof("GET", USERINFO, now, token=token)}
    async with provider.client() as client:
        assert (await client.get("/userinfo", headers=shown)).status_code == 200
        bearer = await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert (bearer.status_code, bearer.headers["www-authenticate"].partition(" ")[0]) == (401, "DPoP")
