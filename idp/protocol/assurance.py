"""How strongly somebody was authenticated: `acr` (OpenID Connect Core 1.0, section 2) from `amr` (RFC 8176)."""

from __future__ import annotations

from collections.abc import Iterable

ACR_ONE = "urn:munjigi:acr:1"
"""One factor."""
ACR_TWO = "urn:munjigi:acr:2"
"""Two factors, or a passkey with user verification."""
ACR_VALUES = (ACR_ONE, ACR_TWO)

MULTIPLE_FACTORS = "mfa"
"""The `amr` value (RFC 8176, section 2) that whoever verified a second factor, or a passkey, adds to the others."""


def assurance(amr: Iterable[str]) -> int:
    """2 where several factors were used, 1 where one was, 0 where none was."""
    methods = frozenset(amr)
    if MULTIPLE_FACTORS in methods:
        return 2
    return 1 if methods else 0


def acr(amr: Iterable[str]) -> str:
    """The `acr` of an authentication by these methods; empty where there was none."""
    return ("", ACR_ONE, ACR_TWO)[assurance(amr)]


def shown_acr(reached: str, essential: Iterable[str]) -> str:
    """The `acr` that an ID token shows: of values that were essential the strongest that was reached (OpenID Connect
    Core 1.0, section 5.5.1.1), since whoever reached more also reached less; otherwise what was reached."""
    wanted = frozenset(essential)
    within = ACR_VALUES[: ACR_VALUES.index(reached) + 1] if reached in ACR_VALUES else ()
    return next((value for value in reversed(within) if value in wanted), reached)


def demanded_assurance(acr_values: Iterable[str]) -> int:
    """The least assurance that satisfies a request's `acr_values`; 0 where it names none that we know."""
    known = [ACR_VALUES.index(value) + 1 for value in acr_values if value in ACR_VALUES]
    return min(known, default=0)
