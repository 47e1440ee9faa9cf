"""The keys of the upstream assertion, for whoever verifies it: on every host, kept for a while, and never too late."""

from __future__ import annotations

import httpx2
import msgspec
import pytest

from config.health import health_application, publish
from gateway.assertion_keys import MAX_AGE, PATH, AssertionKeys
from gateway.exchange import Answer, OwnPage
from jose.keys import KeyRing, SigningKey
from tests.gateway.rig import Rig, head

WHERE = PATH.decode()


@pytest.mark.parametrize("host", ["shop.localhost", "console.localhost"])
async def test_they_stand_on_every_host(rig: Rig, host: str) -> None:
    answer = await rig.ask(head(WHERE, host=host))
    assert isinstance(answer, Answer)
    headers = dict(answer.headers)
    assert (answer.status, headers[b"content-type"]) == (200, b"application/jwk-set+json")
    assert headers[b"cache-control"] == b"public, max-age=%d" % MAX_AGE
    (jwk,) = msgspec.json.decode(answer.body)["keys"]
    assert jwk == rig.assertion_key.public.jwk()
    assert "d" not in jwk


async def test_nowhere_else_and_not_for_other_methods(rig: Rig) -> None:
    elsewhere = await rig.ask(head(WHERE, host="other.localhost"))
    assert isinstance(elsewhere, Answer)
    assert elsewhere.status == 404
    assert isinstance(await rig.ask(head(WHERE, method="POST")), OwnPage)


def test_who_has_them_is_told_so_until_they_change() -> None:
    ring = KeyRing.of(SigningKey.generate())
    keys = AssertionKeys(ring)
    tag = dict(keys.answer(head(WHERE)).headers)[b"etag"]
    asked = head(WHERE, headers=[(b"if-none-match", b'"other", ' + tag)])
    assert (keys.answer(asked).status, keys.answer(asked).body) == (304, b"")
    coming = SigningKey.generate()
    keys.replace(KeyRing(ring.signers, {**ring.public, coming.kid: coming.public}))
    again = keys.answer(asked)
    assert again.status == 200
    assert {key["kid"] for key in msgspec.json.decode(again.body)["keys"]} == {ring.active.kid, coming.kid}


async def test_they_stand_on_the_health_socket_while_they_are_published() -> None:
    keys = AssertionKeys(KeyRing.of(SigningKey.generate()))
    withdraw = publish("/assertion-keys", "application/jwk-set+json", lambda: keys.document)
    transport = httpx2.ASGITransport(app=health_application("gateway", {}))
    async with httpx2.AsyncClient(transport=transport, base_url="http://health") as health:
        assert (await health.get("/assertion-keys")).content == keys.document
        assert (await health.get("/healthz")).json()["alive"] is True
        withdraw()
        assert (await health.get("/assertion-keys")).status_code == 404
