"""The keys that the provider publishes are those of the ring that is in force."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from idp.endpoints.discovery import JwksEndpoint
from jose.keys import ES256, KeyRing, SigningKey


async def test_another_ring_is_told_at_once() -> None:
    first, second = SigningKey.generate(), SigningKey.generate()
    rings = [KeyRing.of(first)]
    endpoint = JwksEndpoint(lambda: rings[-1])

    async def told() -> set[str]:
        answer = await endpoint(Request({"type": "http"}))
        return {key["kid"] for key in msgspec.json.decode(answer.body)["keys"]}

    assert await told() == await told() == {first.kid}
    rings.append(KeyRing({ES256: second}, {first.kid: first.public, second.kid: second.public}))
    assert await told() == {first.kid, second.kid}
    rings.append(KeyRing.of(second))
    assert await told() == {second.kid}
