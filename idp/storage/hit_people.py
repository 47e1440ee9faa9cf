"""Whom it would hit if an organisation forbade ways to sign in, in PostgreSQL."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import text

from config.connections import Transaction
from idp.administration.authentication_documents import HitPerson, Reach
from idp.factors.authentication_rules import AuthenticationRules

MOST_SHOWN: Final = 100

_PEOPLE: Final = """
WITH person AS (
    SELECT u.id, u.display_name, u.email IS NOT NULL AS has_mail,
        EXISTS (SELECT FROM idp.password p WHERE p.user_id = u.id) AS has_password,
        array_remove(ARRAY[
            CASE WHEN EXISTS (SELECT FROM idp.passkey k WHERE k.user_id = u.id) THEN 'passkey' END,
            CASE WHEN EXISTS (SELECT FROM idp.approval_device d WHERE d.user_id = u.id) THEN 'push' END,
            CASE WHEN EXISTS (SELECT FROM idp.totp t WHERE t.user_id = u.id AND t.confirmed_at IS NOT NULL)
                THEN 'totp' END,
            CASE WHEN EXISTS (SELECT FROM idp.phone n WHERE n.user_id = u.id AND n.confirmed_at IS NOT NULL)
                THEN 'sms' END
        ], NULL) AS has
    FROM idp.membership m
    JOIN idp.user_account u ON u.id = m.user_id AND u.state = 'active'
    WHERE m.organisation_id = :organisation AND NOT EXISTS (
        SELECT FROM idp.membership other WHERE other.user_id = m.user_id
        AND (other.joined_at, other.organisation_id) < (m.joined_at, m.organisation_id)
    )
), met AS (
    SELECT id, display_name, has_mail, has_password, has,
        CASE WHEN :verified AND NOT 'passkey' = ANY(has) THEN CAST(:forbidden AS text[]) || ARRAY['push']
        ELSE CAST(:forbidden AS text[]) END AS gone
    FROM person
), hit AS (
    SELECT id, display_name, has,
        CASE WHEN NOT has <@ gone THEN 'another'
        WHEN has_mail AND has_password AND NOT 'email' = ANY(gone) THEN 'led' ELSE 'stuck' END AS hit
    FROM met WHERE has && gone
)
SELECT id, display_name, has, hit, count(*) OVER () AS all_of_them,
    count(*) FILTER (WHERE hit = 'led') OVER () AS led, count(*) FILTER (WHERE hit = 'stuck') OVER () AS stuck
FROM hit
ORDER BY array_position(ARRAY['stuck', 'led', 'another'], hit), display_name, id
LIMIT :most
"""
"""The organisation's are those who joined it first: its rules hold for their sign-ins."""


async def reach(tx: Transaction, organisation_id: UUID, rules: AuthenticationRules) -> Reach:
    """Its people who have nothing but what these rules forbid."""
    asked = {
        "organisation": organisation_id,
        "forbidden": sorted(rules.forbidden),
        "verified": rules.verified_approvals,
        "most": MOST_SHOWN,
    }
    rows = (await tx.execute(text(_PEOPLE), asked)).all()
    return Reach(
        use=rows[0].all_of_them if rows else 0,
        led=rows[0].led if rows else 0,
        stuck=rows[0].stuck if rows else 0,
        people=tuple(
            HitPerson(user_id=row.id, display_name=row.display_name, has=tuple(row.has), hit=row.hit)
            for row in rows
            if row.hit != "another"
        ),
    )
