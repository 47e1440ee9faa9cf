"""The upstream assertion: one person, one upstream, one minute."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from jose import jws
from jose.assertion import ISSUER, LIFETIME, RENEW_AFTER, TYPE, AssertionSigner, AssertionVerifier, Subject, audience
from jose.jws import InvalidToken, Refusal
from jose.keys import KeyRing, SigningKey

KEY = SigningKey.generate()
RING = KeyRing.of(KEY)
NOW = 1_795_338_000.0
MINJI = Subject(
    sid="s" * 22, sub="u1", org="o1", roles=("buyer",), acr="urn:munjigi:acr:2", device_id="d", device_trust="known",
    name="민지", locale="ko",
)  # fmt: skip


def verifier(keys=None, upstream="commerce", fetched=None, **kwargs):
    async def refresh():
        calls.append(1)
        return fetched if fetched is not None else {}

    calls: list[int] = []
    made = AssertionVerifier(upstream, RING.public if keys is None else keys, refresh, **kwargs)
    return made, calls


async def test_an_upstream_sees_who_it_is():
    token = AssertionSigner(RING).sign("commerce", MINJI, zone="shop", obligations=("mask:phone",), now=NOW)
    commerce, _ = verifier()
    seen = await commerce.verify(token, now=NOW)
    assert seen.subject == MINJI
    assert (seen.zone, seen.obligations, seen.expires_at) == ("shop", ("mask:phone",), NOW + LIFETIME)
    assert await commerce.verify(token, now=NOW + 59.9) is seen


async def test_what_a_token_is_for_is_said_where_it_is_for_something():
    reader = msgspec.structs.replace(MINJI, scope=("policy:read", "reports"))
    signer = AssertionSigner(RING)
    for who, said in ((reader, "policy:read reports"), (MINJI, None)):
        token = signer.sign("commerce", who, zone="shop", now=NOW)
        claims = jws.verify(
            token, RING, expected_typ=TYPE, expected_issuer=ISSUER, expected_audience=audience("commerce"), now=NOW
        )
        assert claims.get("scope") == said
        assert (await verifier()[0].verify(token, now=NOW)).subject == who


async def test_who_acts_is_said_as_rfc_8693_has_it():
    acted = msgspec.structs.replace(MINJI, actors=("ledger", "shop"))
    signer = AssertionSigner(RING)
    token = signer.sign("commerce", acted, zone="shop", now=NOW)
    claims = jws.verify(
        token, RING, expected_typ=TYPE, expected_issuer=ISSUER, expected_audience=audience("commerce"), now=NOW
    )
    assert claims["act"] == {"sub": "ledger", "act": {"sub": "shop"}}
    commerce, _ = verifier()
    assert (await commerce.verify(token, now=NOW)).subject == acted
    assert signer.sign("commerce", MINJI, zone="shop", now=NOW) != token, "whoever asks for themselves is not acted for"


async def test_nobody_is_somebody_too():
    token = AssertionSigner(RING).sign("commerce", Subject(), zone="shop", now=NOW)
    commerce, _ = verifier()
    assert (await commerce.verify(token, now=NOW)).subject == Subject()


async def test_expired_at_exp_also_from_memory():
    token = AssertionSigner(RING).sign("commerce", MINJI, zone="shop", now=NOW)
    for seen_before in (False, True):
        commerce, _ = verifier()
        if seen_before:
            await commerce.verify(token, now=NOW)
        with pytest.raises(InvalidToken) as refused:
            await commerce.verify(token, now=NOW + LIFETIME)
        assert refused.value.refusal is Refusal.EXPIRED


async def test_another_upstreams_assertion_is_refused():
    token = AssertionSigner(RING).sign("reservation", MINJI, zone="shop", now=NOW)
    commerce, _ = verifier()
    with pytest.raises(InvalidToken) as refused:
        await commerce.verify(token, now=NOW)
    assert refused.value.refusal is Refusal.AUDIENCE


async def test_an_access_token_is_no_assertion():
    token = jws.sign(KEY, {"iss": ISSUER, "aud": audience("commerce"), "iat": NOW, "exp": NOW + 60}, typ="at+jwt")
    commerce, _ = verifier()
    with pytest.raises(InvalidToken) as refused:
        await commerce.verify(token, now=NOW)
    assert refused.value.refusal is Refusal.TYPE


async def test_claims_of_another_form_are_refused():
    token = jws.sign(KEY, {"iss": ISSUER, "aud": audience("commerce"), "iat": NOW, "exp": NOW + 60}, typ=TYPE)
    commerce, _ = verifier()
    with pytest.raises(InvalidToken) as refused:
        await commerce.verify(token, now=NOW)
    assert refused.value.refusal is Refusal.CLAIMS


def test_it_is_made_anew_after_thirty_seconds():
    signer = AssertionSigner(RING)
    first = signer.sign("commerce", MINJI, zone="shop", now=NOW)
    assert signer.sign("commerce", MINJI, zone="shop", now=NOW + RENEW_AFTER - 0.001) is first
    assert signer.sign("commerce", MINJI, zone="shop", now=NOW + RENEW_AFTER) != first


def test_a_clock_that_ran_backwards_keeps_no_assertion_from_the_future():
    signer = AssertionSigner(RING)
    ahead = signer.sign("commerce", MINJI, zone="shop", now=NOW + 1000)
    assert signer.sign("commerce", MINJI, zone="shop", now=NOW) != ahead


@pytest.mark.parametrize("field", Subject.__struct_fields__)
def test_every_fact_of_the_subject_is_in_the_key(field):
    signer = AssertionSigner(RING)
    other = msgspec.structs.replace(MINJI, **{field: ("admin",) if field == "roles" else "other"})
    assert signer.sign("commerce", MINJI, zone="shop", now=NOW) != signer.sign("commerce", other, zone="shop", now=NOW)


def test_upstream_zone_and_obligations_are_in_the_key():
    signer = AssertionSigner(RING)
    made = {
        signer.sign("commerce", MINJI, zone="shop", now=NOW),
        signer.sign("reservation", MINJI, zone="shop", now=NOW),
        signer.sign("commerce", MINJI, zone="admin", now=NOW),
        signer.sign("commerce", MINJI, zone="shop", obligations=("mask:phone",), now=NOW),
    }
    assert len(made) == 4


async def test_both_caches_are_bounded():
    signer = AssertionSigner(RING, capacity=4)
    commerce, _ = verifier(capacity=4)
    tokens = []
    for number in range(10):
        tokens.append(signer.sign("commerce", Subject(sub=str(number)), zone="shop", now=NOW))
        await commerce.verify(tokens[-1], now=NOW)
    assert len(signer._made) == len(commerce._seen) == 4
    assert signer.sign("commerce", Subject(sub="9"), zone="shop", now=NOW) is tokens[-1]


async def test_an_unknown_key_is_fetched_once_in_a_while():
    token = AssertionSigner(RING).sign("commerce", MINJI, zone="shop", now=NOW)
    commerce, calls = verifier(keys={})
    for now in (NOW, NOW + 4.9, NOW + 5):
        with pytest.raises(InvalidToken):
            await commerce.verify(token, now=now)
    assert len(calls) == 2


async def test_a_new_key_is_believed_after_the_fetch_and_many_waiters_fetch_once():
    token = AssertionSigner(RING).sign("commerce", MINJI, zone="shop", now=NOW)
    commerce, calls = verifier(keys={}, fetched=RING.public)
    seen = await asyncio.gather(*(commerce.verify(token, now=NOW) for _ in range(20)))
    assert all(assertion.subject == MINJI for assertion in seen)
    assert len(calls) == 1


async def test_a_withdrawn_key_is_not_believed_from_memory():
    token = AssertionSigner(RING).sign("commerce", MINJI, zone="shop", now=NOW)
    commerce, _ = verifier()
    await commerce.verify(token, now=NOW)
    commerce.replace({})
    with pytest.raises(InvalidToken):
        await commerce.verify(token, now=NOW)


def test_another_key_signs_from_now_on():
    signer = AssertionSigner(RING)
    first = signer.sign("commerce", MINJI, zone="shop", now=NOW)
    signer.replace(KeyRing.of(SigningKey.generate()))
    assert signer.sign("commerce", MINJI, zone="shop", now=NOW) != first
