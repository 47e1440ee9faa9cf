"""The dispatcher's rules (sessions S1, S2), one row a case, and what must hold for every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.authorization.login import Login
from idp.authorization.next_step import AccountState, SessionState, Step, next_step, recognise
from idp.authorization.request import AuthorizationRequest
from idp.protocol.assurance import ACR_TWO

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINA, OTHER = UUID(int=1), UUID(int=2)
REQUEST = AuthorizationRequest(
    client_id="app", redirect_uri="https://app.example/callback", scope=("openid",), code_challenge="c" * 43
)
BLANK = Login(
    id=UUID(int=9),
    request=REQUEST,
    client_id="app",
    locale="ko",
    created_at=NOW - timedelta(minutes=1),
    expires_at=NOW + timedelta(minutes=9),
    browser_hash=b"b" * 32,
)
BY_PASSWORD = BLANK.signed_in(MINA, ("pwd",), NOW)
BY_TWO = BY_PASSWORD.passed_factor(("otp",), NOW)
ACCOUNT = AccountState(user_id=MINA, may_sign_in=True, has_factor=True, needs_factor=False)
BY_MAIL = replace(ACCOUNT, has_factor=False, by_mail=True)
NOTHING = replace(ACCOUNT, has_factor=False)
LIVE = SessionState(sid="live", user_id=MINA, amr=("pwd",), authenticated_at=NOW - timedelta(hours=1), elsewhere=True)
HERE = replace(LIVE, elsewhere=False)


def _asking(login: Login, **changed: Any) -> Login:
    return replace(login, request=msgspec.structs.replace(login.request, **changed))


def _step(login: Login, **situation: Any) -> Step:
    return next_step(login, **{"account": ACCOUNT, "live": None, "own": None, "now": NOW, **situation}).step


def test_nobody_known() -> None:
    assert _step(BLANK, account=None) is Step.SIGN_IN


def test_first_login() -> None:
    assert _step(BY_PASSWORD) is Step.BEGIN_SESSION


def test_the_rules_of_the_account_demand_a_factor() -> None:
    demanding = replace(ACCOUNT, needs_factor=True)
    assert _step(BY_PASSWORD, account=demanding) is Step.FACTOR
    assert _step(BY_TWO, account=demanding) is Step.BEGIN_SESSION
    # before it passed nobody learns that a session lives
    assert _step(BY_PASSWORD.facing("live"), account=demanding, live=HERE) is Step.FACTOR


def test_the_request_demands_a_factor() -> None:
    login = _asking(BY_PASSWORD, acr_values=(ACR_TWO,))
    assert _step(login) is Step.FACTOR
    assert _step(login, account=replace(ACCOUNT, has_factor=False)) is Step.REFUSED


def test_a_second_login_from_elsewhere_gives_a_factor_first() -> None:
    facing = BY_PASSWORD.facing("live")
    assert _step(facing, live=LIVE) is Step.FACTOR
    assert _step(facing.passed_factor(("otp",), NOW), live=LIVE) is Step.TAKEOVER
    # whoever has no better one gets a code by mail, and whoever has no mail is led to help: never past it
    assert _step(facing, live=LIVE, account=BY_MAIL) is Step.FACTOR
    assert _step(facing, live=LIVE, account=NOTHING) is Step.NO_FACTOR
    mailed = facing.passed_factor(("email",), NOW, raises=False)
    assert _step(mailed, live=LIVE, account=BY_MAIL) is Step.TAKEOVER


def test_a_code_by_mail_that_does_not_count_confirms_and_raises_nothing() -> None:
    login = BY_PASSWORD.facing("live").passed_factor(("email",), NOW, raises=False)
    assert login.amr == ("pwd", "email")
    assert login.takeover_factor
    stronger = _asking(login, acr_values=(ACR_TWO,))
    decided = next_step(stronger, BY_MAIL, LIVE, None, NOW)
    assert (decided.step, decided.error) == (Step.REFUSED, "unmet_authentication_requirements")


def test_a_new_device_gives_a_factor_although_no_session_lives() -> None:
    new = replace(ACCOUNT, new_device=True)
    assert _step(BY_PASSWORD, account=new) is Step.FACTOR
    assert _step(BY_PASSWORD, account=replace(NOTHING, new_device=True)) is Step.NO_FACTOR
    assert _step(BY_TWO, account=new) is Step.BEGIN_SESSION
    assert _step(BY_PASSWORD.passed_factor(("email",), NOW, raises=False), account=new) is Step.BEGIN_SESSION
    by_passkey = BLANK.signed_in(MINA, ("hwk", "user", "mfa"), NOW)
    assert _step(by_passkey, account=new) is Step.BEGIN_SESSION
    # the factor of another person does not count, nor that of an earlier takeover
    assert _step(BY_TWO.signed_in(MINA, ("pwd",), NOW), account=new) is Step.FACTOR
    assert _step(BY_TWO.facing("live"), account=new, live=LIVE) is Step.FACTOR
    # whoever joins their own session is not new to it
    assert _step(BY_PASSWORD, account=new, live=HERE, own=HERE) is Step.JOIN_SESSION


def test_after_a_link_by_mail_a_code_by_mail_is_worth_nothing_more() -> None:
    by_link = BLANK.signed_in(MINA, ("email",), NOW)
    mailed = replace(BY_MAIL, has_factor=True, new_device=True)
    assert _step(by_link, account=mailed) is Step.BEGIN_SESSION
    assert _step(_asking(by_link, acr_values=(ACR_TWO,)), account=mailed) is Step.REFUSED
    # whoever has something better gives it, and a takeover is confirmed as ever
    assert _step(by_link, account=replace(ACCOUNT, new_device=True)) is Step.FACTOR
    assert _step(_asking(by_link, acr_values=(ACR_TWO,)), account=ACCOUNT) is Step.FACTOR
    assert _step(by_link.facing("live"), account=mailed, live=LIVE) is Step.FACTOR
    confirmed = by_link.facing("live").passed_factor(("email",), NOW, raises=False)
    assert _step(confirmed, account=mailed, live=LIVE) is Step.TAKEOVER


def test_somebody_else_was_faster() -> None:
    agreed = BY_PASSWORD.facing("live").passed_factor(("otp",), NOW).chose_takeover("live")
    assert not agreed.overtaken
    assert not agreed.facing(None).overtaken  # it ended by itself
    beaten = agreed.facing("another")
    assert beaten.overtaken
    assert not beaten.takeover_factor
    assert not beaten.takes_over
    assert not beaten.signed_in(MINA, ("pwd",), NOW).overtaken


def test_giving_up_is_access_denied() -> None:
    decided = next_step(BY_PASSWORD.facing("live").gave_up(), ACCOUNT, LIVE, None, NOW)
    assert (decided.step, decided.error) == (Step.REFUSED, "access_denied")


def test_a_factor_that_passed_before_the_session_was_faced_does_not_count() -> None:
    assert _step(BY_TWO.facing("live"), live=LIVE) is Step.FACTOR


def test_factor_and_choice_are_bound_to_the_session_that_was_shown() -> None:
    agreed = BY_PASSWORD.facing("live").passed_factor(("otp",), NOW).chose_takeover("live")
    assert _step(agreed, live=LIVE) is Step.BEGIN_SESSION
    another = replace(LIVE, sid="another")
    assert _step(agreed.facing("another"), live=another) is Step.FACTOR
    assert _step(agreed, live=another) is Step.FACTOR  # even if nobody called `facing`
    assert _step(agreed.facing("another").passed_factor(("otp",), NOW), live=another) is Step.TAKEOVER


def test_a_choice_about_another_session_is_ignored() -> None:
    assert not BY_PASSWORD.facing("live").chose_takeover("another").takes_over
    assert not BY_PASSWORD.chose_takeover("live").takes_over


def test_from_the_same_device_and_address_the_person_just_decides() -> None:
    facing = BY_PASSWORD.facing("live")
    assert _step(facing, live=HERE) is Step.TAKEOVER
    assert _step(facing.chose_takeover("live"), live=HERE) is Step.BEGIN_SESSION


def test_an_organisation_may_take_over_without_asking_but_not_without_the_factor() -> None:
    account = replace(ACCOUNT, duplicate_login="take_over")
    facing = BY_PASSWORD.facing("live")
    assert _step(facing, live=HERE, account=account) is Step.BEGIN_SESSION
    assert _step(facing, live=LIVE, account=account) is Step.FACTOR
    assert _step(facing.passed_factor(("otp",), NOW), live=LIVE, account=account) is Step.BEGIN_SESSION


def test_keeping_the_other_session_is_access_denied() -> None:
    decided = next_step(BY_PASSWORD.facing("live").chose_keep(), ACCOUNT, LIVE, None, NOW)
    assert (decided.step, decided.error) == (Step.REFUSED, "access_denied")


def test_a_locked_account_is_refused() -> None:
    assert _step(BY_PASSWORD, account=replace(ACCOUNT, may_sign_in=False)) is Step.REFUSED
    assert _step(BY_PASSWORD, account=None) is Step.REFUSED
    assert _step(BY_PASSWORD, account=replace(ACCOUNT, user_id=OTHER)) is Step.REFUSED


def test_single_sign_on_joins() -> None:
    recognised = recognise(BLANK, HERE, NOW)
    assert recognised.user_id == MINA
    assert _step(recognised, live=HERE, own=HERE) is Step.JOIN_SESSION


def test_single_sign_on_steps_up_and_joins() -> None:
    recognised = recognise(_asking(BLANK, acr_values=(ACR_TWO,)), HERE, NOW)
    assert _step(recognised, live=HERE, own=HERE) is Step.FACTOR
    assert _step(recognised.passed_factor(("otp",), NOW), live=HERE, own=HERE) is Step.JOIN_SESSION


@pytest.mark.parametrize(
    "asked", [{"prompt": ("login",)}, {"prompt": ("select_account",)}, {"max_age": 3599}, {"max_age": 0}]
)
def test_a_new_authentication_is_asked_for(asked: dict[str, Any]) -> None:
    login = _asking(BLANK, **asked)
    assert recognise(login, HERE, NOW) == login
    assert _step(login.signed_in(MINA, ("pwd",), NOW), live=HERE, own=HERE) is Step.JOIN_SESSION


def test_max_age_stands_exactly_at_its_limit() -> None:
    assert recognise(_asking(BLANK, max_age=3600), HERE, NOW).user_id == MINA


def test_a_session_that_ended_vouches_for_nobody() -> None:
    """S3: the person was recognised by a session, went to the factor page, and the session ended meanwhile."""
    pending = recognise(_asking(BLANK, acr_values=(ACR_TWO,)), HERE, NOW).passed_factor(("otp",), NOW)
    assert _step(pending, live=None, own=None) is Step.SIGN_IN
    assert _step(pending, live=replace(HERE, sid="new"), own=replace(HERE, sid="new")) is Step.SIGN_IN
    again = pending.signed_in(MINA, ("pwd",), NOW).passed_factor(("otp",), NOW)
    assert _step(again, live=None, own=None) is Step.BEGIN_SESSION


def test_another_person_in_the_same_browser() -> None:
    other = replace(HERE, sid="theirs", user_id=OTHER)
    assert _step(BY_PASSWORD, live=None, own=other) is Step.BEGIN_SESSION


def test_after_the_session_comes_the_code_while_it_lives() -> None:
    begun = BY_PASSWORD.in_session("live")
    assert _step(begun, live=HERE) is Step.CODE
    assert _step(begun, live=None) is Step.REFUSED
    assert _step(begun, live=replace(HERE, sid="another")) is Step.REFUSED


@pytest.mark.parametrize(
    ("login", "situation", "error"),
    [
        (BLANK, {"account": None}, "login_required"),
        (BY_PASSWORD, {"account": replace(ACCOUNT, needs_factor=True)}, "interaction_required"),
        (BY_PASSWORD.facing("live"), {"live": HERE}, "interaction_required"),
    ],
)
def test_prompt_none_never_shows_a_page(login: Login, situation: dict[str, Any], error: str) -> None:
    decided = next_step(
        _asking(login, prompt=("none",)),
        **{"account": ACCOUNT, "live": None, "own": None, "now": NOW, **situation},
    )
    assert (decided.step, decided.error) == (Step.REFUSED, error)


def test_a_second_factor_alone_proves_nobody() -> None:
    with pytest.raises(ValueError):
        BLANK.passed_factor(("otp",), NOW)


_SESSIONS = st.none() | st.builds(
    SessionState,
    sid=st.sampled_from(["a", "b"]),
    user_id=st.sampled_from([MINA, OTHER]),
    amr=st.sampled_from([("pwd",), ("pwd", "otp", "mfa")]),
    authenticated_at=st.sampled_from([NOW, NOW - timedelta(hours=1)]),
    elsewhere=st.booleans(),
)
_LOGINS = st.builds(
    Login,
    id=st.just(UUID(int=9)),
    request=st.builds(
        lambda prompt, max_age, acr: msgspec.structs.replace(REQUEST, prompt=prompt, max_age=max_age, acr_values=acr),
        st.sampled_from([(), ("none",), ("login",)]),
        st.sampled_from([None, 0, 60]),
        st.sampled_from([(), (ACR_TWO,)]),
    ),
    client_id=st.just("app"),
    locale=st.just("ko"),
    created_at=st.just(NOW - timedelta(minutes=1)),
    expires_at=st.just(NOW + timedelta(minutes=9)),
    browser_hash=st.just(b"b" * 32),
    user_id=st.sampled_from([None, MINA]),
    amr=st.sampled_from([("pwd",), ("pwd", "otp", "mfa")]),
    authenticated_at=st.sampled_from([None, NOW, NOW - timedelta(hours=1)]),
    recognised_in=st.sampled_from([None, "a"]),
    takeover_of=st.sampled_from([None, "a", "b"]),
    takeover_factor=st.booleans(),
    takes_over=st.booleans(),
    kept=st.booleans(),
    session=st.sampled_from([None, "a"]),
    factor_passed=st.booleans(),
    given_up=st.booleans(),
)
_ACCOUNTS = st.none() | st.builds(
    AccountState,
    user_id=st.sampled_from([MINA, OTHER]),
    may_sign_in=st.booleans(),
    has_factor=st.booleans(),
    needs_factor=st.booleans(),
    by_mail=st.booleans(),
    new_device=st.booleans(),
    duplicate_login=st.sampled_from(["ask", "take_over"]),
)


@given(_LOGINS, _ACCOUNTS, _SESSIONS, _SESSIONS)
def test_what_holds_in_every_state(
    login: Login, account: AccountState | None, live: SessionState | None, own: SessionState | None
) -> None:
    decided = next_step(login, account, live, own, NOW)
    assert (decided.step is Step.REFUSED) == (decided.error is not None)
    if "none" in login.request.prompt:
        assert decided.step not in (Step.SIGN_IN, Step.FACTOR, Step.NO_FACTOR, Step.TAKEOVER)
    if decided.step in (Step.BEGIN_SESSION, Step.JOIN_SESSION, Step.CODE):
        assert login.user_id is not None
        assert account is not None
        assert account.may_sign_in
        assert not login.kept
        assert not login.given_up
    if decided.step in (Step.BEGIN_SESSION, Step.TAKEOVER):
        assert account is not None
        assert "mfa" in login.amr or not account.needs_factor
    if decided.step is Step.BEGIN_SESSION and live is not None:
        assert account is not None
        agreed = login.takeover_of == live.sid and login.takes_over
        assert agreed or account.duplicate_login == "take_over"
        assert not live.elsewhere or login.takeover_factor
    if decided.step in (Step.BEGIN_SESSION, Step.TAKEOVER):
        assert account is not None
        assert not account.new_device or login.factor_passed
    if decided.step is Step.FACTOR and account is not None:
        assert account.has_factor or account.by_mail
    if decided.step is Step.TAKEOVER:
        assert live is not None
        assert not live.elsewhere or login.takeover_factor
    if decided.step is Step.JOIN_SESSION:
        assert own is not None
        assert live is not None
        assert own.sid == live.sid
