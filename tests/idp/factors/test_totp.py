"""Time-based one-time passwords: the vectors of RFC 6238, the drift, and no code twice."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Callable

import pytest

from config.connections import Database
from config.entropy import SystemEntropy
from config.sections.engines import Role
from idp.factors import totp
from idp.factors.totp import Authenticator, matching_step
from idp.storage import factors
from pages.qr_code import qr_code
from tests.clock import FakeClock
from tests.idp.people import add_person
from tests.pages.qr_codes import encodes

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("at", "eight_digits"), VECTORS)
def test_rfc_6238_appendix_b(at: int, eight_digits: str) -> None:
    assert matching_step(RFC_SECRET, eight_digits[2:], last_accepted_step=0, now=at) == at // 30


@pytest.mark.parametrize(("late", "accepted"), [(-31, False), (-30, True), (0, True), (59, True), (60, False)])
def test_one_step_of_drift_either_way(late: int, accepted: bool) -> None:
    begins = 1111111110  # the first second of a step
    found = matching_step(RFC_SECRET, "050471", last_accepted_step=0, now=begins + late)
    assert (found == begins // 30) is accepted


@pytest.mark.parametrize("code", ["", "05047", "0504711", "050-471x", "０５０４７１", "٠٥٠٤٧١"])
def test_what_is_no_code(code: str) -> None:
    assert matching_step(RFC_SECRET, code, last_accepted_step=0, now=1111111111) is None


def test_blanks_within_a_code_do_not_matter() -> None:
    assert matching_step(RFC_SECRET, " 050 471", last_accepted_step=0, now=1111111111) is not None


def test_a_step_that_was_accepted_is_not_accepted_again() -> None:
    step = 1111111111 // 30
    assert matching_step(RFC_SECRET, "050471", last_accepted_step=step - 1, now=1111111111) == step
    assert matching_step(RFC_SECRET, "050471", last_accepted_step=step, now=1111111111) is None


def test_an_app_reads_the_qr_code() -> None:
    uri = totp.provisioning_uri(RFC_SECRET, login_name="mina", issuer="Munjigi")
    assert uri == f"otpauth://totp/Munjigi:mina?secret={RFC_SECRET}&issuer=Munjigi"
    assert encodes(qr_code(uri), uri)


async def test_of_many_uses_of_one_step_exactly_one_counts(
    database: Callable[[Role], Database], clock: FakeClock
) -> None:
    idp = database("idp")
    authenticator = await _enrolled(idp, clock)

    async def accept() -> bool:
        async with idp.begin() as tx:
            return await factors.accept_step(tx, authenticator.id, 100)

    assert Counter(await asyncio.gather(*(accept() for _ in range(12)))) == {True: 1, False: 11}
    async with idp.begin() as tx:
        assert not await factors.accept_step(tx, authenticator.id, 99)
        assert await factors.accept_step(tx, authenticator.id, 101)


async def test_an_unconfirmed_app_does_not_count_and_gives_way(
    database: Callable[[Role], Database], clock: FakeClock
) -> None:
    idp = database("idp")
    first = await _enrolled(idp, clock)
    async with idp.begin() as tx:
        second, third = _new(first, b"2"), _new(first, b"3")
        await factors.begin_enrolment(tx, second)
        await factors.begin_enrolment(tx, third)
        assert await factors.pending(tx, first.user_id) == third
        assert [one.id for one in await factors.authenticators(tx, first.user_id)] == [first.id]
        await factors.confirm(tx, third.id, clock.now())
        assert await factors.pending(tx, first.user_id) is None
        assert len(await factors.authenticators(tx, first.user_id)) == 2
        assert await factors.remove(tx, first.user_id, third.id)
        assert not await factors.remove(tx, SystemEntropy().uuid(), first.id)
        assert await factors.enrolled(tx, first.user_id) == ["totp"]


def _new(like: Authenticator, secret: bytes) -> Authenticator:
    return Authenticator(
        id=SystemEntropy().uuid(),
        user_id=like.user_id,
        label="App",
        sealed_secret=secret,
        last_accepted_step=0,
        created_at=like.created_at,
        confirmed_at=None,
    )


async def _enrolled(idp: Database, clock: FakeClock) -> Authenticator:
    async with idp.begin() as tx:
        authenticator = Authenticator(
            id=SystemEntropy().uuid(),
            user_id=(await add_person(tx)).id,
            label="App",
            sealed_secret=b"sealed",
            last_accepted_step=0,
            created_at=clock.now(),
            confirmed_at=None,
        )
        await factors.begin_enrolment(tx, authenticator)
        await factors.confirm(tx, authenticator.id, clock.now())
    return authenticator
