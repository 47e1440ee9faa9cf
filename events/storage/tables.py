"""The tables of schema `events`; migration 0003 makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Sequence, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="events")

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

epoch = Sequence("epoch", metadata=metadata)
"""One number for each tenure of a relay; only rises."""
