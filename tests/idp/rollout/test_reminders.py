"""Which notice is due, in whose words, and that words cannot do harm."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.rollout.phases import Demand, Reminder
from idp.rollout.reminders import (
    OCCASIONS,
    PLACEHOLDERS,
    Addressee,
    UnusableText,
    check_texts,
    due_notice,
    fill,
    shipped_texts,
    words_for,
)
from idp.rollout.template import read, shipped
from tests.idp.rollout.values import DAY, NOW, phase, programme

SEOUL = ZoneInfo("Asia/Seoul")


def test_every_occasion_has_words_in_both_languages_that_say_only_what_there_is() -> None:
    texts = {name: words for name, words in shipped_texts().items() if name != "methods"}
    assert set(texts) == set(OCCASIONS)
    check_texts(texts)


def test_a_notice_goes_out_while_it_is_true() -> None:
    one = phase(state="running", begun_at=NOW, reminders=(Reminder("enforce", -2),))
    assert due_notice(one, NOW - DAY) is None
    begun = due_notice(one, NOW)
    assert begun is not None
    assert begun.occasion == "begins"
    before = due_notice(one, NOW + 5 * DAY)
    assert before is not None
    assert (before.occasion, before.label, before.audience) == ("before", "enforce-2@2026-11-27", "not_ready")
    for silent in ("draft", "paused"):
        assert due_notice(replace(one, state=silent), NOW + 5 * DAY) is None
    closing = replace(one, state="enforced", demand=Demand(methods=("passkey",), close_password=True))
    closed = due_notice(closing, NOW + 7 * DAY)
    assert closed is not None
    assert (closed.occasion, closed.audience) == ("closed", "everybody")


def test_a_date_that_moved_is_told_anew() -> None:
    one = phase(state="running", begun_at=NOW, reminders=(Reminder("enforce", -2),))
    moved = replace(one, dates=replace(one.dates, enforce_at=one.dates.enforce_at + DAY))
    first, second = due_notice(one, NOW + 5 * DAY), due_notice(moved, NOW + 6 * DAY)
    assert first is not None
    assert second is not None
    assert first.label != second.label


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_value_is_never_read_as_a_placeholder(name: str, organisation: str) -> None:
    filled = fill("{name}|{organisation}|{other}", {"name": name, "organisation": organisation})
    assert filled == f"{name}|{organisation}|{{other}}"


@pytest.mark.parametrize(
    "texts",
    [
        {"sometime": {"ko": {"subject": "a", "text": "b"}, "en": {"subject": "a", "text": "b"}}},
        {"before": {"en": {"subject": "a", "text": "b"}}},
        {"before": {"ko": {"subject": "a"}, "en": {"subject": "a", "text": "b"}}},
        {"before": {"ko": {"subject": "a", "text": "{secret}"}, "en": {"subject": "a", "text": "b"}}},
        {"before": {"ko": {"subject": " ", "text": "b"}, "en": {"subject": "a", "text": "b"}}},
        {"before": {"ko": {"subject": "a" * 121, "text": "b"}, "en": {"subject": "a", "text": "b"}}},
    ],
)
def test_words_that_cannot_be_used(texts: dict[str, dict[str, dict[str, str]]]) -> None:
    with pytest.raises(UnusableText):
        check_texts(texts)


def test_an_organisations_own_words_are_filled_in_the_persons_language() -> None:
    made, _, one = programme(state="running")
    words = {"subject": "{organisation}: {days}", "text": "{name} {phase} {begin} {enforce} {methods}"}
    made = replace(made, texts={"before": {"ko": words, "en": words}})
    person = Addressee(user_id=uuid4(), name="{methods}", email="a@b.example", locale="ko")
    subject, text = words_for(made, one, "before", person, "하우스", SEOUL, NOW)
    assert subject == "하우스: 7"
    assert text == "{methods} 모두 2단계 2026년 11월 22일 2026년 11월 29일 패스키, 인증 앱"
    assert {"name", "days"} < PLACEHOLDERS


def test_the_shipped_template_is_three_phases_of_mfa_and_three_without_passwords() -> None:
    found = shipped()
    assert [one.kind for one in found.phases] == ["mfa"] * 3 + ["passwordless"] * 3
    assert [one.demand.methods[0] for one in found.phases[3:]] == ["link", "passkey", "push"]
    assert found.phases[3].cohort == "mobile"
    assert all(one.thresholds.min_feedback for one in found.phases[3:])
    ends = [one.days.end for one in found.phases]
    assert ends == sorted(ends)


@pytest.mark.parametrize(
    "text",
    [
        "name = 1",
        'name = { ko = "a", en = "b" }\nphases = []\n[cohorts]',
        "not toml",
    ],
)
def test_a_template_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)
