"""Whether a person may change their factors now: pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

from idp.factors.requirement import FactorKind
from idp.protocol.assurance import MULTIPLE_FACTORS

FRESH = timedelta(minutes=15)
"""How long ago somebody who changes a factor may have been authenticated."""

Refusal = Literal["too_long_ago", "second_factor"]


def refusal_to_change(
    enrolled: Collection[FactorKind], amr: Collection[str], authenticated_at: datetime, now: datetime
) -> Refusal | None:
    """Why the person of a session may not add or remove a factor; `None` if they may.

    A first factor may be added after a password alone; once there is one, it must have been used (NIST SP 800-63B-4,
    section 4.1: binding asks for the assurance that the account has).
    """
    if now - authenticated_at > FRESH:
        return "too_long_ago"
    if enrolled and MULTIPLE_FACTORS not in amr:
        return "second_factor"
    return None
