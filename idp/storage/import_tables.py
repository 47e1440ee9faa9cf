"""The tables of migrations 0058, 0059 and 0072: batches of imported people, old systems."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from idp.storage.directory_tables import metadata

_TIME = DateTime(timezone=True)

import_batch = Table(
    "import_batch",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, ForeignKey("idp.organisation.id"), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("file_digest", LargeBinary, nullable=False),
    Column("format", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("passwords", JSONB, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("undone_at", _TIME),
)

imported_person = Table(
    "imported_person",
    metadata,
    Column("user_id", Uuid, ForeignKey("idp.user_account.id"), primary_key=True),
    Column("batch_id", Uuid, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("checksum", LargeBinary, nullable=False),
)

import_fault = Table(
    "import_fault",
    metadata,
    Column("batch_id", Uuid, ForeignKey("idp.import_batch.id"), primary_key=True),
    Column("line", BigInteger, primary_key=True),
    Column("what", Text, nullable=False),
)

import_staged = Table(
    "import_staged",
    metadata,
    Column("batch_id", Uuid, ForeignKey("idp.import_batch.id"), primary_key=True),
    Column("line", BigInteger, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("email", Text),
    Column("email_verified", Boolean, nullable=False),
    Column("locale", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("roles", ARRAY(Text, dimensions=1), nullable=False),
    Column("hash", Text),
    Column("checksum", LargeBinary, nullable=False),
)

old_system = Table(
    "old_system",
    metadata,
    Column("organisation_id", Uuid, ForeignKey("idp.organisation.id"), primary_key=True),
    Column("address", Text, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("endings", ARRAY(Text, dimensions=1), nullable=False),
    Column("roles", ARRAY(Text, dimensions=1), nullable=False),
    Column("private", ARRAY(Text, dimensions=1), nullable=False),
    Column("changed_at", _TIME, nullable=False),
)
