"""The tables of migrations 0032 and 0035: resource servers and their scopes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="idp")

resource_server = Table(
    "resource_server",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("identifier", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("organisation_id", Uuid),
    Column("version", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("access_token_lifetime", Integer),
)

resource_scope = Table(
    "resource_scope",
    metadata,
    Column("name", Text, primary_key=True),
    Column("resource_id", Uuid, nullable=False),
    Column("words", JSONB, nullable=False),
    Column("for_people", Boolean, nullable=False),
    Column("for_programs", Boolean, nullable=False),
)
