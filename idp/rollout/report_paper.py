"""The final report of a programme on paper."""

from __future__ import annotations

from idp.rollout.methods import READINESS
from idp.rollout.progress import ForecastDocument
from idp.rollout.report import Report
from idp.rollout.saying import Saying
from pages.paper.bars import Bar
from pages.paper.report import Report as Paper


def report_pdf(one: Report, say: Saying) -> bytes:
    """A PDF of it."""
    at = say.moment(one.at)
    paper = Paper(
        title=say("report.title", programme=one.programme),
        subtitle=say("report.subtitle", organisation=one.organisation, at=at),
        footer=say("analysis.footer", at=at),
        locale=say.locale,
    )
    _reached(paper, one, say)
    _compared(paper, one, say)
    _cost(paper, one, say)
    paper.heading(say("report.improve"))
    paper.points([say.advised(advice.code, advice.values) for advice in one.advice])
    paper.note(say("report.how"))
    return paper.pdf()


def _reached(paper: Paper, one: Report, say: Saying) -> None:
    paper.heading(say("report.reached"))
    if one.began_at is None:
        paper.say(say("report.not_begun"))
    else:
        paper.say(say("report.began", at=say.moment(one.began_at), people=one.people))
    share = one.ready.share("phishing_resistant") + one.ready.share("several_factors")
    paper.bars(
        say("report.ready_now", people=one.people, share=say.percent(share)),
        [
            Bar(
                say(f"ready.{ready}"),
                one.ready.share(ready),
                f"{say.number(one.ready.ready.get(ready, 0))} · {say.percent(one.ready.share(ready))}",
            )
            for ready in READINESS
        ],
    )
    paper.heading(say("report.signed_in"))
    before, now = (sum(row.before for row in one.signed_in), sum(row.now for row in one.signed_in))
    paper.table(
        [say("report.strength"), say("report.before"), say("report.now")],
        [
            [say(f"strength.{row.strength}"), _of(row.before, before, say), _of(row.now, now, say)]
            for row in one.signed_in
        ],
        numbers=(1, 2),
    )
    paper.heading(say("report.phases"))
    paper.table(
        [say(f"report.{column}") for column in ("phase", "people", "enrolled", "success", "failed", "forecast")],
        [
            [
                f"{say.named(phase.name)} · {say(f'phase_state.{phase.state}')}",
                say.number(phase.reached),
                _of(phase.enrolled, phase.reached, say),
                say.number(phase.succeeded),
                say.number(phase.failed + phase.given_up),
                forecast_words(phase.forecast, say),
            ]
            for phase in one.phases
        ],
        numbers=(1, 2, 3, 4),
    )


def _compared(paper: Paper, one: Report, say: Saying) -> None:
    if not one.comparisons:
        return
    paper.heading(say("report.compared"))
    names = {str(phase.phase_id): say.named(phase.name) for phase in one.phases}
    for phase_id, found in one.comparisons.items():
        control = say(f"control.{found.control_is}")
        paper.say(say("report.compared_with", name=names.get(phase_id, ""), control=control))
        paper.points(
            [
                say(
                    "report.smooth",
                    pilot=found.pilot.smooth,
                    pilot_tried=found.pilot.tried,
                    control=found.control.smooth,
                    control_tried=found.control.tried,
                    verdict=say(f"verdict.{found.success}"),
                ),
                say(
                    "report.speed",
                    pilot=say.seconds(found.pilot.median_seconds),
                    control=say.seconds(found.control.median_seconds),
                    verdict=say(f"verdict.{found.quickness}"),
                ),
            ]
        )


def _cost(paper: Paper, one: Report, say: Saying) -> None:
    paper.heading(say("report.cost"))
    paper.table(
        [say(f"report.{column}") for column in ("phase", "seconds_more", "hours", "failed", "put_off", "help")],
        [
            [
                say.named(cost.name),
                say.seconds(cost.seconds_more),
                say("analysis.unknown") if cost.hours is None else say("report.hours_of", hours=round(cost.hours, 1)),
                say.number(cost.failed + cost.given_up),
                say.number(cost.put_off),
                say.number(cost.asked_help),
            ]
            for cost in one.costs
        ],
        numbers=(1, 2, 3, 4, 5),
    )


def forecast_words(found: ForecastDocument, say: Saying) -> str:
    """When everybody will have enrolled, with what is not known of it."""
    if found.on is None or found.from_ is None:
        return say("report.no_date")
    on, first = say.day(found.on), say.day(found.from_)
    if found.until is None:
        return say("report.from_open", on=on, **{"from": first})
    return say("report.from_until", on=on, until=say.day(found.until), **{"from": first})


def _of(count: int, whole: int, say: Saying) -> str:
    return f"{say.number(count)} · {say.percent(count / whole)}" if whole else say.number(count)
