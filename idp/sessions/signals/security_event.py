"""Security event tokens (RFC 8417), as the Shared Signals Framework 1.0 profiles them (section 4): pure.

An ended session is CAEP's `session-revoked` (OpenID Continuous Access Evaluation Profile 1.0, section 3.1). The subject
is a complex one (SSF 1.0, section 3.2): the session by its `sid`, the person by issuer and `sub` (RFC 9493), and their
organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from idp.sessions.delivery import Delivery, Happening

TYP = "secevent+jwt"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
SUPPORTED = (SESSION_REVOKED,)
"""What a receiver may ask for; a verification event comes on every stream (SSF 1.0, section 8.1.4.1)."""

Initiator = Literal["admin", "user", "policy", "system"]
_INITIATORS: Mapping[str, Initiator] = {
    "sign_out": "user",
    "takeover": "user",
    "password_change": "user",
    "device_removal": "user",
    "administrator": "admin",
    "account_lock": "admin",
    "response": "policy",
    "refresh_reuse": "policy",
    "idle": "policy",
    "absolute": "policy",
}
_REASONS = {
    "sign_out": "The person signed out.",
    "takeover": "The person signed in elsewhere.",
    "password_change": "The password was changed.",
    "device_removal": "The device was removed.",
    "administrator": "An administrator ended the session.",
    "account_lock": "The account was locked.",
    "response": "An automated response ended the session.",
    "refresh_reuse": "A token was used twice.",
    "idle": "The session was idle for too long.",
    "absolute": "The session reached its longest lifetime.",
}


def claims(delivery: Delivery, *, issuer: str, issued_at: int) -> dict[str, object]:
    """The claims of the token of a delivery. It has the delivery's own id, so that a second copy is known for one.

    Neither `sub` nor `exp` (SSF 1.0, sections 4.1.2 and 4.1.7): nobody can take it for another kind of token.
    """
    facts = delivery.facts
    happening = Happening(facts["happening"])
    if happening is Happening.VERIFICATION:
        subject: dict[str, object] = {"format": "opaque", "id": str(delivery.recipient.stream_id)}
        state = facts.get("state")
        event: tuple[str, dict[str, object]] = (VERIFICATION, {} if state is None else {"state": state})
    else:
        subject = _subject(issuer, facts)
        event = (SESSION_REVOKED, _session_revoked(facts, delivery.happened_at.timestamp()))
    token: dict[str, object] = {
        "iss": issuer,
        "aud": delivery.recipient.client_id,
        "iat": issued_at,
        "jti": delivery.id.hex,
        "sub_id": subject,
        "events": dict([event]),
    }
    return token if "correlation_id" not in facts else {**token, "txn": facts["correlation_id"]}


def _subject(issuer: str, facts: Mapping[str, str]) -> dict[str, object]:
    return {
        "format": "complex",
        "session": {"format": "opaque", "id": facts["sid"]},
        "user": {"format": "iss_sub", "iss": issuer, "sub": facts["sub"]},
        "tenant": {"format": "opaque", "id": facts["org"]},
    }


def _session_revoked(facts: Mapping[str, str], happened_at: float) -> dict[str, object]:
    reason = facts["reason"]
    return {
        "event_timestamp": int(happened_at),
        "initiating_entity": _INITIATORS[reason],
        "reason_admin": {"en": _REASONS[reason]},
    }
