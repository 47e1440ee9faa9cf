"""The tables of migrations 0014, 0047, 0060, 0061 and 0063: where clients belong, remembered browsers, links by mail,
ways back in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)

client_home = Table(
    "client_home",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("organisation_id", Uuid),
    Column("starts", ARRAY(Text, dimensions=1), nullable=False),
)

remembered_browser = Table(
    "remembered_browser",
    metadata,
    Column("series", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("device_id", Uuid, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("former_hash", LargeBinary),
    Column("rotated_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("last_used_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("ends_at", _TIME, nullable=False),
    Column("seen_at", _TIME),
)

recovery_link = Table(
    "recovery_link",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("client_id", Text),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_to", Text),
    Column("anew", Boolean, nullable=False),
)

waiting_recovery = Table(
    "waiting_recovery",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("client_id", Text),
    Column("sent_to", Text, nullable=False),
    Column("stop_hash", LargeBinary, nullable=False),
    Column("asked_from", JSONB, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("asked_at", _TIME, nullable=False),
    Column("ready_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
)

assisted_reset = Table(
    "assisted_reset",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("asked_by", Uuid, nullable=False),
    Column("asked_at", _TIME, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("stop_hash", LargeBinary, nullable=False),
    Column("decided_by", Uuid),
    Column("decided_why", Text, nullable=False),
    Column("decided_at", _TIME),
    Column("expires_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("version", BigInteger, nullable=False),
)

sign_in_link = Table(
    "sign_in_link",
    metadata,
    Column("login_id", Uuid, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("code_digest", LargeBinary, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("sent_to", Text, nullable=False),
    Column("asked_from", JSONB, nullable=False),
    Column("wrong", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)
