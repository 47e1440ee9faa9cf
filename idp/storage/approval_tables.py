"""The tables of migration 0066: devices that approve, what they are asked, pushes that wait."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)

approval_device = Table(
    "approval_device",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("device_id", Uuid, nullable=False),
    Column("label", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_subscription", LargeBinary),
    Column("push_host", Text),
    Column("created_at", _TIME, nullable=False),
    Column("last_used_at", _TIME),
)

approval_request = Table(
    "approval_request",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("bound_to", Text, nullable=False),
    Column("asked_by", Uuid),
    Column("browser_hash", LargeBinary),
    Column("faced", Text),
    Column("nonce", Text, nullable=False),
    Column("match", Text, nullable=False),
    Column("choices", ARRAY(Text, dimensions=1), nullable=False),
    Column("app", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("came_from", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("answered_by", Uuid),
)

approval_push = Table(
    "approval_push",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("request_id", Uuid, nullable=False),
    Column("approval_device_id", Uuid, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("correlation_id", Text, nullable=False),
)
