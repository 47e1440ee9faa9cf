"""The third level, and what organisations let count, at the dispatcher."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from idp.authorization.login import Login
from idp.authorization.next_step import Step, lacking_level, next_step
from idp.protocol.assurance import ACR_THREE, ACR_TWO, HOUSE, Counting
from tests.idp.authorization.test_next_step import ACCOUNT, BLANK, BY_PASSWORD, BY_TWO, MINA, NOTHING, NOW

BY_KEY = BLANK.signed_in(MINA, ("hwk", "user", "mfa"), NOW)
BY_SYNCED = BLANK.signed_in(MINA, ("swk", "user", "mfa"), NOW)
WITH_KEY = replace(ACCOUNT, reaches=3)
NO_APPS = Counting(two=HOUSE.two - {"totp"})


def _asking(login: Login, acr: str, **more: Any) -> Login:
    return replace(login, request=msgspec.structs.replace(login.request, acr_values=(acr,), **more))


def _step(login: Login, account: object = ACCOUNT) -> tuple[Step, str | None]:
    found = next_step(login, account, None, None, NOW)  # type: ignore[arg-type] # as the tests beside it
    return found.step, found.error


def test_the_third_level_is_asked_of_whoever_can_reach_it() -> None:
    assert _step(_asking(BY_KEY, ACR_THREE), WITH_KEY) == (Step.BEGIN_SESSION, None)
    for less in (BY_PASSWORD, BY_TWO, BY_SYNCED):
        assert _step(_asking(less, ACR_THREE), WITH_KEY) == (Step.FACTOR, None)
        assert _step(_asking(less, ACR_THREE)) == (Step.REFUSED, "unmet_authentication_requirements")
    raised = _asking(BY_TWO, ACR_THREE).passed_factor(("hwk", "user"), NOW)
    assert _step(raised, WITH_KEY) == (Step.BEGIN_SESSION, None)


def test_what_does_not_count_here_is_asked_for_again() -> None:
    narrowed = replace(ACCOUNT, counting=NO_APPS)
    assert lacking_level(_asking(BY_TWO, ACR_TWO), narrowed) == 2
    assert _step(_asking(BY_TWO, ACR_TWO), narrowed) == (Step.FACTOR, None)
    assert _step(_asking(BY_TWO, ACR_TWO), replace(narrowed, reaches=1)) == (
        Step.REFUSED,
        "unmet_authentication_requirements",
    )


def test_what_an_account_demands_is_a_second_factor_of_whatever_kind() -> None:
    """Narrowing is of what clients and zones demand: nobody is locked out of what asks for less."""
    demanding = replace(ACCOUNT, needs_factor=True, counting=NO_APPS, reaches=1)
    assert _step(BY_TWO, demanding) == (Step.BEGIN_SESSION, None)
    assert _step(BY_PASSWORD, demanding) == (Step.FACTOR, None)
    assert _step(_asking(BY_PASSWORD, ACR_TWO), NOTHING) == (Step.REFUSED, "unmet_authentication_requirements")


def test_a_weaker_proof_now_makes_a_key_of_before_count_no_more() -> None:
    recognised = BLANK.recognised(MINA, ("hwk", "user", "mfa"), NOW, "sid")
    assert recognised.passed_factor(("otp",), NOW).amr == ("mfa", "otp")
    assert "hwk" in recognised.passed_factor(("hwk", "user"), NOW).amr
    assert BY_KEY.passed_factor(("otp",), NOW).amr == ("hwk", "user", "mfa", "otp"), "both in one sign-in"
