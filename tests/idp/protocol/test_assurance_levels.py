"""Which methods reach which `acr`, narrowed by organisations, and what of an earlier proof is left by a later one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.assurance import (
    ACR_ONE,
    ACR_THREE,
    ACR_TWO,
    ACR_VALUES,
    HOUSE,
    METHODS,
    SATISFIES,
    Counting,
    acr,
    assurance,
    demanded_assurance,
    level_of,
    methods_of,
    proven_again,
    shown_acr,
)

WITHOUT_SMS = Counting(two=HOUSE.two - {"sms"})
ATTESTED_ONLY = Counting(three=frozenset({"attested_passkey"}))


@pytest.mark.parametrize(
    ("amr", "level"),
    [
        ((), 0),
        (("pwd",), 1),
        (("pwd", "sms"), 1),
        (("fed",), 1),
        (("pwd", "otp", "mfa"), 2),
        (("pwd", "sms", "mfa"), 2),
        (("pwd", "swk", "mca", "mfa"), 2),
        (("swk", "user", "mfa"), 2),
        (("hwk", "user", "mfa"), 3),
        (("hwk", "user", "attested", "mfa"), 3),
        (("pwd", "hwk", "user", "mfa"), 3),
        (("hwk", "mfa"), 2),
        (("fed", "hwk", "user", "mfa"), 2),
        (("fed", "hwk", "user", "attested", "mfa"), 3),
    ],
)
def test_the_houses_own_mapping(amr: tuple[str, ...], level: int) -> None:
    assert assurance(amr) == level
    assert level_of(acr(amr)) == level


@pytest.mark.parametrize(
    ("amr", "counting", "level"),
    [
        (("pwd", "sms", "mfa"), WITHOUT_SMS, 1),
        (("pwd", "sms", "otp", "mfa"), WITHOUT_SMS, 2),
        (("pwd", "mfa"), WITHOUT_SMS, 1),
        (("hwk", "user", "mfa"), ATTESTED_ONLY, 2),
        (("hwk", "user", "attested", "mfa"), ATTESTED_ONLY, 3),
    ],
)
def test_an_organisation_narrows_it(amr: tuple[str, ...], counting: Counting, level: int) -> None:
    assert assurance(amr, counting) == level


_AMR = st.lists(st.sampled_from(["pwd", "otp", "sms", "email", "fed", "hwk", "swk", "user", "mca", "mfa", "attested"]))
_COUNTING = st.builds(
    lambda two, three: Counting(frozenset(two), frozenset(three) & SATISFIES[3]),
    st.sets(st.sampled_from(METHODS), min_size=1),
    st.sets(st.sampled_from(METHODS)),
)


@given(_AMR, _COUNTING)
def test_narrowing_never_raises(amr: list[str], counting: Counting) -> None:
    assert assurance(amr, counting) <= assurance(amr)


@given(_AMR, _AMR)
def test_a_later_proof_that_is_weaker_leaves_no_key_of_before(before: list[str], anew: list[str]) -> None:
    left = proven_again(before, anew)
    if "hwk" not in anew:
        assert not {"device_passkey", "attested_passkey"} & methods_of(left) - methods_of(anew)
    assert set(anew) <= set(left)


def test_what_an_id_token_shows() -> None:
    assert shown_acr(ACR_THREE, ()) == ACR_THREE
    assert shown_acr(ACR_THREE, (ACR_TWO,)) == ACR_TWO, "a client that compares with what it asked for is met"
    assert shown_acr(ACR_THREE, (ACR_ONE, ACR_TWO)) == ACR_TWO
    assert shown_acr(ACR_ONE, (ACR_TWO,)) == ACR_ONE
    assert shown_acr("", (ACR_TWO,)) == ""


def test_what_is_demanded() -> None:
    assert demanded_assurance((ACR_THREE, ACR_TWO)) == 2
    assert demanded_assurance(("elsewhere", ACR_THREE)) == 3
    assert demanded_assurance(()) == demanded_assurance(("elsewhere",)) == 0
    assert [level_of(one) for one in (*ACR_VALUES, "")] == [1, 2, 3, 0]
