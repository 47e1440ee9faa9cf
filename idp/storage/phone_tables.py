"""The tables of migration 0062 that are of people: their numbers, and codes that were sent there."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

metadata = MetaData(schema="idp")

_TIME = DateTime(timezone=True)

phone = Table(
    "phone",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("sealed_number", LargeBinary, nullable=False),
    Column("number_index", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("confirmed_at", _TIME),
)

texted_code = Table(
    "texted_code",
    metadata,
    Column("login_id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("faced", Text),
    Column("digest", LargeBinary, nullable=False),
    Column("wrong", Integer, nullable=False),
    Column("sends", Integer, nullable=False),
    Column("sent_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)
