"""The tables of migrations 0014 and 0047: where clients belong, remembered browsers, links of recovery."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

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
)
