"""Hashes that other systems made: known ones of every scheme, as they come and wrapped; what cannot be taken."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from idp.credentials.legacy_hashes.catalogue import BY_NAME, SCHEMES, Recogniser
from idp.credentials.legacy_hashes.scheme import LONGEST, NotAHash
from idp.credentials.legacy_hashes.stored import LegacyHash, is_legacy, kept, wrapped
from idp.credentials.password import LONGEST_PATIENCE, PATIENCE_KEPT, PasswordPool, Patience
from tests.idp.credentials.known_hashes import Known, known_hashes

KNOWN = known_hashes()
ARGON2 = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def pool() -> Iterator[PasswordPool]:
    opened = PasswordPool(1, memory_cost=64, time_cost=1)
    yield opened
    opened.close()


def recogniser(scheme: str) -> Recogniser:
    """As a file is read: a scheme is named where its hashes look like those of others."""
    return Recogniser(scheme if BY_NAME[scheme].named_only else None)


def test_every_scheme_has_a_hash_that_others_made() -> None:
    assert {known.scheme for known in KNOWN} == {scheme.name for scheme in SCHEMES}
    assert len({scheme.name for scheme in SCHEMES}) == len(SCHEMES)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.scheme}-{known.hash[:12]}")
def test_a_known_hash_is_recognised_and_compared_as_it_came_and_wrapped(known: Known) -> None:
    scheme, split = recogniser(known.scheme).recognise(known.hash)
    assert scheme.name == known.scheme
    as_kept, as_wrapped = kept(scheme, split), wrapped(scheme, split, ARGON2.hash(split.digest))
    assert split.digest not in as_wrapped
    for stored in (as_kept, as_wrapped):
        assert is_legacy(stored)
        legacy = LegacyHash.read(stored)
        assert legacy.is_of(known.password, ARGON2)
        assert not legacy.is_of("another one", ARGON2)
        assert split.digest not in repr(legacy)


@pytest.mark.parametrize(
    ("hashed", "strong"),
    [
        ("$2b$09$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", False),
        ("$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", True),
        ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", True),
        ("$argon2id$v=19$m=19456,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", False),
        ("$argon2id$v=19$m=7168,t=5,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", True),
        ("scrypt:8192:8:1$salt$" + "ab" * 32, False),
        ("scrypt:16384:8:1$salt$" + "ab" * 32, True),
        ("pbkdf2_sha256$599999$salt$" + "A" * 43 + "=", False),
        ("pbkdf2_sha256$600000$salt$" + "A" * 43 + "=", True),
        ("keycloak:pbkdf2-sha512:210000:c2FsdA==:" + "A" * 86 + "==", True),
        ("pbkdf2_md5$9000000$salt$" + "A" * 22 + "==", False),
        ("{SSHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7", False),
    ],
)
def test_what_is_strong_enough_to_lie_as_it_came(hashed: str, strong: bool) -> None:
    scheme, split = Recogniser().recognise(hashed)
    assert scheme.strong(split.setting) is strong


@pytest.mark.parametrize(
    ("hashed", "words"),
    [
        ("", "no scheme"),
        ("a password", "no scheme"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "no scheme"),
        ("$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "no scheme"),
        ("$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "cost 31"),
        ("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8", "memory 4194304"),
        ("scrypt:1048576:8:1$salt$" + "ab" * 32, "memory"),
        ("scrypt:1000:8:1$salt$" + "ab" * 32, "power of two"),
        ("pbkdf2_sha256$999999999$salt$" + "A" * 43 + "=", "rounds 999999999"),
        ("pbkdf2:sha256$salt$" + "ab" * 32, "rounds 0"),
        ("$6$rounds=999999999$salt$" + "A" * 86, "rounds 999999999"),
        ("$S$Z33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf", "log2 of rounds"),
        ("{SSHA}at+xg6SiyUovktq1redipHiJpaE=", "length"),
        ("{SHA}a", "base64"),
        ("{SHA}abc", "length"),
        ("md5$salt$abc", "not as long"),
        ("x" * (LONGEST + 1), "no scheme"),
    ],
)
def test_what_cannot_be_taken_is_told_without_the_hash(hashed: str, words: str) -> None:
    with pytest.raises(NotAHash, match=words) as refused:
        Recogniser().recognise(hashed)
    assert not hashed or hashed not in str(refused.value)


def test_a_scheme_that_is_named_takes_no_other() -> None:
    named = Recogniser("nthash")
    assert named.recognise("6677b2c394311355b54f25eec5bfacf5")[0].name == "nthash"
    with pytest.raises(NotAHash, match="no hash of nthash"):
        named.recognise("{SHA}at+xg6SiyUovktq1redipHiJpaE=")


@pytest.mark.parametrize("stored", ["kept", "kept md5 x", "bare md5 x y", "kept unheard-of x y", "kept md5 x y z"])
def test_what_nobody_stored_is_not_read(stored: str) -> None:
    with pytest.raises(ValueError):
        LegacyHash.read(stored)


async def test_what_was_right_is_replaced_by_today_s_hash(pool: PasswordPool) -> None:
    known = next(known for known in KNOWN if known.scheme == "ldap" and known.password == "secret")
    scheme, split = Recogniser().recognise(known.hash)
    stored = wrapped(scheme, split, ARGON2.hash(split.digest))
    assert not (await pool.verify("another", stored)).correct
    assert not (await pool.verify("x" * 2000, stored)).correct
    verified = await pool.verify(known.password, stored)
    assert verified.correct
    assert verified.stronger_hash is not None
    assert not is_legacy(verified.stronger_hash)
    assert (await pool.verify(known.password, verified.stronger_hash)).correct


async def test_a_password_is_tried_as_typed_and_as_composed(pool: PasswordPool) -> None:
    composed, decomposed = (unicodedata.normalize(form, "비밀번호") for form in ("NFC", "NFD"))
    for old in (composed, decomposed):
        scheme, split = Recogniser("sha256").recognise(hashlib.sha256(old.encode()).hexdigest())
        verified = await pool.verify(decomposed, kept(scheme, split))
        assert verified.stronger_hash is not None
        assert (await pool.verify(composed, verified.stronger_hash)).correct


def test_a_password_that_a_scheme_cannot_take_is_wrong() -> None:
    scheme, split = Recogniser().recognise("$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
    assert not LegacyHash.read(kept(scheme, split)).is_of("U*U\0", ARGON2)
    scheme, split = Recogniser("lmhash").recognise("c23413a8a1e7665faad3b435b51404ee")
    assert not LegacyHash.read(kept(scheme, split)).is_of("환영", ARGON2)


def test_wrong_passwords_wait_for_the_slowest_scheme() -> None:
    patience = Patience()
    assert patience.seconds(0) == 0, "nothing of another system: nobody waits"
    patience.took(0.2, now=10)
    patience.took(0.1, now=20)
    assert patience.seconds(20) == 0.2
    patience.took(30, now=30)
    assert patience.seconds(30) == LONGEST_PATIENCE
    assert patience.seconds(30 + PATIENCE_KEPT) == 0
    patience.took(0.1, now=30 + PATIENCE_KEPT)
    assert patience.seconds(31 + PATIENCE_KEPT) == 0.1


async def test_nobody_s_password_waits_as_long_as_anybody_s(
    pool: PasswordPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("idp.credentials.password.asyncio.sleep", sleep)
    pool.took(0.9)
    stored = await pool.hash("right")
    assert (await pool.verify("right", stored)).correct
    assert slept == []
    for other in (None, stored):
        assert not (await pool.verify("wrong", other)).correct
    assert len(slept) == 2
    assert all(0.5 < seconds <= 0.9 for seconds in slept)
