"""The tables of migrations 0028, 0030 and 0036: sessions of programs, and requests that wait for a person elsewhere."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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

pending_grant = Table(
    "pending_grant",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("scope", ARRAY(Text, dimensions=1), nullable=False),
    Column("user_code_hash", LargeBinary),
    Column("user_id", Uuid),
    Column("came_from", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("interval", Integer, nullable=False),
    Column("polled_at", _TIME),
    Column("state", Text, nullable=False),
    Column("sid", Text),
    Column("kind", Text, nullable=False),
    Column("request_id", Uuid),
    Column("asked_of", Uuid),
    Column("binding_message", Text, nullable=False),
    Column("acr_values", ARRAY(Text, dimensions=1), nullable=False),
    Column("resources", ARRAY(Text, dimensions=1), nullable=False),
    Column("tell_as", Text),
)
