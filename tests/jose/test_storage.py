"""Signing keys in PostgreSQL: one active for each purpose, sealed, and each role sees its own."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.envelope import Envelope, EnvelopeError
from jose import jws
from jose.storage.keys import NoActiveKey, SigningKeys
from tests.keys import seed_rsa_key

SIGNERS = {"idp": "token", "gateway": "assertion", "policy": "policy"}
EVERYBODY = ("idp", "gateway", "policy", "commerce", "reservation", "worker", "audit")


@pytest.fixture
def keys(settings):
    return SigningKeys(Envelope.load(settings))


async def make(database, keys, clock, settings):
    await seed_rsa_key(database("idp"), settings, clock.now())
    rings = {}
    for role, purpose in SIGNERS.items():
        async with database(role).begin() as tx:
            rings[purpose] = await keys.ensure_active(tx, purpose, clock.now())
    return rings


async def test_it_is_made_once_and_found_again(database, keys, clock, settings):
    made = await make(database, keys, clock, settings)
    async with database("idp").begin() as tx:
        assert (await keys.ensure_active(tx, "token", clock.now())).active.kid == made["token"].active.kid
        found = await keys.load_ring(tx, "token")
    assert found.active.kid == made["token"].active.kid
    assert {"ES256", "RS256"} == set(found.signers) == {key.algorithm for key in found.public.values()}
    assert found.public.keys() == {key.kid for key in found.signers.values()}
    now = clock.timestamp()
    claims = {"iss": "i", "aud": "a", "iat": now, "exp": now + 1}
    token = jws.sign(found.active, claims, typ="x")
    assert jws.verify(token, made["token"], expected_typ="x", expected_issuer="i", expected_audience="a", now=now)


async def test_a_key_is_opened_once_however_often_the_ring_is_read(database, keys, clock, settings):
    await make(database, keys, clock, settings)
    async with database("idp").begin() as tx:
        first, again = [await keys.load_ring(tx, "token") for _ in range(2)]
        assert all(again.signer(algorithm) is key for algorithm, key in first.signers.items())
        await tx.execute(text("UPDATE jose.signing_key SET sealed = sealed || '\\x00' WHERE algorithm = 'RS256'"))
        with pytest.raises(EnvelopeError):  # what changed at rest is not taken for what was opened before
            await keys.load_ring(tx, "token")


async def test_many_first_starts_at_once_make_one_key(database, keys, clock):
    async def start():
        async with database("idp").begin() as tx:
            ring = await keys.ensure_active(tx, "token", clock.now())
            return frozenset(key.kid for key in ring.signers.values())

    (made,) = set(await asyncio.gather(*(start() for _ in range(3))))
    assert len(made) == 2


async def test_a_purpose_without_a_key(database, keys):
    async with database("idp").connect() as tx:
        with pytest.raises(NoActiveKey):
            await keys.load_ring(tx, "token")


async def test_private_keys_are_seen_by_their_own_role_alone(database, keys, clock, settings):
    await make(database, keys, clock, settings)
    for role, own in SIGNERS.items():
        async with database(role).connect() as tx:
            seen = await tx.execute(text("SELECT purpose FROM jose.signing_key"))
            assert set(seen.scalars()) == {own}
            for purpose in set(SIGNERS.values()) - {own}:
                with pytest.raises(NoActiveKey):
                    await keys.load_ring(tx, purpose)
    for role in set(EVERYBODY) - set(SIGNERS):
        async with database(role).connect() as tx:
            with pytest.raises(DBAPIError, match="permission denied"):
                await tx.execute(text("SELECT FROM jose.signing_key"))


async def test_no_role_makes_a_key_of_another_purpose(database, keys, clock):
    async with database("gateway").connect() as tx:
        with pytest.raises(DBAPIError, match="row-level security"):
            await keys.ensure_active(tx, "token", clock.now())


async def test_everybody_sees_public_keys_and_nobody_more(database, keys, clock, settings):
    made = await make(database, keys, clock, settings)
    for role in EVERYBODY:
        async with database(role).connect() as tx:
            for purpose, ring in made.items():
                assert (await keys.public_keys(tx, purpose)).keys() == ring.public.keys()
            columns = await tx.execute(text("SELECT * FROM jose.public_key"))
            assert set(columns.keys()) == {"kid", "purpose", "public_jwk", "state"}


async def test_a_private_key_is_sealed_for_its_own_row(database, keys, clock, settings):
    made = await make(database, keys, clock, settings)
    async with database("idp").connect() as tx:
        query = "SELECT sealed FROM jose.signing_key WHERE algorithm = 'ES256'"
        (sealed,) = (await tx.execute(text(query))).scalars()
    assert made["token"].active.private_bytes() not in sealed
    kid = made["token"].active.kid
    envelope = Envelope.load(settings)
    assert envelope.open(sealed, f"jose.signing_key:token:{kid}") == made["token"].active.private_bytes()
    with pytest.raises(EnvelopeError):
        envelope.open(sealed, f"jose.signing_key:assertion:{kid}")
