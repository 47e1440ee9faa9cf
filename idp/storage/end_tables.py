"""The tables of migration 0013: clients of a session, deliveries, shared-signals streams, links of "this wasn't me"."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)
_WORDS = ARRAY(Text, dimensions=1)

session_client = Table(
    "session_client",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("first_at", _TIME, nullable=False),
)

signal_stream = Table(
    "signal_stream",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("endpoint_url", Text),
    Column("sealed_authorization", LargeBinary),
    Column("events_requested", _WORDS, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_reason", Text, nullable=False),
    Column("verified_at", _TIME),
    Column("created_at", _TIME, nullable=False),
)

signal_removed_subject = Table(
    "signal_removed_subject",
    metadata,
    Column("stream_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("removed_at", _TIME, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("stream_id", Uuid),
    Column("facts", JSONB, nullable=False),
    Column("happened_at", _TIME, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("settled_at", _TIME),
    Column("outcome", Text),
    Column("problem", Text, nullable=False),
)

not_me_link = Table(
    "not_me_link",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("sid", Text),
    Column("told", JSONB(none_as_null=True)),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("used_at", _TIME),
)
