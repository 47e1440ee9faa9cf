"""What the audit's trail says of a session's beginning and end."""

from __future__ import annotations

from audit.trail import AuditEvent, Kind
from idp.sessions.session import Session


def began(session: Session, ended: Session | None, correlation_id: str) -> AuditEvent:
    """A session began; `ended` is the one that it ended."""
    details: dict[str, object] = {
        "amr": session.amr,
        "device": str(session.visitor.device_id or ""),
        "place": session.visitor.place,
    }
    if ended is not None:
        details["instead_of"] = ended.sid
    return AuditEvent(
        kind=Kind.TAKEOVER_COMPLETED if ended and ended.end_reason == "takeover" else Kind.SESSION_BEGAN,
        correlation_id=correlation_id,
        actor=str(session.user_id),
        subject=str(session.user_id),
        sid=session.sid,
        ip=session.visitor.ip,
        details=details,
    )


def ended(session: Session, correlation_id: str) -> AuditEvent:
    """A session ended."""
    return AuditEvent(
        kind=Kind.SESSION_ENDED,
        correlation_id=correlation_id,
        subject=str(session.user_id),
        sid=session.sid,
        ip=session.ended_by["ip"] if session.ended_by else None,
        details={"reason": session.end_reason, "version": session.version},
    )
