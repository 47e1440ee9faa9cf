"""Whether somebody proved lately, and with two factors, who they are: asked by a service before what is dangerous.

The gateway has asked the policy already. This holds where a policy was loosened, or somebody came past it.
"""

from __future__ import annotations

from jose.assertion import Subject

TWO_FACTORS = "urn:munjigi:acr:2"
ENOUGH = frozenset((TWO_FACTORS, "urn:munjigi:acr:3"))
"""What proves two factors: whoever reached more reached these, too."""
MAX_AGE = 900
"""Seconds that a proof of two factors is good for."""
_ON_THE_WAY = 60.0
"""Seconds more, so that what the gateway just let through is not refused behind it."""


def challenge(subject: Subject, now: float) -> dict[str, str] | None:
    """The header that asks for two factors anew (RFC 9470, section 3); None where they are fresh at `now`."""
    if subject.acr in ENOUGH and now - subject.auth_time <= MAX_AGE + _ON_THE_WAY:
        return None
    return {
        "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", '
        f'error_description="Two factors of the last {MAX_AGE // 60} minutes are needed", '
        f'acr_values="{TWO_FACTORS}", max_age="{MAX_AGE}"'
    }
