"""What a receiver may make of a stream, and what an event says: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID, uuid4

import msgspec
import pytest

from idp.sessions.delivery import Delivery, Happening, Recipient
from idp.sessions.session import EndReason
from idp.sessions.signals import security_event
from idp.sessions.signals.security_event import SESSION_REVOKED, VERIFICATION
from idp.sessions.signals.stream import (
    LONGEST_TEXT,
    POLL,
    PUSH,
    VERIFICATION_INTERVAL,
    Stream,
    StreamAsked,
    Unacceptable,
    asked,
    authorization,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ISSUER = "https://idp.example"
ORIGINS = frozenset({"https://app.example"})
STREAM = Stream(
    id=UUID("00000000-0000-4000-8000-000000000001"),
    client_id="app",
    method="push",
    endpoint_url="https://app.example/events",
    sealed_authorization=None,
    events_requested=(SESSION_REVOKED,),
    description="ours",
    status="enabled",
    status_reason="",
    verified_at=None,
    created_at=NOW,
)


def wants(**members: object) -> StreamAsked:
    return msgspec.convert(members, StreamAsked)


def change(*, whole: bool = False, **members: object) -> Stream:
    return asked(STREAM, wants(**members), issuer=ISSUER, origins=ORIGINS, whole=whole)


def test_an_update_leaves_what_it_does_not_name() -> None:
    assert change() == STREAM
    assert change(description="other").events_requested == STREAM.events_requested


def test_a_replacement_makes_what_it_does_not_name_the_default() -> None:
    replaced = change(whole=True)
    assert (replaced.method, replaced.endpoint_url, replaced.events_requested, replaced.description) == (
        "poll",
        None,
        (),
        "",
    )


def test_what_is_asked_for_and_not_supported_is_kept_and_not_delivered() -> None:
    changed = change(events_requested=["https://unknown.example/event", SESSION_REVOKED, SESSION_REVOKED])
    assert changed.events_requested == ("https://unknown.example/event", SESSION_REVOKED)
    assert changed.events_delivered == [SESSION_REVOKED]


@pytest.mark.parametrize(
    "delivery",
    [
        {"method": "urn:unknown", "endpoint_url": "https://app.example/events"},
        {"method": PUSH},
        {"method": PUSH, "endpoint_url": "http://app.example/events"},
        {"method": PUSH, "endpoint_url": "https://elsewhere.example/events"},
        {"method": PUSH, "endpoint_url": "https://app.example:8443/events"},
        {"method": PUSH, "endpoint_url": "https://app.example@elsewhere.example/"},
        {"method": PUSH, "endpoint_url": "http://169.254.169.254/latest"},
        {"method": PUSH, "endpoint_url": "https://app.example/" + "x" * LONGEST_TEXT},
    ],
)
def test_events_are_pushed_nowhere_but_to_what_is_registered_of_the_client(delivery: dict[str, str]) -> None:
    with pytest.raises(Unacceptable):
        change(delivery=delivery)


@pytest.mark.parametrize("said", [{"iss": "https://other.example"}, {"aud": "other"}, {"aud": ["app", "other"]}])
def test_what_is_ours_to_say_cannot_be_changed(said: dict[str, object]) -> None:
    with pytest.raises(Unacceptable):
        change(**said)
    assert change(iss=ISSUER, aud="app") == STREAM


@pytest.mark.parametrize("header", ["Bearer a\r\nHost: b", "Bearer ä", "", "x" * (LONGEST_TEXT + 1)])
def test_a_header_that_cannot_be_sent(header: str) -> None:
    with pytest.raises(Unacceptable):
        authorization(wants(delivery={"method": PUSH, "authorization_header": header}))


def test_the_header_of_a_polled_stream_is_forgotten() -> None:
    assert authorization(wants()) is msgspec.UNSET
    assert authorization(wants(delivery={"method": POLL, "authorization_header": "Bearer x"})) is None
    assert authorization(wants(delivery={"method": PUSH, "authorization_header": "Bearer x"})) == "Bearer x"


def test_the_configuration_never_shows_the_header() -> None:
    shown = STREAM.configuration(ISSUER)
    assert shown["delivery"] == {"method": PUSH, "endpoint_url": "https://app.example/events"}
    assert "sealed" not in repr(STREAM)
    poll = change(delivery={"method": POLL}).configuration(ISSUER)["delivery"]
    assert poll == {"method": POLL, "endpoint_url": f"{ISSUER}/signals/poll/{STREAM.id}"}


def test_verification_at_its_boundary() -> None:
    assert STREAM.may_be_verified(NOW)
    again = replace(STREAM, verified_at=NOW)
    assert not again.may_be_verified(NOW + VERIFICATION_INTERVAL - timedelta(microseconds=1))
    assert again.may_be_verified(NOW + VERIFICATION_INTERVAL)


@pytest.mark.parametrize("reason", get_args(EndReason))
def test_every_cause_has_an_initiator_and_words(reason: str) -> None:
    delivery = Delivery(
        id=uuid4(),
        recipient=Recipient("app", STREAM.id),
        facts={
            "happening": Happening.SESSION_ENDED.value,
            "sid": "s" * 22,
            "sub": "person",
            "org": "house",
            "reason": reason,
            "correlation_id": "c",
        },
        happened_at=NOW,
    )
    claims = security_event.claims(delivery, issuer=ISSUER, issued_at=1)
    assert set(claims) == {"iss", "aud", "iat", "jti", "txn", "sub_id", "events"}  # neither sub nor exp
    assert claims["jti"] == delivery.id.hex
    assert claims["sub_id"] == {
        "format": "complex",
        "session": {"format": "opaque", "id": "s" * 22},
        "user": {"format": "iss_sub", "iss": ISSUER, "sub": "person"},
        "tenant": {"format": "opaque", "id": "house"},
    }
    events = claims["events"]
    assert isinstance(events, dict)
    assert events[SESSION_REVOKED]["event_timestamp"] == int(NOW.timestamp())
    assert events[SESSION_REVOKED]["initiating_entity"] in ("admin", "user", "policy", "system")


def test_a_verification_is_about_the_stream() -> None:
    delivery = Delivery(
        id=uuid4(),
        recipient=Recipient("app", STREAM.id),
        facts={"happening": "verification", "state": "abc"},
        happened_at=NOW,
    )
    claims = security_event.claims(delivery, issuer=ISSUER, issued_at=1)
    assert claims["sub_id"] == {"format": "opaque", "id": str(STREAM.id)}
    assert claims["events"] == {VERIFICATION: {"state": "abc"}}
