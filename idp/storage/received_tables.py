"""The tables of migration 0025: transmitters of shared signals, what they sent, what they said of devices."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)

signal_transmitter = Table(
    "signal_transmitter",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("jwks_uri", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("delivery", Text, nullable=False),
    Column("poll_uri", Text),
    Column("token_digest", LargeBinary),
    Column("sealed_authorization", LargeBinary),
    Column("status", Text, nullable=False),
    Column("on_session_revoked", Text, nullable=False),
    Column("on_credential_change", Text, nullable=False),
    Column("on_device_compliance_change", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("received_at", _TIME),
    Column("problem", Text, nullable=False),
    Column("problem_at", _TIME),
    Column("poll_due_at", _TIME, nullable=False),
    Column("poll_failures", Integer, nullable=False),
)

signal_received = Table(
    "signal_received",
    metadata,
    Column("transmitter_id", Uuid, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("received_at", _TIME, nullable=False),
    Column("events", ARRAY(Text, dimensions=1), nullable=False),
    Column("user_id", Uuid),
    Column("outcome", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
)

device_compliance = Table(
    "device_compliance",
    metadata,
    Column("device_id", Uuid, primary_key=True),
    Column("transmitter_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("compliant", Boolean, nullable=False),
    Column("at", _TIME, nullable=False),
)
