"""What the client is told at its redirect URI: always with `iss` (RFC 9207), also in errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from idp.protocol.redirect_uri import with_fragment, with_parameters
from jose.keys import Algorithm

ResponseMode = Literal["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt"]
"""In the query or the fragment (OAuth 2.0 Multiple Response Type Encoding Practices), or as a form that the browser
posts (OAuth 2.0 Form Post Response Mode 1.0); each of them also as one signed JWT (JARM, section 2.3)."""
_NAMES: Final[dict[str, ResponseMode]] = {mode: mode for mode in get_args(ResponseMode)} | {"jwt": "query.jwt"}
RESPONSE_MODES: Final = tuple(_NAMES)
"""What a request may name; `jwt` is the signed form of what a code comes by otherwise (JARM, section 2.3.4)."""
SIGNED_LIFETIME: Final = 300
"""Seconds that a signed answer is good for; JARM, section 2.1, wants ten minutes at most."""


def response_mode(named: str | None) -> ResponseMode | None:
    """What a request's `response_mode` means; None: nothing that is known."""
    return "query" if named is None else _NAMES.get(named)


@dataclass(frozen=True, slots=True)
class SignedFor:
    """Of an answer that is a JWT."""

    client_id: str
    """Its audience."""
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where a client is answered: one of its own redirect URIs, how, and with which `state`."""

    redirect_uri: str
    state: str | None
    mode: ResponseMode = "query"
    ui_locales: tuple[str, ...] = ()
    """In which languages, the best first, a page on the way speaks (OIDC Core 1.0, section 3.1.2.1)."""
    signed_for: SignedFor | None = None
    """Where the mode says that the answer is signed."""

    @classmethod
    def of(
        cls,
        redirect_uri: str,
        state: str | None,
        mode: ResponseMode,
        *,
        client_id: str,
        algorithm: Algorithm,
        ui_locales: tuple[str, ...] = (),
    ) -> ReturnAddress:
        """One of this client, which is answered by a JWT of this algorithm where the mode says so."""
        signed_for = SignedFor(client_id, algorithm) if mode.endswith(".jwt") else None
        return cls(redirect_uri, state, mode, ui_locales, signed_for)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser takes to the client."""

    address: ReturnAddress
    parameters: tuple[tuple[str, str], ...]

    @property
    def location(self) -> str:
        """Where the browser goes, unless it posts a form."""
        put = with_fragment if self.address.mode.startswith("fragment") else with_parameters
        return put(self.address.redirect_uri, self.parameters)

    @property
    def is_form(self) -> bool:
        """Whether the browser posts it."""
        return self.address.mode.startswith("form_post")

    def claims(self, audience: str, issued_at: int) -> dict[str, object]:
        """What the JWT says that stands for its parameters (JARM, section 2.1); `iss` is one of them."""
        return {**dict(self.parameters), "aud": audience, "exp": issued_at + SIGNED_LIFETIME}

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
