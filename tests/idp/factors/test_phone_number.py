"""Which numbers codes go to."""

from __future__ import annotations

import pytest

from config.blind_index import BlindIndex
from idp.factors.phone_number import NotTaken, PhoneNumber, of_e164, phone_number

NUMBER = PhoneNumber("+821012345678", "KR")


@pytest.mark.parametrize(
    "typed", ["010-1234-5678", "010 1234 5678", "01012345678", "+82 10-1234-5678", "+8201012345678"]
)
def test_a_number_is_one_however_it_is_typed(typed: str) -> None:
    assert phone_number(typed, "KR") == NUMBER


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "unreadable"),
        ("mina", "unreadable"),
        ("010", "unallocated"),
        ("0" * 40, "unreadable"),
        ("010-1234-5678 ext. 9", "unreadable"),
        ("+999 1234 5678", "unreadable"),
        ("+1 555 123 4567", "unallocated"),
        ("+881 6 123 45678", "unallocated"),  # a satellite network is in no country
        ("060-700-1234", "premium"),
        ("+44 9011 123456", "premium"),
        ("02-312-3456", "not_mobile"),
        ("080-234-5678", "not_mobile"),
        ("+44 7640 123456", "not_mobile"),  # a pager
    ],
)
def test_what_codes_do_not_go_to(typed: str, reason: str) -> None:
    with pytest.raises(NotTaken) as refused:
        phone_number(typed, "KR")
    assert refused.value.reason == reason
    assert typed not in str(refused.value) or not typed


def test_it_is_shown_by_its_last_two_digits() -> None:
    assert NUMBER.masked == "+82 ***78"
    assert NUMBER.written == "+82 10-1234-5678"
    assert NUMBER.block == "+82101234"
    assert "1234" not in repr(NUMBER)
    assert of_e164("+821012345678") == NUMBER


def test_an_index_says_nothing_without_its_key() -> None:
    one, other = BlindIndex(b"a" * 32), BlindIndex(b"b" * 32)
    assert one.of(NUMBER.e164) == one.of("+821012345678") != other.of(NUMBER.e164)
    assert "a" * 32 not in repr(one)
    with pytest.raises(ValueError, match="32 bytes"):
        BlindIndex(b"short")
