"""What keeps a code that was stolen, or slipped into another's login, from being redeemed (RFC 9700, section 2.1.1)."""

from __future__ import annotations

from typing import Final, Literal, Protocol

from idp.protocol import fapi2

CodeProtection = Literal["pkce", "pkce_or_nonce", "optional"]
"""`pkce`: always a challenge. `pkce_or_nonce`: a client that compares the `nonce` of its ID tokens may do with it.
`optional`: neither need be there, as OpenID Connect Core 1.0 has it; for certification."""
PKCE: Final = "pkce"


class Metadata(Protocol):
    """What is read of a client's metadata."""

    @property
    def code_protection(self) -> CodeProtection: ...
    @property
    def profile(self) -> str: ...


class Registered(Protocol):
    """What is read of a client."""

    @property
    def auth_method(self) -> str: ...
    @property
    def metadata(self) -> Metadata: ...


def lacks(client: Registered, *, challenge: str | None, nonce: str | None) -> str | None:
    """What is missing beside a code of this client, in words that its makers may read; None: nothing is.

    Whatever was registered, nobody does without PKCE who has no secret or key to redeem a code with, nor under FAPI.
    """
    if challenge is not None:
        return None
    registered = client.metadata
    if registered.code_protection == PKCE or client.auth_method == "none" or registered.profile == fapi2.NAME:
        return "code_challenge is missing: this client must use PKCE"
    if registered.code_protection == "pkce_or_nonce" and nonce is None:
        return "code_challenge and nonce are missing: this client must use one of them"
    return None
