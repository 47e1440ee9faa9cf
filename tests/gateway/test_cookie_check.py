"""Behind the cookie stands the login's access token, and it is believed as any other: by the keys of now."""

from __future__ import annotations

import hashlib

import httpx2
from msgspec.structs import replace

from gateway.exchange import Answer, Forward
from gateway.relying_party.cookie_session import seal, unseal
from jose.keys import KeyRing, SigningKey
from tests.gateway.rig import METADATA, Rig, head
from tests.gateway.test_live_connections import opened

COOKIE = hashlib.sha256(b"c" * 43).digest()


async def cookie_of(rig: Rig, key: SigningKey | None = None) -> tuple[bytes, bytes]:
    await rig.project()
    return b"cookie", await rig.cookie(key=key)


async def test_a_token_that_no_known_key_signed_is_not_believed(rig: Rig) -> None:
    """Whoever could write the row, and even seal it, signs nobody in."""
    cookie = await cookie_of(rig, SigningKey.generate())
    verdict = await rig.ask(head(headers=[cookie]))
    assert isinstance(verdict, Answer)
    assert verdict.status == 503
    rig.clock.advance(10)
    rig.beat()
    rig.will_answer(rig.token())  # another one may be had
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)


async def test_a_key_that_is_new_is_asked_for(rig: Rig) -> None:
    key = SigningKey.generate()
    cookie = await cookie_of(rig, key)
    rig.clock.advance(10)
    rig.beat()
    rig.answers += [httpx2.Response(200, json=METADATA), httpx2.Response(200, json=KeyRing.of(key).jwks())]
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)


async def test_what_stands_beside_the_token_counts_for_nothing(rig: Rig) -> None:
    cookie = await cookie_of(rig)
    async with rig.database.begin() as tx:
        stored = await rig.storage.find(tx, COOKIE)
        assert stored is not None
        contents = unseal(stored.contents_sealed, rig.envelope, COOKIE)
        raised = replace(contents, claims={**contents.claims, "roles": ["administrator"]})
        await rig.storage.refreshed(
            tx,
            COOKIE,
            contents_sealed=seal(raised, rig.envelope, COOKIE),
            access_expires_at=stored.access_expires_at,
        )
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)
    caller = rig.cookies.find(COOKIE, rig.clock.timestamp())
    assert caller is not None
    assert caller.identity.roles == ("customer",)


async def test_a_key_that_leaked_is_believed_no_more_and_a_new_token_is_had(rig: Rig) -> None:
    cookie = await cookie_of(rig)
    connection = await opened(rig, head(headers=[cookie]))
    other = SigningKey.generate()
    both = KeyRing.of(rig.key).public | KeyRing.of(other).public
    rig.provider.learn(METADATA, {"keys": [key.jwk() for key in both.values()]})
    assert isinstance(rig.pipeline(head(headers=[cookie])), Forward), "a key that is added takes nothing away"
    rig.provider.learn(METADATA, KeyRing.of(other).jwks())
    assert connection.reasons == ["session_unknown"]
    verdict = await rig.ask(head(headers=[cookie]))
    assert isinstance(verdict, Answer)
    assert verdict.status == 503
    rig.clock.advance(10)
    rig.beat()
    rig.will_answer(rig.token(key=other))
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)
