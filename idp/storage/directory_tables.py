"""The tables of migrations 0005, 0036, 0060, 0064 and 0074: people and how they sign in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    false,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)
_WORDS = ARRAY(Text, dimensions=1)
_PERSON = "idp.user_account.id"

user_account = Table(
    "user_account",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("email", Text),
    Column("locale", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("time_zone", Text),
    Column("lock_reason", Text),
    Column("locked_at", _TIME),
    Column("proven_email", Text),
    Column("updated_at", _TIME, nullable=False),
)

login_name = Table(
    "login_name",
    metadata,
    Column("name", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey(_PERSON), nullable=False),
)

organisation = Table(
    "organisation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("duplicate_login", Text),
    Column("new_device_factor", Boolean),
    Column("created_at", _TIME, nullable=False),
    Column("look", JSONB(none_as_null=True)),
    Column("support", JSONB(none_as_null=True)),
    Column("recovery_wait_hours", Integer),
    Column("text_countries", ARRAY(Text, dimensions=1)),
    Column("sign_in_links", Boolean),
)

membership = Table(
    "membership",
    metadata,
    Column("user_id", Uuid, ForeignKey(_PERSON), primary_key=True),
    Column("organisation_id", Uuid, ForeignKey("idp.organisation.id"), primary_key=True),
    Column("roles", _WORDS, nullable=False),
    Column("joined_at", _TIME, nullable=False),
)

password = Table(
    "password",
    metadata,
    Column("user_id", Uuid, ForeignKey(_PERSON), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Column("breached_at", _TIME),
)

totp = Table(
    "totp",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(_PERSON), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    Column("last_accepted_step", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("confirmed_at", _TIME),
)

passkey = Table(
    "passkey",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("user_id", Uuid, ForeignKey(_PERSON), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", _WORDS, nullable=False),
    Column("aaguid", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("user_verified", Boolean, nullable=False),
    Column("backup_eligible", Boolean, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("last_used_at", _TIME),
    Column("clone_suspected_at", _TIME),
    Column("attestation_format", Text, nullable=False, server_default="none"),
    Column("attested", Boolean, nullable=False, server_default=false()),
)

organisation_authentication = Table(
    "organisation_authentication",
    metadata,
    Column("organisation_id", Uuid, ForeignKey("idp.organisation.id", ondelete="CASCADE"), primary_key=True),
    Column("attestation", JSONB, nullable=False),
    Column("methods", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Column("forbidden", _WORDS, nullable=False),
    Column("verified_approvals", Boolean, nullable=False),
)

passkey_challenge = Table(
    "passkey_challenge",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("ceremony", Text, nullable=False),
    Column("bound_to", Text, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)

device = Table(
    "device",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(_PERSON), nullable=False),
    Column("cookie_hash", LargeBinary, nullable=False),
    Column("trust", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("sign_ins", Integer, nullable=False),
    Column("first_seen_at", _TIME, nullable=False),
    Column("last_seen_at", _TIME, nullable=False),
    Column("name", Text),
)

session = Table(
    "session",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey(_PERSON), nullable=False),
    Column("organisation_id", Uuid, ForeignKey("idp.organisation.id"), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("cookie_hash", LargeBinary, nullable=False),
    Column("device_id", Uuid),
    Column("device_label", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Column("ip", INET, nullable=False),
    Column("place", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("amr", _WORDS, nullable=False),
    Column("acr", Text, nullable=False),
    Column("authenticated_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("last_activity_at", _TIME, nullable=False),
    Column("idle_expires_at", _TIME, nullable=False),
    Column("absolute_expires_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("end_reason", Text),
    Column("ended_by", JSONB(none_as_null=True)),
    Column("revoked_tokens", JSONB, nullable=False),
)
