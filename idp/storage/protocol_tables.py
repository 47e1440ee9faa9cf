"""The tables of migrations 0006, 0021, 0023, 0024, 0026, 0029 and 0068: clients, consents, pushed requests, logins,
codes, refresh families, secrets that all nodes share."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)
_WORDS = ARRAY(Text, dimensions=1)

client = Table(
    "client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", JSONB, nullable=False),
    Column("auth_method", Text, nullable=False),
    Column("secret_hash", LargeBinary),
    Column("redirect_uris", _WORDS, nullable=False),
    Column("post_logout_redirect_uris", _WORDS, nullable=False),
    Column("grant_types", _WORDS, nullable=False),
    Column("scopes", _WORDS, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("backchannel_logout_uri", Text),
    Column("backchannel_logout_session_required", Boolean, nullable=False),
    Column("organisation_id", Uuid),
    Column("enabled", Boolean, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("registration_token_hash", LargeBinary),
    Column("created_at", _TIME, nullable=False),
    Column("version", Integer, nullable=False),
)

initial_access_token = Table(
    "initial_access_token",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("organisation_id", Uuid),
    Column("label", Text, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("created_by", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)

login = Table(
    "login",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("request", JSONB, nullable=False),
    Column("client_id", Text, ForeignKey("idp.client.client_id"), nullable=False),
    Column("locale", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("browser_hash", LargeBinary, nullable=False),
    Column("name_hint", Text),
    Column("user_id", Uuid),
    Column("amr", _WORDS, nullable=False),
    Column("authenticated_at", _TIME),
    Column("recognised_in", Text),
    Column("takeover_of", Text),
    Column("takeover_factor", Boolean, nullable=False),
    Column("takes_over", Boolean, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("session", Text),
    Column("factor_passed", Boolean, nullable=False),
    Column("wrong_factors", Integer, nullable=False),
    Column("overtaken", Boolean, nullable=False),
    Column("given_up", Boolean, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("came_from", JSONB(none_as_null=True)),
    Column("remember", Boolean, nullable=False),
    Column("linking", JSONB(none_as_null=True)),
    Column("consent", Text, nullable=False),
    Column("password_due", _TIME),
    Column("put_off", Boolean, nullable=False),
    Column("risk", SmallInteger),
    Column("risk_of", _WORDS, nullable=False),
    Column("odd", Boolean, nullable=False),
)

consent = Table(
    "consent",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("scopes", _WORDS, nullable=False),
    Column("given_at", _TIME, nullable=False),
)

authorization_code = Table(
    "authorization_code",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("client_id", Text, ForeignKey("idp.client.client_id"), nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("sid", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", Text),
    Column("scope", _WORDS, nullable=False),
    Column("nonce", Text),
    Column("expires_at", _TIME, nullable=False),
    Column("redeemed_at", _TIME),
    Column("family_id", Uuid),
    Column("claims", JSONB, nullable=False),
    Column("resources", _WORDS, nullable=False),
    Column("dpop_jkt", Text),
)

pushed_request = Table(
    "pushed_request",
    metadata,
    Column("reference_hash", LargeBinary, primary_key=True),
    Column("client_id", Text, ForeignKey("idp.client.client_id", ondelete="CASCADE"), nullable=False),
    Column("request", JSONB, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)

refresh_family = Table(
    "refresh_family",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", Text, ForeignKey("idp.client.client_id"), nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("sid", Text, nullable=False),
    Column("scope", _WORDS, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("revoked_at", _TIME),
    Column("claims", JSONB, nullable=False),
    Column("resources", _WORDS, nullable=False),
    Column("confirmation", JSONB, nullable=False),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("family_id", Uuid, ForeignKey("idp.refresh_family.id", ondelete="CASCADE"), nullable=False),
    Column("issued_at", _TIME, nullable=False),
    Column("rotated_at", _TIME),
)

shared_secret = Table(
    "shared_secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
