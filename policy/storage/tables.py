"""The tables of schema `policy`; migrations 0007, 0037, 0038, 0039, 0041 and 0042 make them."""

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
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    Column("decided_by_name", Text, nullable=False, server_default=""),
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

gateway_report = Table(
    "gateway_report",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
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

decision_block = Table(
    "decision_block",
    metadata,
    Column("segment", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("beginning", Text, nullable=False),
    Column("from_count", BigInteger, nullable=False),
    Column("to_count", BigInteger, nullable=False),
    Column("from_at", DateTime(timezone=True), nullable=False),
    Column("to_at", DateTime(timezone=True), nullable=False),
    Column("effects", ARRAY(Text), nullable=False),
    Column("zones", ARRAY(Text), nullable=False),
    Column("content", LargeBinary, nullable=False),
)

replay = Table(
    "replay",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("against", BigInteger),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("most", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("of", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("segment", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("findings", JSONB, nullable=False),
    Column("held_until", DateTime(timezone=True)),
    Column("over_at", DateTime(timezone=True)),
    Column("trouble", Text, nullable=False),
)
