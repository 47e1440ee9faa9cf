"""The tables of migration 0012: codes by mail, and whom an attempt was told of."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)

one_time_code = Table(
    "one_time_code",
    metadata,
    Column("login_id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("faced", Text),
    Column("digest", LargeBinary, nullable=False),
    Column("wrong", Integer, nullable=False),
    Column("sends", Integer, nullable=False),
    Column("sent_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)

told_elevation = Table(
    "told_elevation",
    metadata,
    Column("elevation", Uuid, primary_key=True),
    Column("told", Text, primary_key=True),
    Column("at", _TIME, nullable=False),
)

told_attempt = Table(
    "told_attempt",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("told_at", _TIME, nullable=False),
)
