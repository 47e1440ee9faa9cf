"""The report says what the data say: what it cost, and what to do better, the pressing first; on paper, too."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace as with_

from idp.rollout.analysis import HashRow, group
from idp.rollout.comparison import Person, compare
from idp.rollout.daily import Cell
from idp.rollout.forecast import Forecast
from idp.rollout.progress import ForecastDocument, HelpRow, PhaseProgress
from idp.rollout.report import Report, advice, began_at, by_strength, cost_of, old_hashes, span_before
from idp.rollout.report_paper import forecast_words, report_pdf
from idp.rollout.saying import Saying, words
from pages.locale import LOCALES, Locale
from tests.idp.rollout.values import DAY, NOW, phase
from tests.pages.paper.test_report import written

CALM = ForecastDocument(on=None, from_=None, until=None, pace=0.0, slowing=False)


def progress(**other: Any) -> PhaseProgress:
    one = phase(state="piloting", begun_at=NOW)
    plain: dict[str, Any] = dict.fromkeys(
        ("reached", "asked", "enrolled", "put_off", "excepted", "succeeded", "failed", "given_up", "answers"), 0
    )
    unknown: dict[str, Any] = dict.fromkeys(
        (
            *("enrolled_low", "enrolled_high", "median_seconds", "slow_seconds", "before_seconds"),
            *("feedback", "feedback_low", "feedback_high", "hindrance"),
        )
    )
    made = PhaseProgress(
        programme_id=one.programme_id,
        programme="p",
        phase_id=one.id,
        name=one.name,
        kind=one.kind,
        state="piloting",
        methods=("passkey",),
        share=50,
        begun_at=NOW,
        enforce_at=NOW,
        help=(),
        stuck={},
        days=(),
        forecast=CALM,
        **plain,
        **unknown,
    )
    return with_(made, **other)


def codes(*phases: PhaseProgress, comparisons: Any = None, **left: int) -> list[str]:
    remains = {"still_by_password": 0, "exceptions": 0, "old": 0, **left}
    return [one.code for one in advice(phases, comparisons or {}, **remains)]


def test_each_finding_has_its_advice_and_the_pressing_comes_first() -> None:
    assert codes(progress()) == ["all_well"]
    assert codes(progress(), exceptions=2, old=3, still_by_password=4) == [
        "still_by_password",
        "old_hashes",
        "exceptions",
    ]
    troubled = progress(
        reached=40,
        stuck={"tried": 3, "put_off": 2, "reminded": 1},
        feedback=2.0,
        feedback_high=3.0,
        forecast=with_(CALM, slowing=True),
        help=(HelpRow(kind="recovery", times=3, people=2), HelpRow(kind="support", times=99, people=1)),
    )
    assert codes(troubled) == ["tried", "low_mark", "slowing", "put_off", "reminded", "much_help"]
    assert codes(with_(troubled, feedback_high=4.0, reached=60))[:2] == ["tried", "slowing"]


def test_what_the_pilot_shows_is_advice() -> None:
    one = progress()
    smooth, missed = Person(1, 0, 9.0), Person(1, 1, 30.0)

    found = compare(
        [missed] * 60 + [smooth] * 40,
        [smooth] * 95 + [missed] * 5,
        ({"Safari · iPhone": (50, 40)}, {"Safari · iPhone": (50, 2)}),
        control_is="before",
        since=NOW,
        until=NOW,
        random=Random(1),
    )
    assert codes(one, comparisons={str(one.phase_id): found}) == ["less_smooth", "platform", "slower"]


def test_what_it_cost() -> None:
    cost = cost_of(progress(median_seconds=20.0, before_seconds=11.0, succeeded=400, put_off=3))
    assert (cost.seconds_more, cost.hours, cost.put_off) == (9.0, 1.0, 3)
    assert cost_of(progress(median_seconds=20.0)).hours is None


def test_the_strength_of_two_times_is_set_side_by_side() -> None:
    def cell(method: str, attempts: int, outcome: Any = "got_in") -> Cell:
        return Cell(day=NOW.date(), method=method, outcome=outcome, took=-1, attempts=attempts)

    rows = by_strength([cell("password", 5)], [cell("passkey", 3), cell("password", 2), cell("password", 9, "failed")])
    assert {row.strength: (row.before, row.now) for row in rows} == {
        "phishing_resistant": (0, 3),
        "several_factors": (0, 0),
        "one_factor": (5, 2),
        "unknown": (0, 0),
    }


def test_when_it_began() -> None:
    assert began_at([phase(), phase(begun_at=NOW), phase(begun_at=NOW - DAY)]) == NOW - DAY
    assert began_at([phase()]) is None
    assert span_before(None) is None
    assert span_before(NOW) == ((NOW - 14 * DAY).date(), NOW.date())
    assert old_hashes([HashRow(scheme="a", state="today", people=3), HashRow(scheme="b", state="kept", people=2)]) == 2


@pytest.mark.parametrize("locale", LOCALES)
def test_every_advice_has_its_words_and_is_printed(locale: Locale) -> None:
    say = Saying(locale, "Asia/Seoul")
    one = progress(reached=4, enrolled=1, succeeded=3)
    report = Report(
        programme_id=one.programme_id,
        programme="<P>",
        organisation="하우스",
        at=NOW,
        began_at=NOW,
        people=4,
        ready=group("all", "", "", {"password_alone": 3, "phishing_resistant": 1}),
        signed_in=by_strength([], []),
        phases=(one,),
        comparisons={},
        costs=(cost_of(one),),
        still_by_password=1,
        exceptions=0,
        old_hashes=0,
        advice=advice([one], {}, still_by_password=1, exceptions=0, old=0),
    )
    text = written(report_pdf(report, say))
    assert "<P>" in text
    assert "25%" in text
    assert say.advised("still_by_password", {"count": 1}) in text.replace("\n", " ")


def test_a_forecast_is_told_with_what_is_not_known() -> None:
    say = Saying("en", "UTC")
    whole = Forecast(NOW.date(), (NOW - DAY).date(), (NOW + DAY).date(), 3.0, slowing=False)

    def told(one: Forecast) -> str:
        document = ForecastDocument(on=one.on, from_=one.from_, until=one.until, pace=one.pace, slowing=one.slowing)
        return forecast_words(document, say)

    assert told(whole) == "22 Nov 2026 (21 Nov 2026 to 23 Nov 2026)"
    assert told(replace(whole, until=None)).endswith("at the earliest, no last day)")
    assert told(replace(whole, on=None)) == "cannot be said"


def test_small_shares_do_not_become_nothing() -> None:
    say = Saying("ko", "UTC")
    assert [say.percent(share) for share in (0.0, 0.004, 0.126, 1.0)] == ["0%", "0.4%", "13%", "100%"]
    assert say.number(12345.6) == "12,345.6"
    assert "found.idle" in words()
