"""Attempts of each day, counted beside the way: from the history once a day is over, and as logins are forgotten."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from config.connections import Transaction
from idp.rollout.cohorts import DESKTOP_SYSTEMS, MOBILE_SYSTEMS
from idp.rollout.daily import KEPT, LAST, NO_TIME, NOBODYS, STEPS, Cell
from idp.storage.method_rules import method_of
from idp.storage.progress_tables import measured_day, sign_in_day


def _platform(label: str) -> str:
    systems = (("mobile", MOBILE_SYSTEMS), ("desktop", DESKTOP_SYSTEMS))
    branches = " ".join(f"WHEN {label} ~ '(^| · )({'|'.join(names)})$' THEN '{name}'" for name, names in systems)
    return f"CASE {branches} ELSE 'other' END"


_DAY = "CAST(history.at AT TIME ZONE 'UTC' AS date)"
_TOOK = (
    f"CASE WHEN history.seconds IS NULL THEN {NO_TIME} ELSE "
    f"least({LAST}, floor({STEPS} * log(2, CAST(greatest(1, history.seconds) AS numeric))))::int END"
)
_COUNTED = f"""
    SELECT {_DAY} AS day, home.organisation_id, {method_of("history.amr")} AS method,
        CASE WHEN history.outcome IN ('signed_in', 'taken_over') THEN 'got_in'
            WHEN history.outcome = 'failed' THEN 'failed' ELSE 'given_up' END AS outcome,
        {_platform("history.device_label")} AS platform, {_TOOK} AS took, count(*) AS attempts
    FROM idp.sign_in_history AS history CROSS JOIN LATERAL (
        SELECT organisation_id FROM idp.membership WHERE membership.user_id = history.user_id
        ORDER BY joined_at, organisation_id LIMIT 1
    ) AS home
    WHERE history.at >= :from AND history.at < :until AND history.outcome <> 'kept'
    GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608 - text of ours
_ADDED = """
    ON CONFLICT (day, organisation_id, method, outcome, platform, took)
    DO UPDATE SET attempts = sign_in_day.attempts + excluded.attempts
"""
_MEASURE = text(f"INSERT INTO idp.sign_in_day {_COUNTED} ORDER BY 1, 2, 3, 4, 5, 6 {_ADDED} RETURNING attempts")
_NEXT = text(
    """
    SELECT day FROM (
        SELECT CAST(generate_series(
            (SELECT min(at) AT TIME ZONE 'UTC' FROM idp.sign_in_history)::date, CAST(:today AS date) - 1, interval '1
            day'
        ) AS date) AS day
    ) AS past
    WHERE NOT EXISTS (SELECT FROM idp.measured_day WHERE measured_day.day = past.day) ORDER BY day LIMIT 1
    """
)
_CLAIM = text(
    "INSERT INTO idp.measured_day (day, measured_at) VALUES (:day, :now) ON CONFLICT DO NOTHING RETURNING day"
)
_LEFT = text(
    f"""
    WITH gone AS (
        DELETE FROM idp.login WHERE expires_at <= :now AND user_id IS NULL RETURNING created_at, client_id, came_from
    ),
    counted AS (
        INSERT INTO idp.sign_in_day
        SELECT CAST(gone.created_at AT TIME ZONE 'UTC' AS date), coalesce(client_home.organisation_id, :nobodys), '',
            'left', {_platform("coalesce(gone.came_from ->> 'device', '')")}, {NO_TIME}, count(*)
        FROM gone LEFT JOIN idp.client_home ON client_home.client_id = gone.client_id
        GROUP BY 1, 2, 5 ORDER BY 1, 2, 5 {_ADDED}
    )
    SELECT count(*) FROM gone
    """  # noqa: S608 - text of ours
).bindparams(bindparam("nobodys", type_=Uuid))
_WITHIN = "(:every OR organisation_id = ANY(:scope))"
_CELLS = text(
    f"""
    SELECT day, method, outcome, took, CAST(sum(attempts) AS bigint) AS attempts FROM (
        SELECT day, organisation_id, method, outcome, took, attempts FROM idp.sign_in_day
        WHERE day >= :since AND day < :before
        UNION ALL
        SELECT day, organisation_id, method, outcome, took, attempts FROM ({_COUNTED}) AS live
        WHERE NOT EXISTS (SELECT FROM idp.measured_day WHERE measured_day.day = live.day)
    ) AS every
    WHERE {_WITHIN} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """  # noqa: S608 - text of ours
).bindparams(bindparam("scope", type_=ARRAY(Uuid)))


async def measure_next(tx: Transaction, today: date) -> int:
    """Count the earliest day before `today` that is not counted yet. Returns how many attempts; 0: none is left."""
    while (day := await tx.scalar(_NEXT, {"today": today})) is not None:
        until = _begin(day) + timedelta(days=1)
        if await tx.scalar(_CLAIM, {"day": day, "now": _begin(today)}) is None:
            continue  # another sweeper was quicker
        counted = (await tx.execute(_MEASURE, {"from": _begin(day), "until": until})).scalars().all()
        if counted:
            return sum(counted)
    return 0


async def forget_left(tx: Transaction, now: datetime) -> int:
    """Forget logins whose time is over and in which nobody was known, and count them. Returns how many."""
    gone: int = (await tx.execute(_LEFT, {"now": now, "nobodys": NOBODYS})).scalar_one()
    return gone


async def cells(tx: Transaction, scope: Collection[UUID] | None, since: date, until: date) -> Sequence[Cell]:
    """Attempts of the days from `since` on and before `until`; `None`: of all organisations."""
    values = {
        "since": since,
        "before": until,
        "from": _begin(since),
        "until": _begin(until),
        "every": scope is None,
        "scope": list(scope or ()),
    }
    return [Cell(**row._mapping) for row in await tx.execute(_CELLS, values)]


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget what has been kept long enough. Returns how many rows are gone."""
    before = (now - KEPT).date()
    await tx.execute(delete(measured_day).where(measured_day.c.day < before))
    return (await tx.execute(delete(sign_in_day).where(sign_in_day.c.day < before))).rowcount


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
