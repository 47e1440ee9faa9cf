"""The table of migration 0020: saved recovery codes."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Uuid

metadata = MetaData(schema="idp")

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("made_at", DateTime(timezone=True), nullable=False),
)
