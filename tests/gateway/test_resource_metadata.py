"""RFC 9728: what each host says of itself as a protected resource, and where a challenge points."""

from __future__ import annotations

import msgspec
import pytest

from gateway.exchange import Answer
from tests.gateway.rig import Rig, bearer, head

SHOP = "http://shop.localhost:8080"


async def test_each_host_says_who_issues_its_tokens(rig: Rig) -> None:
    answer = await rig.ask(head("/.well-known/oauth-protected-resource"))
    assert isinstance(answer, Answer)
    assert answer.status == 200
    assert msgspec.json.decode(answer.body) == {
        "resource": SHOP,
        "authorization_servers": ["http://localhost:9000"],
        "scopes_supported": ["openid", "profile", "email"],
        "bearer_methods_supported": ["header"],
    }
    elsewhere = await rig.ask(head("/.well-known/oauth-protected-resource", host="unknown.localhost"))
    assert isinstance(elsewhere, Answer)
    assert elsewhere.status == 404


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (b"shop.localhost:8080", f', resource_metadata="{SHOP}/.well-known/oauth-protected-resource"'),
        (b'shop.localhost:"x', ""),
        (b"shop.localhost/..", ""),
    ],
)
async def test_a_challenge_says_where_that_is(rig: Rig, host: bytes, said: str) -> None:
    asked = await rig.ask(head("/cart", headers=[(b"host", host)]))
    assert isinstance(asked, Answer)
    assert dict(asked.headers)[b"www-authenticate"].decode() == f'Bearer realm="munjigi"{said}'
    refused = await rig.ask(head("/cart", headers=[(b"host", host), bearer("a.b.c")]))
    assert isinstance(refused, Answer)
    challenge = dict(refused.headers)[b"www-authenticate"].decode()
    assert 'error="invalid_token"' in challenge
    assert challenge.partition(", resource_metadata")[2] == said.partition(", resource_metadata")[2]


async def test_a_token_for_another_resource_alone_opens_nothing(rig: Rig) -> None:
    await rig.project()
    for audience, status in (("https://api.example/", 401), (["https://api.example/", "urn:munjigi:services"], None)):
        verdict = await rig.ask(head("/products", headers=[bearer(rig.token(aud=audience))]))
        assert (verdict.status if isinstance(verdict, Answer) else None) == status
