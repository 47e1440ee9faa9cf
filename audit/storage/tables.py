"""The tables of schema `audit`; migration 0004 makes them. They are only ever inserted into and read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, LargeBinary, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.types import UserDefinedType

metadata = MetaData(schema="audit")


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8: the number of a transaction, which never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


record = Table(
    "record",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("transaction", TransactionId, nullable=False, server_default=func.pg_current_xact_id()),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sid", Text, nullable=False),
    Column("ip", INET),
    Column("details", JSONB, nullable=False),
    Column("correlation_id", Text, nullable=False),
)

segment = Table(
    "segment",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("torn", BigInteger, nullable=False, server_default="0"),
    Column("root", LargeBinary, nullable=False),
    Column("leaves", LargeBinary),
    Column("sealed_at", DateTime(timezone=True), nullable=False),
)

chain = Table(
    "chain",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("segment_id", ForeignKey("audit.segment.id"), nullable=False, unique=True),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
)
