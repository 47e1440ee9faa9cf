"""The gateway's keys: what is told of them is acted upon, also where the identity provider is a moment behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from gateway.assertion_keys import AssertionKeys
from gateway.key_news import BEHIND_AGAIN, BEHIND_MOST, PROVIDER_AGAIN, PROVIDER_EVERY, KeyNews
from gateway.relying_party.provider import Provider, ProviderUnreachable
from jose.assertion import AssertionSigner, Subject
from jose.keys import KeyRing, SigningKey
from tests.clock import FakeClock
from tests.keys import rsa_key

ISSUER = "http://localhost:9000"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
}


class Node:
    """A node of the identity provider, and the database that the gateway reads its own ring from."""

    def __init__(self, clock: FakeClock) -> None:
        self.token_ring = KeyRing.of(SigningKey.generate())
        self.assertion_ring = KeyRing.of(SigningKey.generate())
        self.away = False
        self.asked = 0
        self.policy_looks = 0
        self.http = httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))
        self.provider = Provider(
            issuer=ISSUER, client_id="g", client_secret="s", http=self.http, clock=clock, remember=self._remember
        )
        self.signer = AssertionSigner(self.assertion_ring)
        self.published = AssertionKeys(self.assertion_ring)
        self.news = KeyNews(
            provider=self.provider,
            signer=self.signer,
            published=self.published,
            read_ring=self._read,
            policy_changed=self._policy,
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            raise httpx2.ConnectError("away")
        if request.url.path == "/jwks":
            self.asked += 1
            return httpx2.Response(200, json=self.token_ring.jwks())
        return httpx2.Response(200, json=METADATA)

    async def _remember(self, *_known: Any) -> None:
        return

    async def _read(self) -> KeyRing:
        return self.assertion_ring

    def _policy(self) -> None:
        self.policy_looks += 1

    def told(self, ring: KeyRing) -> None:
        self.news.told("token", frozenset(ring.public))


@pytest.fixture
async def node(clock: FakeClock) -> AsyncIterator[Node]:
    made = Node(clock)
    assert await made.news.follow() == PROVIDER_EVERY
    yield made
    await made.http.aclose()


async def test_what_is_told_is_fetched_at_once(node: Node) -> None:
    node.token_ring = KeyRing.of(SigningKey.generate())
    node.told(node.token_ring)
    assert node.news.asked.is_set()
    assert await node.news.follow() == PROVIDER_EVERY
    assert node.provider.keys.keys() == node.token_ring.public.keys()


async def test_a_node_that_has_not_heard_yet_is_asked_again(node: Node) -> None:
    new = KeyRing.of(SigningKey.generate())
    node.told(new)
    assert await node.news.follow() == BEHIND_AGAIN
    assert await node.news.follow() == BEHIND_AGAIN
    node.token_ring = new
    assert await node.news.follow() == PROVIDER_EVERY
    assert node.provider.keys.keys() == new.public.keys()


async def test_nobody_is_asked_for_ever(node: Node) -> None:
    node.told(KeyRing.of(SigningKey.generate()))
    waits = [await node.news.follow() for _ in range(BEHIND_MOST)]
    assert waits == [BEHIND_AGAIN] * (BEHIND_MOST - 1) + [PROVIDER_AGAIN]
    node.provider._fetched_at = float("-inf")
    assert await node.news.follow() == PROVIDER_EVERY


async def test_only_what_is_told_passes_the_pause(node: Node) -> None:
    asked = node.asked
    node.news.told("*", frozenset())
    assert await node.news.follow() == PROVIDER_AGAIN
    assert node.asked == asked


async def test_while_the_provider_is_away_its_keys_stay_and_ours_change(node: Node) -> None:
    node.away, node.assertion_ring = True, KeyRing.of(SigningKey.generate())
    known = node.provider.keys
    node.news.told("assertion", frozenset(node.assertion_ring.public))
    node.told(KeyRing.of(SigningKey.generate()))
    assert await node.news.follow() == PROVIDER_AGAIN
    assert node.provider.keys is known
    assert node.signer._key.kid == node.assertion_ring.active.kid


async def test_an_assertion_that_was_made_stays_where_the_key_does(node: Node) -> None:
    made = node.signer.sign("shop", Subject(), zone="shop", now=0)
    await node.news.follow()
    assert node.signer.sign("shop", Subject(), zone="shop", now=0) is made


async def test_who_hears_of_what(node: Node) -> None:
    node.news.told("policy", frozenset())
    assert (node.policy_looks, node.news.asked.is_set()) == (1, False)
    node.news.told("*", frozenset())
    assert (node.policy_looks, node.news.asked.is_set()) == (2, True)


async def test_a_key_set_without_an_es256_key_is_of_no_use(node: Node) -> None:
    known = node.provider.keys
    only_rsa = {"keys": [rsa_key().public.jwk()]}
    with pytest.raises(ProviderUnreachable, match="ES256"):
        node.provider.learn(METADATA, only_rsa)
    assert node.provider.keys is known
    node.provider.learn(METADATA, KeyRing.of(SigningKey.generate(), rsa_key()).jwks())
    assert rsa_key().kid in node.provider.keys
