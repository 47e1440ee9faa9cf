"""The tables of migrations 0015, 0069 and 0085: sign-in history and what is learned from it, notification settings."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Double,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB

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
    Column("risk", SmallInteger),
    Column("risk_of", ARRAY(Text, dimensions=1)),
)

sign_in_learning = Table(
    "sign_in_learning",
    metadata,
    Column("alone", Boolean, primary_key=True),
    Column("population", JSONB, nullable=False),
    Column("forest", LargeBinary, nullable=False),
    Column("upto_at", _TIME, nullable=False),
    Column("upto_id", Uuid, nullable=False),
    Column("learned_at", _TIME, nullable=False),
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
