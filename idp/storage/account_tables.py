"""The tables of migrations 0015 and 0069: sign-in history, notification settings."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Double, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, INET

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)

sign_in_history = Table(
    "sign_in_history",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("amr", ARRAY(Text, dimensions=1), nullable=False),
    Column("device_id", Uuid),
    Column("device_label", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("ip", INET, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("sid", Text),
    Column("seconds", Double),
)

notice_setting = Table(
    "notice_setting",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("wanted", Boolean, nullable=False),
    Column("changed_at", _TIME, nullable=False),
)
