"""The answer: one of four, with its reasons, in a form that another room turns into HTTP (P2)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from policy.reasons import Reason


class Effect(StrEnum):
    """The four answers."""

    ALLOW = "allow"
    REDUCE = "reduce"
    STEP_UP = "step_up"
    DENY = "deny"


class StepUp(msgspec.Struct, frozen=True):
    """What would make it an allow (RFC 9470)."""

    assurance: int | None = None
    max_age: int | None = None
    """Seconds since the authentication, at most."""
    device_trust: int | None = None


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What was decided, why, and how long it stands."""

    effect: Effect
    reasons: tuple[Reason, ...]
    version: int
    """The policy version that decided; 0: none was loaded."""
    winner: str = ""
    """The id of the rule that decided; empty: none did."""
    risk: int = 0
    """0 (nothing odd) to 100."""
    signals: tuple[tuple[str, int], ...] = ()
    """Each signal's share of the risk, largest first."""
    obligations: tuple[str, ...] = ()
    step_up: StepUp | None = None
    stands_until: float = 0.0
    """Epoch seconds until which the same facts give the same answer; 0: for this request only."""
