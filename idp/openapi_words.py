"""In what words the endpoints of `idp.openapi` are described, and what several of them take and answer alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from config.openapi import ProblemDocument
from idp.openapi_bodies import OAuthError
from idp.routes import Method


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that a request says, in its query or in its form."""

    name: str
    means: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    in_form_alone: bool = False
    """It is not understood in a query."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request, or of an answer; there it may always be left out."""

    name: str
    means: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One status that an endpoint answers with. None for a kind: a redirect, or a page."""

    status: int
    means: str
    kind: type[msgspec.Struct] | None = None
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path and what it takes: by `GET` in the query, by `POST` in a form, or as JSON where it names a body."""

    path: str
    methods: tuple[Method, ...]
    summary: str
    parameters: tuple[Parameter, ...]
    answers: tuple[Answer, ...]
    security: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    body: type[msgspec.Struct] | None = None
    """Of `POST` and `PUT`, as JSON."""


CLIENT = (
    Parameter("client_id", "of a client that sends no Authorization header"),
    Parameter("client_secret", "of a client registered for `client_secret_post`"),
    Parameter("client_assertion", "of a client registered for `private_key_jwt` (RFC 7523, section 2.2)"),
    Parameter("client_assertion_type", "`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`"),
)
PROVEN = ("client_basic", "")
REFUSED = (
    Answer(400, "the request is not good", OAuthError),
    Answer(401, "the client did not prove itself", OAuthError),
)
PROBLEM = Answer(400, "the request cannot be answered to the client: a page, or a problem", ProblemDocument)
TOO_MANY = Answer(429, "too many of one address", ProblemDocument)
AWAY = Answer(503, "the engines are away", ProblemDocument)
NOT_NOW = Answer(
    503,
    "`temporarily_unavailable`: whether a proof was used before cannot be told yet; make it anew, after that time",
    OAuthError,
    (Header("Retry-After", "seconds"),),
)

DPOP: Final = Header(
    "DPoP",
    "a proof of the key that tokens are, or are to be, bound to (RFC 9449, section 4); a second one is refused",
)
NONCE: Final = Header(
    "DPoP-Nonce", "what the next proof must hold as its `nonce` (RFC 9449, section 8); of whoever shows one"
)
REFUSED_PROOF: Final = (
    Answer(
        400,
        "the request is not good; `invalid_dpop_proof`: the proof is missing, or not of this request; "
        "`use_dpop_nonce`: make it again with the nonce of the header",
        OAuthError,
        (NONCE,),
    ),
    Answer(401, "the client did not prove itself", OAuthError),
)
"""Where a client may prove a key as well."""
