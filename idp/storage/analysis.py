"""The analysis of how people sign in, in PostgreSQL: one pass over everybody for each question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from config.connections import Transaction
from idp.credentials.password import LANES, MEMORY_COST, TIME_COST
from idp.rollout.analysis import IDLE, By, FailureRow, Group, HashRow, IdleRow, MethodRow, group, method_row
from idp.rollout.cohorts import FAILED_WITHIN, FAILURES
from idp.rollout.methods import Readiness
from idp.storage.method_rules import method_of, why_not

_ENROLLED = """
    SELECT user_id, 'passkey' AS kind FROM idp.passkey
    UNION SELECT user_id, 'totp' FROM idp.totp WHERE confirmed_at IS NOT NULL
"""
"""What people have set up; a factor that is new joins here."""
_SCOPE = "EXISTS (SELECT FROM idp.membership AS of WHERE of.user_id = account.id AND of.organisation_id = ANY(:scope))"
_GOT_IN = "('signed_in', 'taken_over')"


def _statement(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("scope", type_=ARRAY(Uuid)))


ROOM = text("SELECT set_config('work_mem', '64MB', true)")
"""Room for everybody: what is sorted and counted on disk takes several times as long. Until the transaction is over."""
_PEOPLE = _statement(
    f"SELECT state = 'active' AS may, count(*) AS people FROM idp.user_account AS account WHERE {_SCOPE} GROUP BY 1"  # noqa: S608 - text of ours
)
_GROUPS = _statement(
    f"""
    WITH enrolled AS (SELECT user_id, array_agg(kind) AS kinds FROM ({_ENROLLED}) AS every GROUP BY user_id),
    tried AS (
        SELECT user_id FROM idp.sign_in_history WHERE outcome = 'failed' AND at > :failed_since
        GROUP BY user_id HAVING count(*) >= :failures
    ),
    person AS (
        SELECT account.id,
            CASE WHEN 'passkey' = ANY(enrolled.kinds) THEN 'phishing_resistant'
                WHEN enrolled.kinds IS NOT NULL THEN 'several_factors'
                WHEN secret.hash IS NOT NULL THEN 'password_alone' ELSE 'nothing' END AS ready,
            array_remove(ARRAY[
                CASE WHEN enrolled.kinds IS NULL THEN 'no_second_factor' END,
                CASE WHEN secret.hash NOT LIKE '$argon2id$%' THEN 'legacy_hash' END,
                CASE WHEN tried.user_id IS NOT NULL THEN 'recent_failures' END
            ], NULL) AS risks
        FROM idp.user_account AS account
            LEFT JOIN enrolled ON enrolled.user_id = account.id
            LEFT JOIN idp.password AS secret ON secret.user_id = account.id
            LEFT JOIN tried ON tried.user_id = account.id
        WHERE account.state = 'active' AND {_SCOPE}
    ),
    member AS (
        SELECT person.id, person.ready, organisation.id AS organisation_id, organisation.name AS organisation,
            membership.roles, person.risks || CASE WHEN 'administrator' = ANY(membership.roles)
                THEN ARRAY['administrator'] ELSE '{{}}' END AS risks
        FROM person JOIN idp.membership ON membership.user_id = person.id
            JOIN idp.organisation ON organisation.id = membership.organisation_id
        WHERE membership.organisation_id = ANY(:scope)
    )
    SELECT 'all' AS by, '' AS key, '' AS name, ready, count(*) AS people FROM person GROUP BY ready
    UNION ALL
    SELECT 'organisation', organisation_id::text, organisation, ready, count(*) FROM member GROUP BY 2, 3, 4
    UNION ALL
    SELECT 'role', role, role, ready, count(*) FROM (
        SELECT DISTINCT id, coalesce(role, '') AS role, ready
        FROM member LEFT JOIN LATERAL unnest(roles) AS role ON true
    ) AS having_it GROUP BY 2, 3, 4
    UNION ALL
    SELECT 'risk', risk, risk, ready, count(*) FROM (
        SELECT DISTINCT id, risk, ready FROM member CROSS JOIN LATERAL unnest(risks) AS risk
    ) AS under_it GROUP BY 2, 3, 4
    """  # noqa: S608 - text of ours
)
_METHODS = _statement(
    f"""
    SELECT {method_of("history.amr")} AS method, count(*) AS sign_ins, count(DISTINCT history.user_id) AS people,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY history.seconds) AS median_seconds
    FROM idp.sign_in_history AS history JOIN idp.user_account AS account ON account.id = history.user_id
    WHERE history.outcome IN {_GOT_IN} AND history.at >= :since AND account.state = 'active' AND {_SCOPE}
    GROUP BY 1 ORDER BY 2 DESC, 1
    """  # noqa: S608 - text of ours
)
_FAILURES = _statement(
    f"""
    SELECT {why_not("history.outcome", "history.amr")} AS why, count(*) AS attempts,
        count(DISTINCT history.user_id) AS people
    FROM idp.sign_in_history AS history JOIN idp.user_account AS account ON account.id = history.user_id
    WHERE history.outcome IN ('failed', 'refused', 'abandoned') AND history.at >= :since
        AND account.state = 'active' AND {_SCOPE}
    GROUP BY 1 ORDER BY 2 DESC, 1
    """  # noqa: S608 - text of ours
)
_HASHES = _statement(
    f"""
    SELECT CASE WHEN secret.hash LIKE '$argon2id$%' THEN 'argon2id' ELSE coalesce(split_part(secret.hash, ' ', 2),
    '') END
            AS scheme,
        CASE WHEN secret.hash IS NULL THEN 'none'
            WHEN secret.hash LIKE '$argon2id$v=19$' || :today || '$%' THEN 'today'
            WHEN secret.hash LIKE '$argon2id$%' THEN 'outdated'
            ELSE split_part(secret.hash, ' ', 1) END AS state,
        count(*) AS people
    FROM idp.user_account AS account LEFT JOIN idp.password AS secret ON secret.user_id = account.id
    WHERE account.state = 'active' AND {_SCOPE}
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
    """  # noqa: S608 - text of ours
)
_IDLE = _statement(
    f"""
    WITH got_in AS (
        SELECT user_id, max(at) AS at FROM idp.sign_in_history WHERE outcome IN {_GOT_IN} GROUP BY user_id
    ),
    device AS (SELECT user_id, max(last_seen_at) AS at FROM idp.device WHERE sign_ins > 0 GROUP BY user_id),
    person AS (
        SELECT CAST(:now AS timestamptz) - greatest(got_in.at, device.at) AS since
        FROM idp.user_account AS account LEFT JOIN got_in ON got_in.user_id = account.id
            LEFT JOIN device ON device.user_id = account.id
        WHERE account.state = 'active' AND {_SCOPE}
    )
    SELECT CASE WHEN since IS NULL THEN 'never' WHEN since <= interval '30 days' THEN 'month'
        WHEN since <= interval '90 days' THEN 'quarter' WHEN since <= interval '180 days' THEN 'half_year'
        ELSE 'longer' END AS idle, count(*) AS people
    FROM person GROUP BY 1
    """  # noqa: S608 - text of ours
)
_TODAY = f"m={MEMORY_COST},t={TIME_COST},p={LANES}"


async def people(tx: Transaction, scope: Collection[UUID]) -> tuple[int, int]:
    """How many may sign in, and how many may not."""
    found = {row.may: row.people for row in await tx.execute(_PEOPLE, {"scope": list(scope)})}
    return found.get(True, 0), found.get(False, 0)


async def groups(tx: Transaction, scope: Collection[UUID], now: datetime) -> Sequence[Group]:
    """Everybody, and by organisation, role and risk."""
    await tx.execute(ROOM)
    values = {"scope": list(scope), "failed_since": now - FAILED_WITHIN, "failures": FAILURES}
    counted: dict[tuple[By, str, str], dict[Readiness, int]] = defaultdict(dict)
    for row in await tx.execute(_GROUPS, values):
        counted[row.by, row.key, row.name][row.ready] = row.people
    counted.setdefault(("all", "", ""), {})
    order = ("all", "organisation", "role", "risk")
    found = [group(by, key, name, ready) for (by, key, name), ready in counted.items()]
    return sorted(found, key=lambda one: (order.index(one.by), -one.people, one.name, one.key))


async def methods(tx: Transaction, scope: Collection[UUID], since: datetime) -> Sequence[MethodRow]:
    """What was signed in by."""
    await tx.execute(ROOM)
    rows = await tx.execute(_METHODS, {"scope": list(scope), "since": since})
    return [method_row(row.method, row.sign_ins, row.people, row.median_seconds) for row in rows]


async def failures(tx: Transaction, scope: Collection[UUID], since: datetime) -> Sequence[FailureRow]:
    """Why attempts came to nothing."""
    rows = await tx.execute(_FAILURES, {"scope": list(scope), "since": since})
    return [FailureRow(why=row.why, attempts=row.attempts, people=row.people) for row in rows]


async def hashes(tx: Transaction, scope: Collection[UUID]) -> Sequence[HashRow]:
    """How passwords lie."""
    rows = await tx.execute(_HASHES, {"scope": list(scope), "today": _TODAY})
    return [HashRow(scheme=row.scheme, state=row.state, people=row.people) for row in rows]


async def idle(tx: Transaction, scope: Collection[UUID], now: datetime) -> Sequence[IdleRow]:
    """When people were last seen."""
    found = {row.idle: row.people for row in await tx.execute(_IDLE, {"scope": list(scope), "now": now})}
    return [IdleRow(idle=one, people=found.get(one, 0)) for one in IDLE]
