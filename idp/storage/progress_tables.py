"""The tables of migrations 0069 and 0070: attempts of each day, days that are counted, what people say of signing in,
exceptions that are asked for."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

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

exception_request = Table(
    "exception_request",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("phase_id", Uuid, ForeignKey("idp.phase.id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("idp.user_account.id"), nullable=False),
    Column("until", _TIME, nullable=False),
    Column("why", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("asked_at", _TIME, nullable=False),
    Column("decided_at", _TIME),
    Column("decided_by", Text),
    Column("granted", Boolean),
)
