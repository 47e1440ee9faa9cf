"""Which factors are asked for, and who may change them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idp.factors.enrolment import FRESH, refusal_to_change
from idp.factors.requirement import FactorKind, requirement

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("enrolled", "roles", "usable", "always"),
    [
        ([], ["administrator"], (), False),
        (["totp"], ["customer"], ("totp",), True),
        (["passkey"], ["customer"], ("passkey",), False),
        (["passkey"], ["customer", "administrator"], ("passkey",), True),
        (["totp", "passkey"], [], ("passkey", "totp"), True),
        (["push"], ["customer"], ("push",), True),
        (["totp", "push", "passkey"], [], ("passkey", "push", "totp"), True),
    ],
)
def test_what_a_login_asks_for(
    enrolled: list[FactorKind], roles: list[str], usable: tuple[str, ...], always: bool
) -> None:
    found = requirement(enrolled, roles)
    assert (found.usable, found.always) == (usable, always)


def test_what_this_browser_cannot_be_let_in_by_is_not_asked_for() -> None:
    """The only device that approves is this one: a code by mail instead, and nothing at all where there is no mail."""
    here = requirement(["push"], [], has_mail=True, out_of_reach=["push"])
    assert (here.usable, here.always, here.by_mail) == ((), True, True)
    bare = requirement(["push"], ["administrator"], has_mail=False, out_of_reach=["push"])
    assert (bare.usable, bare.always, bare.by_mail) == ((), False, False)
    other = requirement(["push", "totp"], [], has_mail=True, out_of_reach=["push"])
    assert (other.usable, other.always, other.by_mail) == (("totp",), True, False)


def test_factors_change_soon_after_signing_in_and_by_the_factor_there_is() -> None:
    assert refusal_to_change([], ["pwd"], NOW - FRESH, NOW) is None
    assert refusal_to_change([], ["pwd"], NOW - FRESH - timedelta(microseconds=1), NOW) == "too_long_ago"
    assert refusal_to_change(["passkey"], ["pwd"], NOW, NOW) == "second_factor"
    assert refusal_to_change(["passkey"], ["pwd", "otp", "mfa"], NOW, NOW) is None
