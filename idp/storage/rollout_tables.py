"""The tables of migration 0067: programmes, cohorts, phases, whom they reach, exceptions, notices."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from idp.storage.directory_tables import metadata

_TIME = DateTime(timezone=True)
_PHASE, _PERSON = "idp.phase.id", "idp.user_account.id"

programme = Table(
    "programme",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, ForeignKey("idp.organisation.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("texts", JSONB, nullable=False),
    Column("started_at", _TIME),
    Column("version", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

cohort = Table(
    "cohort",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("programme_id", Uuid, ForeignKey("idp.programme.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("rule", JSONB, nullable=False),
)

phase = Table(
    "phase",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("programme_id", Uuid, ForeignKey("idp.programme.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cohort_id", Uuid, ForeignKey("idp.cohort.id"), nullable=False),
    Column("share", Integer, nullable=False),
    Column("demand", JSONB, nullable=False),
    Column("announce_at", _TIME, nullable=False),
    Column("begin_at", _TIME, nullable=False),
    Column("enforce_at", _TIME, nullable=False),
    Column("end_at", _TIME, nullable=False),
    Column("grace_days", Integer, nullable=False),
    Column("reminders", JSONB, nullable=False),
    Column("thresholds", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("paused_from", Text),
    Column("paused_at", _TIME),
    Column("begun_at", _TIME),
    Column("version", BigInteger, nullable=False),
    Column("changed_at", _TIME, nullable=False),
)

phase_event = Table(
    "phase_event",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("phase_id", Uuid, ForeignKey(_PHASE), nullable=False),
    Column("at", _TIME, nullable=False),
    Column("act", Text, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("details", JSONB, nullable=False),
)

phase_person = Table(
    "phase_person",
    metadata,
    Column("phase_id", Uuid, ForeignKey(_PHASE), primary_key=True),
    Column("user_id", Uuid, ForeignKey(_PERSON), primary_key=True),
    Column("taken_in_at", _TIME, nullable=False),
    Column("asked_at", _TIME),
    Column("skipped", Integer, nullable=False),
    Column("enrolled_at", _TIME),
    Column("method", Text),
)

phase_exception = Table(
    "phase_exception",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("phase_id", Uuid, ForeignKey(_PHASE), nullable=False),
    Column("user_id", Uuid, ForeignKey(_PERSON), nullable=False),
    Column("until", _TIME, nullable=False),
    Column("why", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("granted_at", _TIME, nullable=False),
    Column("withdrawn_at", _TIME),
    Column("withdrawn_by", Text),
)

phase_notice = Table(
    "phase_notice",
    metadata,
    Column("phase_id", Uuid, ForeignKey(_PHASE), primary_key=True),
    Column("moment", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey(_PERSON), primary_key=True),
    Column("at", _TIME, nullable=False),
)
