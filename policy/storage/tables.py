"""The tables of schema `policy`; migrations 0007, 0039 and 0042 make them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="policy")
overlay_change = Sequence("overlay_change", metadata=metadata)
"""One number for each change of what stands above the policy; only rises."""

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


elevation = Table(
    "elevation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sub", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_why", Text, nullable=False, server_default=""),
    Column("starts_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("ended_by", Text, nullable=False, server_default=""),
    Column("ended_why", Text, nullable=False, server_default=""),
    Column("changed", BigInteger, nullable=False, server_default=overlay_change.next_value()),
)

measure = Table(
    "measure",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("points", Integer, nullable=False),
    Column("obligations", ARRAY(Text), nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("lifted_at", DateTime(timezone=True)),
    Column("lifted_by", Text, nullable=False, server_default=""),
    Column("lifted_why", Text, nullable=False, server_default=""),
    Column("changed", BigInteger, nullable=False, server_default=overlay_change.next_value()),
)

answered_incident = Table(
    "answered_incident",
    metadata,
    Column("record", BigInteger, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

incident = Table(
    "incident",
    metadata,
    Column("id", BigInteger),
    Column("at", DateTime(timezone=True)),
    Column("kind", Text),
    Column("subject", Text),
    Column("details", JSONB),
    Column("address", Text),
    Column("device", Text),
)
"""A view: what automatic responses may read of the audit."""

administrator = Table("administrator", metadata, Column("sub", Text), Column("organisation", Text))
"""A view: who may sign in and administer which organisation."""

compiled = Table(
    "compiled",
    metadata,
    Column("number", BigInteger, ForeignKey("policy.version.number"), primary_key=True),
    Column("format", Integer, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)
