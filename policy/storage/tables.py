"""The tables of schema `policy`; migrations 0007 and 0042 make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

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

compiled = Table(
    "compiled",
    metadata,
    Column("number", BigInteger, ForeignKey("policy.version.number"), primary_key=True),
    Column("format", Integer, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)
