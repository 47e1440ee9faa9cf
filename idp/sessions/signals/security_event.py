"""Security event tokens (RFC 8417), as the Shared Signals Framework 1.0 profiles them (section 4): pure.

An ended session is CAEP's `session-revoked` (OpenID Continuous Access Evaluation Profile 1.0, section 3.1), a way to
sign in that changed `credential-change` (section 3.3), a device that is trusted otherwise `device-compliance-change`
(section 3.5). The subject is a complex one (SSF 1.0, section 3.2): the session by its `sid` or the device by its id,
the person by issuer and `sub` (RFC 9493), and their organisation.
"""

from __future__ import annotations

from collections.abc import Mapping

from idp.sessions.delivery import Delivery, Happening
from idp.sessions.signals.changes import CREDENTIAL_CHANGE, DEVICE_COMPLIANCE_CHANGE, REASONS, Initiator

TYP = "secevent+jwt"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
SUPPORTED = (SESSION_REVOKED, CREDENTIAL_CHANGE, DEVICE_COMPLIANCE_CHANGE)
"""What a receiver may ask for; a verification event comes on every stream (SSF 1.0, section 8.1.4.1)."""

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
    happened_at = delivery.happened_at.timestamp()
    event: tuple[str, dict[str, object]]
    match happening:
        case Happening.VERIFICATION:
            state = facts.get("state")
            event = (VERIFICATION, {} if state is None else {"state": state})
        case Happening.SESSION_ENDED:
            event = (SESSION_REVOKED, _session_revoked(facts, happened_at))
        case Happening.CREDENTIAL_CHANGED:
            event = (CREDENTIAL_CHANGE, _credential_change(facts, happened_at))
        case Happening.DEVICE_COMPLIANCE_CHANGED:
            event = (DEVICE_COMPLIANCE_CHANGE, _device_compliance_change(facts, happened_at))
    token: dict[str, object] = {
        "iss": issuer,
        "aud": delivery.recipient.client_id,
        "iat": issued_at,
        "jti": delivery.id.hex,
        "sub_id": _subject(delivery, issuer),
        "events": dict([event]),
    }
    return token if "correlation_id" not in facts else {**token, "txn": facts["correlation_id"]}


def _subject(delivery: Delivery, issuer: str) -> dict[str, object]:
    facts = delivery.facts
    if "sub" not in facts:  # a verification is about the stream itself
        return {"format": "opaque", "id": str(delivery.recipient.stream_id)}
    subject: dict[str, object] = {"format": "complex"}
    for member, name in (("session", "sid"), ("device", "device")):
        if name in facts:
            subject[member] = {"format": "opaque", "id": facts[name]}
    subject["user"] = {"format": "iss_sub", "iss": issuer, "sub": facts["sub"]}
    subject["tenant"] = {"format": "opaque", "id": facts["org" if "org" in facts else "tenant"]}
    return subject


def _session_revoked(facts: Mapping[str, str], happened_at: float) -> dict[str, object]:
    reason = facts["reason"]
    return {
        "event_timestamp": int(happened_at),
        "initiating_entity": _INITIATORS[reason],
        "reason_admin": {"en": _REASONS[reason]},
    }


def _credential_change(facts: Mapping[str, str], happened_at: float) -> dict[str, object]:
    named = {name: facts[name] for name in ("friendly_name", "fido2_aaguid") if name in facts}
    said = {"credential_type": facts["credential_type"], "change_type": facts["change_type"], **named}
    return {**said, **_why(facts, happened_at)}


def _device_compliance_change(facts: Mapping[str, str], happened_at: float) -> dict[str, object]:
    statuses = {name: facts[name] for name in ("previous_status", "current_status")}
    return {**statuses, **_why(facts, happened_at)}


def _why(facts: Mapping[str, str], happened_at: float) -> dict[str, object]:
    told = REASONS[facts["reason"]]
    return {
        "event_timestamp": int(happened_at),
        "initiating_entity": told.initiator,
        "reason_admin": {"en": told.en},
        "reason_user": {"en": told.en, "ko": told.ko},
    }
