"""What the client is told at its redirect URI: always with `iss` (RFC 9207), also in errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from idp.protocol.redirect_uri import with_parameters

ResponseMode = Literal["query", "form_post"]
"""In the query, or as a form that the browser posts (OAuth 2.0 Form Post Response Mode 1.0)."""
RESPONSE_MODES: tuple[ResponseMode, ...] = ("query", "form_post")


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where a client is answered: one of its own redirect URIs, how, and with which `state`."""

    redirect_uri: str
    state: str | None
    mode: ResponseMode = "query"
    ui_locales: tuple[str, ...] = ()
    """In which languages, the best first, a page on the way speaks (OIDC Core 1.0, section 3.1.2.1)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser takes to the client."""

    address: ReturnAddress
    parameters: tuple[tuple[str, str], ...]

    @property
    def location(self) -> str:
        """Where the browser goes by response mode `query`."""
        return with_parameters(self.address.redirect_uri, self.parameters)

    @property
    def origin(self) -> str:
        """The client's origin, the only one that a form may be posted to."""
        parts = urlsplit(self.address.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"


def code_answer(address: ReturnAddress, *, code: str, issuer: str) -> Answer:
    """With a code (RFC 6749, section 4.1.2)."""
    return Answer(address, (("code", code), *_common(address, issuer)))


def error_answer(address: ReturnAddress, *, error: str, description: str, issuer: str) -> Answer:
    """Without one (RFC 6749, section 4.1.2.1)."""
    return Answer(address, (("error", error), ("error_description", description), *_common(address, issuer)))


def _common(address: ReturnAddress, issuer: str) -> tuple[tuple[str, str], ...]:
    return (*([("state", address.state)] if address.state is not None else []), ("iss", issuer))
