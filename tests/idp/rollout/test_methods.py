"""Every way in has one name, whatever the order of its factors; and every failure one reason."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from idp.rollout.methods import (
    FAILED_RULES,
    FAILURES,
    METHOD_RULES,
    METHODS,
    READINESS,
    STRENGTH_OF,
    Enrolled,
    method_of,
    readiness,
    why_not,
)


@pytest.mark.parametrize(
    ("amr", "method"),
    [
        (("pwd",), "password"),
        (("pwd", "otp", "mfa"), "password_app"),
        (("otp", "mfa", "pwd"), "password_app"),
        (("pwd", "email", "mfa"), "password_mail"),
        (("pwd", "sms", "mfa"), "password_sms"),
        (("pwd", "hwk", "user", "mfa"), "password_passkey"),
        (("hwk", "user", "mfa"), "passkey"),
        (("swk", "user", "mfa"), "passkey"),
        (("swk", "mca"), "push"),
        (("pwd", "swk", "mca", "mfa"), "password_push"),
        (("email",), "mail_link"),
        (("fed",), "other"),
        ((), "other"),
    ],
)
def test_a_way_in_has_one_name(amr: Sequence[str], method: str) -> None:
    assert method_of(amr) == method


def test_rules_name_what_the_vocabularies_hold() -> None:
    assert {rule.name for rule in METHOD_RULES} | {"other"} == set(METHODS) == set(STRENGTH_OF)
    assert {rule.name for rule in FAILED_RULES} <= set(FAILURES)


def test_why_somebody_did_not_get_in() -> None:
    assert why_not("failed", ("pwd",)) == "wrong_password"
    assert why_not("failed", ("otp",)) == "wrong_code_of_app"
    assert why_not("failed", ("hwk",)) == "passkey_refused"
    assert why_not("failed", ("swk", "mca")) == "push_refused"
    assert why_not("abandoned", ("pwd",)) == "left_at_second_factor"
    assert why_not("abandoned", ("pwd", "otp", "mfa")) == "left"
    assert why_not("refused", ("pwd",)) == "not_let_in"
    assert why_not("kept", ("pwd",)) == "kept_other_session"
    assert why_not("signed_in", ("pwd",)) is None


@pytest.mark.parametrize(
    ("enrolled", "password", "ready"),
    [
        (["passkey", "totp"], True, "phishing_resistant"),
        (["totp"], True, "several_factors"),
        ([], True, "password_alone"),
        ([], False, "nothing"),
    ],
)
def test_how_ready_somebody_is(enrolled: list[Enrolled], password: bool, ready: str) -> None:
    assert readiness(enrolled, has_password=password) == ready
    assert ready in READINESS
