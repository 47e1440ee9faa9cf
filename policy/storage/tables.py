"""The tables of schema `policy`; migrations 0007, 0037 and 0041 make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="policy")

version = Table(
    "version",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("artefact", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("signature", Text),
    Column("state", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("publisher", Text),
    Column("published_at", DateTime(timezone=True)),
    Column("restores", BigInteger),
)

answer = Table(
    "answer",
    metadata,
    Column("who", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
approval = Table(
    "approval",
    metadata,
    Column("version", BigInteger, ForeignKey("policy.version.number"), primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("who", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("act", Text, nullable=False),
    Column("version", BigInteger, ForeignKey("policy.version.number"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Index("history_of_version", "version", "id"),
)

shadow = Table(
    "shadow",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("version", BigInteger, ForeignKey("policy.version.number"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("share", Double, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Index("shadow_of_version", "version", "id"),
)

shadow_count = Table(
    "shadow_count",
    metadata,
    Column("shadow", BigInteger, ForeignKey("policy.shadow.id"), primary_key=True),
    Column("was", Text, primary_key=True),
    Column("would_be", Text, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("same", Boolean, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("example", Text, nullable=False),
)
