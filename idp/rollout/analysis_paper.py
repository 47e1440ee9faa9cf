"""The analysis on paper: each chart under the sentence that it shows, its figures in a table below."""

from __future__ import annotations

from collections.abc import Sequence

from idp.rollout.analysis import Analysis, Group
from idp.rollout.methods import READINESS
from idp.rollout.saying import Saying
from pages.paper.bars import Bar
from pages.paper.report import Report


def analysis_pdf(one: Analysis, say: Saying, organisations: Sequence[str]) -> bytes:
    """A PDF of it. `organisations`: their names; none: all there are."""
    named = ", ".join(organisations) if 0 < len(organisations) <= 5 else say("analysis.all")
    at = say.moment(one.at)
    paper = Report(
        title=say("analysis.title"),
        subtitle=say("analysis.subtitle", organisations=named, at=at, days=one.days),
        footer=say("analysis.footer", at=at),
        locale=say.locale,
    )
    paper.say(say("analysis.people", people=one.people, locked=one.locked))
    found: dict[str, str] = {str(f.about): say.found(f.code, f.values) for f in one.findings}
    everybody = next((group for group in one.groups if group.by == "all"), None)
    if everybody is not None:
        rows = [(say(f"ready.{ready}"), everybody.ready.get(ready, 0)) for ready in READINESS]
        paper.bars(found["strength"], _bars(rows, one.people, say), beside=say("analysis.count"))
    _groups(paper, one, say, found)
    total = sum(row.sign_ins for row in one.methods)
    used = [(say(f"method.{row.method}"), row.sign_ins) for row in one.methods]
    paper.bars(found["methods"], _bars(used, total, say), beside=say("analysis.sign_ins"))
    if one.methods:
        paper.table(
            [say("analysis.method_used"), say("analysis.sign_ins"), say("analysis.count"), say("analysis.median")],
            [
                [
                    say(f"method.{row.method}"),
                    say.number(row.sign_ins),
                    say.number(row.people),
                    say.seconds(row.median_seconds),
                ]
                for row in one.methods
            ],
            numbers=(1, 2, 3),
        )
    attempts = sum(row.attempts for row in one.failures)
    failed = [(say(f"failure.{row.why}"), row.attempts) for row in one.failures]
    paper.bars(found["failures"], _bars(failed, attempts, say), beside=say("analysis.attempts"))
    hashes = [(f"{row.scheme} · {say(f'hash.{row.state}')}".lstrip(" ·"), row.people) for row in one.hashes]
    paper.bars(found["hashes"], _bars(hashes, one.people, say), beside=say("analysis.count"))
    seen = [(say(f"idle.{row.idle}"), row.people) for row in one.idle]
    paper.bars(found["idle"], _bars(seen, one.people, say), beside=say("analysis.last_seen"))
    _phases(paper, one, say, found["phases"])
    paper.note(say("analysis.how"))
    return paper.pdf()


def _groups(paper: Report, one: Analysis, say: Saying, found: dict[str, str]) -> None:
    for by, heading in (
        ("organisation", say("analysis.by_organisation")),
        ("role", found["role"]),
        ("risk", found["risk"]),
    ):
        rows = [group for group in one.groups if group.by == by]
        if not rows:
            continue
        paper.heading(heading)
        paper.table(
            [say(f"analysis.{'group' if by == 'organisation' else f'by_{by}'}"), say("analysis.count")]
            + [say(f"ready.{ready}") for ready in READINESS],
            [
                [_called(group, say), say.number(group.people)]
                + [say.percent(group.share(ready)) for ready in READINESS]
                for group in rows
            ],
            numbers=(1, 2, 3, 4, 5),
        )


def _called(group: Group, say: Saying) -> str:
    if group.by == "risk":
        return say(f"at_risk.{group.key}")
    return group.name or say("analysis.no_role")


def _phases(paper: Report, one: Analysis, say: Saying, found: str) -> None:
    paper.heading(found)
    if not one.phases:
        return
    paper.table(
        [say(f"analysis.{column}") for column in ("phase", "state", "reaches", "not_ready")],
        [
            [
                hit.name.get(say.locale) or next(iter(hit.name.values()), ""),
                say(f"phase_state.{hit.state}"),
                say.number(hit.people),
                say.number(hit.people - hit.ready),
            ]
            for hit in one.phases
        ],
        numbers=(2, 3),
    )


def _bars(rows: Sequence[tuple[str, int]], whole: int, say: Saying) -> list[Bar]:
    return [
        Bar(
            text,
            count / whole if whole else 0.0,
            f"{say.number(count)} · {say.percent(count / whole if whole else 0.0)}",
        )
        for text, count in rows
    ]
