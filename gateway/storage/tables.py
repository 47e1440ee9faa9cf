"""The tables of schema `gateway`, as revisions 0008 and 0016 made them."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="gateway")

cookie_session = Table(
    "cookie_session",
    metadata,
    Column("cookie_sha256", LargeBinary, primary_key=True),
    Column("sid", Text, nullable=False),
    Column("contents_sealed", LargeBinary, nullable=False),
    Column("access_expires_at", DateTime(timezone=True), nullable=False),
    Column("refresh_claimed_until", DateTime(timezone=True)),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_reason", Text),
    Column("ended_by", JSONB),
)

sign_in = Table(
    "sign_in",
    metadata,
    Column("state_sha256", LargeBinary, primary_key=True),
    Column("browser_sha256", LargeBinary, nullable=False),
    Column("authority", Text, nullable=False),
    Column("nonce_sha256", LargeBinary, nullable=False),
    Column("verifier_sealed", LargeBinary, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("acr", Text),
    Column("max_age", Integer),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("person", Text),
)

known_provider = Table(
    "known_provider",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("metadata", JSONB, nullable=False),
    Column("jwks", JSONB, nullable=False),
    Column("fetched_at", DateTime(timezone=True), nullable=False),
)
