"""How far phases are, in PostgreSQL: of the people whom a phase has taken in and who may sign in, as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Text,
    all_,
    and_,
    case,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from config.connections import Transaction
from idp.devices.sign_in_history import GOT_IN
from idp.rollout.feedback import Marks
from idp.rollout.methods import MARKS, ways, why_not
from idp.rollout.phases import Method, Phase
from idp.rollout.progress import BEFORE, Attempts, HelpRow, People, Stuck, StuckRow
from idp.storage.account_tables import sign_in_history as history
from idp.storage.analysis import ROOM
from idp.storage.approval_tables import approval_device
from idp.storage.directory_tables import passkey, totp, user_account
from idp.storage.phone_tables import phone
from idp.storage.progress_tables import feedback
from idp.storage.rollout_cohorts import having
from idp.storage.rollout_tables import phase_exception, phase_notice, phase_person

_help = table("help_asked", column("at"), column("user_id"), column("kind"), schema="idp")
_GOT_IN = history.c.outcome.in_(sorted(GOT_IN))
_MISSED = history.c.outcome.in_(("failed", "refused", "abandoned"))


def by_one_of(methods: Sequence[Method]) -> ColumnElement[bool]:
    """`idp.rollout.methods.by_one_of`, of a row of the history."""
    return or_(false(), *(_by(method) for method in methods))


async def people(tx: Transaction, phase: Phase, now: datetime) -> People:
    """How many it has taken in, and how far they are."""
    await tx.execute(ROOM)
    has = having(phase.demand.methods)
    query = (
        select(
            func.count().label("reached"),
            func.count().filter(has).label("enrolled"),
            func.count(phase_person.c.asked_at).label("asked"),
            func.count().filter(~has, phase_person.c.skipped > 0).label("put_off"),
            func.count().filter(~has, _excepted(phase, now)).label("excepted"),
        )
        .select_from(phase_person)
        .join(user_account, user_account.c.id == phase_person.c.user_id)
        .where(_of(phase))
    )
    return People(**(await tx.execute(query)).mappings().one())


async def attempts(tx: Transaction, phase: Phase, now: datetime) -> Attempts:
    """What came of their sign-ins by its methods, since it began; a second factor that was never given is given up."""
    if phase.begun_at is None:
        return Attempts()
    by_new = by_one_of(phase.demand.methods)
    left = and_(history.c.outcome == "abandoned", or_(by_new, history.c.amr == literal(["pwd"], ARRAY(Text))))
    since = and_(history.c.at >= phase.begun_at, history.c.at <= now)
    before = and_(history.c.at < phase.begun_at, history.c.at >= phase.begun_at - BEFORE)
    query = (
        select(
            func.count().filter(since, _GOT_IN, by_new).label("succeeded"),
            func.count().filter(since, history.c.outcome.in_(("failed", "refused")), by_new).label("failed"),
            func.count().filter(since, left).label("given_up"),
            _percentile(0.5).filter(since, _GOT_IN, by_new).label("median_seconds"),
            _percentile(0.9).filter(since, _GOT_IN, by_new).label("slow_seconds"),
            _percentile(0.5).filter(before, _GOT_IN).label("before_seconds"),
        )
        .select_from(history)
        .join(phase_person, phase_person.c.user_id == history.c.user_id)
        .join(user_account, user_account.c.id == history.c.user_id)
        .where(_of(phase), history.c.at >= phase.begun_at - BEFORE)
    )
    return Attempts(**(await tx.execute(query)).mappings().one())


async def asked_help(tx: Transaction, phase: Phase, now: datetime) -> Sequence[HelpRow]:
    """How they asked for help since it began."""
    if phase.begun_at is None:
        return []
    query = (
        select(_help.c.kind, func.count().label("times"), func.count(_help.c.user_id.distinct()).label("people"))
        .select_from(_help)
        .join(phase_person, phase_person.c.user_id == _help.c.user_id)
        .join(user_account, user_account.c.id == _help.c.user_id)
        .where(_of(phase), _help.c.at >= phase.begun_at, _help.c.at <= now)
        .group_by(_help.c.kind)
        .order_by(_help.c.kind)
    )
    return [HelpRow(**row) for row in (await tx.execute(query)).mappings()]


async def marks(tx: Transaction, phase: Phase, now: datetime) -> Marks:
    """What they said of its ways in since it began."""
    if phase.begun_at is None:
        return Marks({})
    query = (
        select(feedback.c.score, func.count().label("given"))
        .join(phase_person, phase_person.c.user_id == feedback.c.user_id)
        .where(
            phase_person.c.phase_id == phase.id,
            feedback.c.method.in_(ways(phase.demand.methods)),
            feedback.c.score.is_not(None),
            feedback.c.at >= phase.begun_at,
            feedback.c.at <= now,
        )
        .group_by(feedback.c.score)
    )
    found: dict[int, int] = {row.score: row.given for row in await tx.execute(query)}
    return Marks(found)


async def enrolled_by_day(tx: Transaction, phase: Phase, since: date, until: date) -> Mapping[date, int]:
    """How many got their first one of its methods on which day (UTC), `until` left out."""
    found = (
        select(func.timezone("UTC", _first_enrolled(phase)).label("at"))
        .select_from(phase_person)
        .join(user_account, user_account.c.id == phase_person.c.user_id)
        .where(_of(phase), having(phase.demand.methods))
        .cte("found")
    )
    day = func.date(found.c.at).label("day")
    query = select(day, func.count().label("people")).where(day >= since, day < until).group_by(day)
    return {row.day: row.people for row in await tx.execute(query)}


async def stuck_counts(tx: Transaction, phase: Phase, now: datetime) -> Mapping[Stuck, int]:
    """How many are stuck, and how."""
    found = _stuck(phase, now)
    query = select(found.c.why, func.count()).where(found.c.why.is_not(None)).group_by(found.c.why)
    counts: dict[Stuck, int] = dict.fromkeys(("tried", "put_off", "reminded"), 0)
    counts.update({cast("Stuck", why): count for why, count in await tx.execute(query)})
    return counts


async def stuck(
    tx: Transaction, phase: Phase, now: datetime, *, after: tuple[str, UUID] | None, limit: int
) -> Sequence[StuckRow]:
    """Who is, by name."""
    found = _stuck(phase, now)
    query = select(found).where(found.c.why.is_not(None)).order_by(found.c.display_name, found.c.user_id).limit(limit)
    if after is not None:
        query = query.where(tuple_(found.c.display_name, found.c.user_id) > tuple_(*after))
    return [_row(row) for row in (await tx.execute(query)).mappings()]


def _row(row: Any) -> StuckRow:
    values = dict(row)
    outcome, amr = values.pop("outcome"), values.pop("amr")
    return StuckRow(**values, last_failure=why_not(outcome, tuple(amr)) if outcome is not None else None)


def _stuck(phase: Phase, now: datetime) -> CTE:
    """Everybody of a phase on whom no exception holds, with what keeps them; `why` null: nothing does."""
    has, begun = having(phase.demand.methods), phase.begun_at or now
    by_new = by_one_of(phase.demand.methods)
    left = and_(history.c.outcome == "abandoned", history.c.amr == literal(["pwd"], ARRAY(Text)))
    mine = and_(history.c.user_id == phase_person.c.user_id, history.c.at >= begun, history.c.at <= now)
    success = select(func.max(history.c.at)).where(mine, _GOT_IN, by_new).correlate(phase_person).scalar_subquery()
    last = (
        select(history.c.at, history.c.outcome, history.c.amr)
        .where(mine, _MISSED, or_(by_new, left))
        .order_by(history.c.at.desc(), history.c.id.desc())
        .limit(1)
        .correlate(phase_person)
        .lateral("last")
    )
    reminded = (
        select(func.count())
        .select_from(phase_notice)
        .where(phase_notice.c.phase_id == phase.id, phase_notice.c.user_id == phase_person.c.user_id)
        .correlate(phase_person)
        .scalar_subquery()
    )
    why = case(
        (last.c.at > func.coalesce(success, literal_column("'-infinity'::timestamptz")), "tried"),
        (and_(~has, phase_person.c.skipped > 0), "put_off"),
        (and_(~has, reminded > 0), "reminded"),
    )
    return (
        select(
            user_account.c.id.label("user_id"),
            user_account.c.display_name,
            why.label("why"),
            phase_person.c.skipped.label("put_off"),
            reminded.label("reminded"),
            phase_person.c.asked_at,
            last.c.at.label("last_at"),
            last.c.outcome,
            last.c.amr,
        )
        .select_from(phase_person)
        .join(user_account, user_account.c.id == phase_person.c.user_id)
        .outerjoin(last, literal_column("true"))
        .where(_of(phase), ~_excepted(phase, now))
        .cte("stuck")
    )


def _of(phase: Phase) -> ColumnElement[bool]:
    return and_(phase_person.c.phase_id == phase.id, user_account.c.state == "active")


def _excepted(phase: Phase, now: datetime) -> ColumnElement[bool]:
    return exists().where(
        phase_exception.c.phase_id == phase.id,
        phase_exception.c.user_id == user_account.c.id,
        phase_exception.c.withdrawn_at.is_(None),
        phase_exception.c.until > now,
    )


def _first_enrolled(phase: Phase) -> ColumnElement[Any]:
    """When somebody got the first of its methods, as far as it is kept; otherwise when a login led them to it."""
    person = phase_person.c.user_id
    made: list[ColumnElement[Any]] = [phase_person.c.enrolled_at]
    if "passkey" in phase.demand.methods:
        made.append(
            select(func.min(passkey.c.created_at))
            .where(passkey.c.user_id == person)
            .correlate(phase_person)
            .scalar_subquery()
        )
    if "totp" in phase.demand.methods:
        confirmed = select(func.min(totp.c.confirmed_at)).where(totp.c.user_id == person)
        made.append(confirmed.correlate(phase_person).scalar_subquery())
    if "push" in phase.demand.methods:
        device = select(func.min(approval_device.c.created_at)).where(approval_device.c.user_id == person)
        made.append(device.correlate(phase_person).scalar_subquery())
    if "sms" in phase.demand.methods:
        proven = select(func.min(phone.c.confirmed_at)).where(phone.c.user_id == person)
        made.append(proven.correlate(phase_person).scalar_subquery())
    return func.least(*made)


def _by(method: Method) -> ColumnElement[bool]:
    bears = history.c.amr.overlap(literal(list(MARKS[method]), ARRAY(Text)))
    return and_(bears, literal("mca") != all_(history.c.amr)) if method == "passkey" else bears


def _percentile(share: float) -> Any:
    return func.percentile_cont(share).within_group(history.c.seconds)
