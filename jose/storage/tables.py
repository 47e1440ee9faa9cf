"""The tables of schema `jose`; migrations 0002 and 0022 make them."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="jose")

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("public_jwk", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("activated_at", DateTime(timezone=True)),
    Column("retires_at", DateTime(timezone=True)),
    Column("algorithm", Text, nullable=False),
    Column("activates_at", DateTime(timezone=True)),
)

public_key = Table(
    "public_key",
    metadata,
    Column("kid", Text),
    Column("purpose", Text),
    Column("public_jwk", JSONB),
    Column("state", Text),
    info={"view": True},
)
"""A view: the keys that verify (not the retired ones), readable by every role."""
