"""How a security event of another is read, whatever it says, and what follows; the tables of migration 0024."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.sessions.received.effects import Act, decided
from idp.sessions.received.security_event import Event, EventKind, SecurityEvent, Unacceptable, read_claims
from idp.sessions.received.subject import Identifier, Misshapen, Subject, read_subject
from idp.sessions.received.transmitter import Effects, fault_of
from idp.storage.received_tables import metadata
from tests.idp.conftest import OpenDatabase
from tests.schema import declared_columns, live_columns

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ISSUER, AUDIENCE = "https://other.example", "us"
MAIL = {"format": "email", "email": "mina@mail.example"}


def claims(**changed: object) -> dict[str, object]:
    made: dict[str, object] = {
        "iss": ISSUER,
        "aud": [AUDIENCE, "others"],
        "iat": NOW.timestamp(),
        "jti": "one",
        "sub_id": MAIL,
        "events": {EventKind.SESSION_REVOKED.value: {}},
    }
    return {**made, **changed}


def read(said: dict[str, object]) -> SecurityEvent:
    return read_claims(said, issuer=ISSUER, audience=AUDIENCE, now=NOW)


def test_what_a_token_says() -> None:
    said = claims(
        txn="t",
        events={
            EventKind.CREDENTIAL_CHANGE.value: {"change_type": "revoke", "event_timestamp": NOW.timestamp() - 5},
            "urn:example:x": {"change_type": 7, "current_status": None},
        },
    )
    event = read(said)
    assert (event.jti, event.txn, event.issued_at) == ("one", "t", NOW)
    assert event.subject == Subject((Identifier("email", "mina@mail.example"),))
    first, second = event.events
    assert (first.kind, first.change, (NOW - first.happened_at).total_seconds()) == (
        EventKind.CREDENTIAL_CHANGE,
        "revoke",
        5,
    )
    assert (second.kind, second.uri, second.change, second.status) == (EventKind.OTHER, "urn:example:x", "", "")


def test_nothing_happens_after_it_was_told() -> None:
    ahead = {EventKind.SESSION_REVOKED.value: {"event_timestamp": NOW.timestamp() + 1000}}
    assert read(claims(events=ahead)).events[0].happened_at == NOW


TEXT = st.text("ab\0é\ud800", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(["iss", "aud", "iat", "jti", "txn", "sub_id", "events", "exp", "sub"])
SUBJECT = st.dictionaries(
    st.sampled_from(["format", "email", "iss", "sub", "id", "user", "session", "device", "identifiers"]),
    st.sampled_from(["complex", "aliases", "email", "opaque", "iss_sub", "did"])
    | JSON
    | st.just(MAIL)
    | st.lists(st.just(MAIL), max_size=3),
)


@given(st.dictionaries(NAMES, JSON))
def test_whatever_is_signed_is_read_or_refused(changed: dict[str, object]) -> None:
    with suppress(Unacceptable):
        read(claims(**changed))


@given(SUBJECT | JSON)
def test_whatever_a_subject_is_it_is_read_or_misshapen(said: object) -> None:
    try:
        found = read_subject(said)
    except Misshapen:
        return
    assert all("\0" not in one.value + one.issuer for one in found.people)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"format": "did", "url": "x"}, Subject(strange=True)),
        (
            {"format": "iss_sub", "iss": "https://a.example", "sub": "s"},
            Subject((Identifier("iss_sub", "s", "https://a.example"),)),
        ),
        (
            {"format": "complex", "user": MAIL, "device": {"format": "opaque", "id": "d"}},
            Subject((Identifier("email", "mina@mail.example"),), "", "d"),
        ),
        (
            {"format": "complex", "session": {"format": "opaque", "id": "s"}, "device": {"format": "did", "url": "x"}},
            Subject((), "s", "", strange=True),
        ),
        ({"format": "complex", "group": {"format": "opaque", "id": "g"}}, Subject(strange=True)),
    ],
)
def test_subjects(said: dict[str, Any], found: Subject) -> None:
    assert read_subject(said) == found


@pytest.mark.parametrize(
    ("kind", "change", "status", "effects", "act"),
    [
        (EventKind.SESSION_REVOKED, "", "", Effects(), "end"),
        (EventKind.SESSION_REVOKED, "", "", Effects(session_revoked="record"), "record"),
        (EventKind.CREDENTIAL_CHANGE, "revoke", "", Effects(), "end_and_prove"),
        (EventKind.CREDENTIAL_CHANGE, "delete", "", Effects(), "record"),
        (EventKind.CREDENTIAL_COMPROMISE, "", "", Effects(), "end_and_prove"),
        (EventKind.CREDENTIAL_COMPROMISE, "", "", Effects(credential_change="record"), "record"),
        (EventKind.DEVICE_COMPLIANCE_CHANGE, "", "compliant", Effects(), "trust"),
        (EventKind.DEVICE_COMPLIANCE_CHANGE, "", "not-compliant", Effects(), "distrust_and_end"),
        (
            EventKind.DEVICE_COMPLIANCE_CHANGE,
            "",
            "not-compliant",
            Effects(device_compliance_change="step_up"),
            "distrust_and_step_up",
        ),
        (
            EventKind.DEVICE_COMPLIANCE_CHANGE,
            "",
            "compliant",
            Effects(device_compliance_change="record"),
            "record",
        ),
        (EventKind.VERIFICATION, "", "", Effects(), "record"),
        (EventKind.OTHER, "", "", Effects(), "record"),
    ],
)
def test_what_follows(kind: EventKind, change: str, status: str, effects: Effects, act: Act) -> None:
    assert decided(Event(kind, kind.value, NOW, change, status), effects) == act


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, ""),
        ({"issuer": "http://other.example"}, "issuer"),
        ({"jwks_uri": "ftp://other.example/jwks"}, "jwks_uri"),
        ({"jwks_uri": "https://user@other.example/jwks"}, "jwks_uri"),
        ({"poll_uri": ""}, "poll_uri"),
        ({"authorization": "Bearer a\r\nHost: b"}, "authorization"),
        ({"authorization": "Bearer ä"}, "authorization"),
    ],
)
def test_what_an_administrator_may_type(changed: dict[str, Any], fault: str) -> None:
    typed: dict[str, Any] = {
        "issuer": ISSUER,
        "jwks_uri": f"{ISSUER}/jwks",
        "poll_uri": f"{ISSUER}/poll",
        "authorization": "Bearer theirs",
        **changed,
    }
    assert fault_of(**typed).partition(":")[0] == fault


async def test_the_tables_are_those_of_the_migration(database: OpenDatabase) -> None:
    async with database("owner").connect() as connection:
        live = await live_columns(connection, "idp")
        declared = declared_columns(connection, metadata)
    names = {table.name for table in metadata.tables.values()}
    assert declared == {key: value for key, value in live.items() if key[0] in names}
