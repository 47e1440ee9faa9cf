"""What the client is told at its redirect URI: always with `iss` (RFC 9207), also in errors."""

from __future__ import annotations

from idp.protocol.redirect_uri import with_parameters


def code_answer(redirect_uri: str, *, code: str, state: str | None, issuer: str) -> str:
    """Where the browser goes with a code (RFC 6749, section 4.1.2)."""
    return with_parameters(redirect_uri, [("code", code), *_common(state, issuer)])


def error_answer(redirect_uri: str, *, error: str, description: str, state: str | None, issuer: str) -> str:
    """Where the browser goes without one (RFC 6749, section 4.1.2.1)."""
    return with_parameters(
        redirect_uri, [("error", error), ("error_description", description), *_common(state, issuer)]
    )


def _common(state: str | None, issuer: str) -> list[tuple[str, str]]:
    return [*([("state", state)] if state is not None else []), ("iss", issuer)]
