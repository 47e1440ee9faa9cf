"""The trail: written with what it records, and never changed by anybody's role."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from audit.trail import AuditEvent, Kind, record

EVENT = AuditEvent(
    kind=Kind.SIGN_IN_FAILED, correlation_id="c1", subject="minji", ip="192.0.2.7", details={"factor": "password"}
)
WRITERS = ("idp", "gateway", "policy", "commerce", "reservation", "worker", "audit")


async def test_every_role_records_in_its_own_transaction(database):
    for role in WRITERS:
        async with database(role).begin() as tx:
            await record(tx, EVENT)
    async with database("audit").connect() as tx:
        rows = (await tx.execute(text("SELECT kind, subject, host(ip), details FROM audit.record"))).all()
    assert [tuple(row) for row in rows] == [
        ("sign_in_failed", "minji", "192.0.2.7", {"factor": "password"}) for _ in WRITERS
    ]


async def test_a_rolled_back_attempt_leaves_no_record(database):
    async with database("idp").connect() as tx:
        await record(tx, EVENT)
        await tx.rollback()
    async with database("audit").connect() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM audit.record"))).scalar_one() == 0


CHANGES = (
    "UPDATE audit.record SET subject = 'x'",
    "DELETE FROM audit.record",
    "TRUNCATE audit.record",
    "UPDATE audit.segment SET root = ''",
    "DELETE FROM audit.segment",
    "TRUNCATE audit.segment",
    "UPDATE audit.chain SET hash = ''",
    "DELETE FROM audit.chain",
    "TRUNCATE audit.chain",
    "DROP TABLE audit.record",
    "ALTER TABLE audit.record DISABLE TRIGGER ALL",
    "INSERT INTO audit.record (transaction, kind, actor, subject, sid, details, correlation_id)"
    " VALUES ('1', 'sign_out', '', '', '', '{}', '')",
)


async def test_no_role_can_change_it(database):
    for role in WRITERS:
        for statement in CHANGES:
            async with database(role).connect() as tx:
                with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
                    await tx.execute(text(statement))


async def test_only_the_audits_own_role_reads_it(database):
    for role in WRITERS[:-1]:
        async with database(role).connect() as tx:
            with pytest.raises(DBAPIError, match="permission denied"):
                await tx.execute(text("SELECT FROM audit.record"))
