"""The tables of migration 0027: sessions of programs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)

machine_session = Table(
    "machine_session",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("revoked_tokens", JSONB, nullable=False),
    Column("ended_at", _TIME),
    Column("end_reason", Text),
)
