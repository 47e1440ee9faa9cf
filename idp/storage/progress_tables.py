"""The tables of migration 0069: attempts of each day, days that are counted, what people say of signing in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, LargeBinary, SmallInteger, Table, Text, Uuid

from idp.storage.directory_tables import metadata

_TIME = DateTime(timezone=True)

sign_in_day = Table(
    "sign_in_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("took", SmallInteger, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
)

measured_day = Table(
    "measured_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("measured_at", _TIME, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("idp.user_account.id"), nullable=False),
    Column("organisation_id", Uuid, ForeignKey("idp.organisation.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("score", SmallInteger),
    Column("sealed_text", LargeBinary),
)
