"""A security event token of another (RFC 8417), read strictly as SSF 1.0, section 4, profiles it: pure.

Its signature is verified before (`jose.foreign`). What is wrong has a code of RFC 8935, section 2.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from idp.sessions.received.subject import Misshapen, Subject, read_subject
from jose.jws import CLOCK_SKEW

TYP: Final = "secevent+jwt"
OLDEST = timedelta(days=7)
"""A token that was issued before is refused: whether it was taken already is not known for ever."""
KEPT = timedelta(days=30)
"""So long it is known which tokens were taken."""
LONGEST_JTI = 255
MOST_EVENTS = 8
_FAR = 253402300799.0
"""The last second of the year 9999."""

Err = Literal[
    "invalid_request", "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied"
]


class Unacceptable(Exception):
    """A token that will never be taken, and why."""

    def __init__(self, err: Err, description: str) -> None:
        super().__init__(f"{err}: {description}")
        self.err = err
        self.description = description


class EventKind(StrEnum):
    """What is acted on here; anything else is `OTHER`, and recorded."""

    SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
    CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
    CREDENTIAL_COMPROMISE = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise"
    DEVICE_COMPLIANCE_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change"
    VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
    OTHER = "other"

    @property
    def short(self) -> str:
        """How metrics and the record call it."""
        return self.value.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a token."""

    kind: EventKind
    uri: str
    happened_at: datetime
    change: str = ""
    """Of a changed credential, what was done to it (`change_type`)."""
    status: str = ""
    """Of a device, what it is now (`current_status`)."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A token that may be acted on, once."""

    jti: str
    issued_at: datetime
    txn: str
    """What its transmitter calls the happening; empty: nothing."""
    subject: Subject
    events: tuple[Event, ...]


def read_claims(claims: Mapping[str, object], *, issuer: str, audience: str, now: datetime) -> SecurityEvent:
    """What verified claims say, to this audience, at `now`. Raises `Unacceptable`."""
    if claims.get("iss") != issuer:
        raise Unacceptable("invalid_issuer", "iss is not the issuer that this stream is for")
    said = claims.get("aud")
    if said != audience and not (isinstance(said, list) and audience in said):
        raise Unacceptable("invalid_audience", "aud does not name this stream")
    for name in ("sub", "exp"):  # SSF 1.0, sections 4.1.2 and 4.1.7: nobody can take it for another kind of token
        if name in claims:
            raise Unacceptable("invalid_request", f"{name} has no place in a security event token")
    issued_at = _moment("iat", claims.get("iat"))
    if issued_at > now + timedelta(seconds=CLOCK_SKEW):
        raise Unacceptable("invalid_request", "iat lies ahead")
    if issued_at <= now - OLDEST:
        raise Unacceptable("invalid_request", "the token is too old")
    events = claims.get("events")
    if not isinstance(events, dict) or not 0 < len(events) <= MOST_EVENTS:
        raise Unacceptable("invalid_request", "events: an object with an event is expected")
    try:
        subject = read_subject(claims.get("sub_id"))
    except Misshapen as error:
        raise Unacceptable("invalid_request", f"sub_id: {error}") from None
    return SecurityEvent(
        jti=_text("jti", claims.get("jti")),
        issued_at=issued_at,
        txn=_text("txn", claims["txn"]) if "txn" in claims else "",
        subject=subject,
        events=tuple(_event(uri, body, issued_at) for uri, body in events.items()),
    )


def _event(uri: str, body: object, issued_at: datetime) -> Event:
    _text("events", uri)
    if not isinstance(body, dict):
        raise Unacceptable("invalid_request", "an event is an object")
    kind = EventKind(uri) if uri in _KINDS else EventKind.OTHER
    said = body.get("event_timestamp")
    happened_at = issued_at if said is None else min(_moment("event_timestamp", said), issued_at)
    change, status = body.get("change_type", ""), body.get("current_status", "")
    if kind is EventKind.CREDENTIAL_CHANGE and change not in ("create", "update", "revoke", "delete"):
        raise Unacceptable("invalid_request", "change_type: create, update, revoke or delete is expected")
    if kind is EventKind.DEVICE_COMPLIANCE_CHANGE and status not in ("compliant", "not-compliant"):
        raise Unacceptable("invalid_request", "current_status: compliant or not-compliant is expected")
    known = kind in (EventKind.CREDENTIAL_CHANGE, EventKind.DEVICE_COMPLIANCE_CHANGE)
    return Event(kind, uri, happened_at, change if known else "", status if known else "")


_KINDS = frozenset(kind.value for kind in EventKind if kind is not EventKind.OTHER)


def _moment(name: str, value: object) -> datetime:
    """A NumericDate (RFC 7519, section 2); JSON's true is not one."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _FAR:
        raise Unacceptable("invalid_request", f"{name}: seconds are expected")
    return datetime.fromtimestamp(value, UTC)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_JTI or "\0" in value:
        raise Unacceptable("invalid_request", f"{name}: short text is expected")
    return value
