"""The tables of migrations 0027, 0033 and 0046: upstream providers, their domains, links, questions that wait."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid, false
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)
_WORDS = ARRAY(Text, dimensions=1)

upstream_provider = Table(
    "upstream_provider",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("auth_method", Text, nullable=False),
    Column("sealed_secret", LargeBinary),
    Column("scopes", _WORDS, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("just_in_time", Boolean, nullable=False),
    Column("roles", _WORDS, nullable=False),
    Column("name_claim", Text, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

upstream_domain = Table(
    "upstream_domain",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("provider_id", Uuid, primary_key=True),
    Column("proven_at", _TIME),
    Column("proven_by", Uuid),
    Column("by_file", Boolean, nullable=False, server_default=false()),
)

withdrawn_domain = Table(
    "withdrawn_domain",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("withdrawn_at", _TIME, nullable=False),
    Column("withdrawn_by", Uuid, nullable=False),
)

upstream_link = Table(
    "upstream_link",
    metadata,
    Column("provider_id", Uuid, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("shown", Text, nullable=False),
    Column("linked_at", _TIME, nullable=False),
    Column("last_used_at", _TIME),
)

upstream_attempt = Table(
    "upstream_attempt",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    Column("provider_id", Uuid, nullable=False),
    Column("login_id", Uuid),
    Column("sid", Text),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)
