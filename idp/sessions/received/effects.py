"""What follows from an event, as the organisation has it: pure."""

from __future__ import annotations

from typing import Literal

from idp.sessions.received.security_event import Event, EventKind
from idp.sessions.received.transmitter import Effects

Act = Literal["record", "end", "end_and_prove", "trust", "distrust", "distrust_and_step_up", "distrust_and_end"]
"""`end`: the person's session ends. `end_and_prove`: and what was proven before counts no more, neither for a login
that is under way nor for a browser that is remembered. `trust`, `distrust`: a device, in this organisation."""

_OF_DEVICE: dict[str, Act] = {
    "end": "distrust_and_end",
    "step_up": "distrust_and_step_up",
    "distrust": "distrust",
    "record": "record",
}


def decided(event: Event, effects: Effects) -> Act:
    """The act that an event calls for; whatever is not named here is recorded."""
    match event.kind:
        case EventKind.SESSION_REVOKED:
            return "end" if effects.session_revoked == "end" else "record"
        case EventKind.CREDENTIAL_CHANGE if event.change == "revoke":
            return "end_and_prove" if effects.credential_change == "end" else "record"
        case EventKind.CREDENTIAL_COMPROMISE:
            return "end_and_prove" if effects.credential_change == "end" else "record"
        case EventKind.DEVICE_COMPLIANCE_CHANGE if event.status == "not-compliant":
            return _OF_DEVICE[effects.device_compliance_change]
        case EventKind.DEVICE_COMPLIANCE_CHANGE:
            return "record" if effects.device_compliance_change == "record" else "trust"
        case _:
            return "record"
