"""The question that an upstream is asked, and whether what a browser brings back is an answer to it.

`state` is random and kept as a digest; `nonce` and the PKCE verifier follow from it under a key of the house, so that
nothing that is kept or sent tells them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.federation.discovery import Metadata
from idp.federation.problems import UpstreamRefused, UpstreamUnsound
from idp.federation.provider import LOGIN_LIFETIME_AT_UPSTREAM, UpstreamProvider
from idp.protocol import pkce
from idp.protocol.redirect_uri import with_parameters

LIFETIME = timedelta(minutes=10)
"""So long an upstream may take to send the browser back."""
STATE_SIZE = 32
LONGEST_CODE = 4096
AUTH_TIME_SKEW = 30.0
"""Seconds by which an authentication may seem older than it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One question that waits for its answer: of a login, or of a person's session that wants another way in."""

    state_hash: bytes
    provider_id: UUID
    login_id: UUID | None
    sid: str | None
    created_at: datetime
    expires_at: datetime


class Attempts(Protocol):
    """Where questions wait."""

    async def add(self, tx: Transaction, attempt: Attempt) -> None:
        """Keep one; of many of one login or session the latest few are kept."""

    async def find(self, tx: Transaction, state_hash: bytes, now: datetime) -> Attempt | None:
        """One that waits; it goes on waiting."""

    async def consume(self, tx: Transaction, state_hash: bytes) -> bool:
        """It waits no more. True for exactly one of many at once."""


class QuestionKey:
    """Makes what belongs to a `state`; all nodes share the key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "QuestionKey([secret])"

    def nonce(self, state: str) -> str:
        """What the ID token must hold."""
        return self._derived(b"nonce", state)

    def verifier(self, state: str) -> str:
        """The PKCE verifier (RFC 7636, section 4.1): 43 characters."""
        return self._derived(b"verifier", state)

    def _derived(self, purpose: bytes, state: str) -> str:
        digest = hmac.digest(self._key, b"munjigi-upstream\0" + purpose + b"\0" + state.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How fresh a sign-in is asked for, and by whom it is likely to be."""

    prompt: tuple[str, ...] = ()
    """`login` and `select_account` are handed on."""
    max_age: int | None = None
    hint: str = ""
    ui_locales: tuple[str, ...] = ()


def state_hash(state: str) -> bytes:
    """What is kept of a `state`."""
    return hashlib.sha256(b"munjigi-upstream-state\0" + state.encode()).digest()


def question(
    provider: UpstreamProvider, metadata: Metadata, key: QuestionKey, state: str, *, redirect_uri: str, demand: Demand
) -> str:
    """Where the browser is sent: an authorization request by code, with PKCE S256, `state` and `nonce`."""
    prompt = [value for value in demand.prompt if value in ("login", "select_account")]
    max_age = LOGIN_LIFETIME_AT_UPSTREAM if demand.max_age is None else demand.max_age
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": state,
        "nonce": key.nonce(state),
        "code_challenge": pkce.challenge_of(key.verifier(state)),
        "code_challenge_method": pkce.METHOD,
        "prompt": " ".join(prompt),
        "max_age": str(max_age),
        "login_hint": demand.hint,
        "ui_locales": " ".join(demand.ui_locales),
    }
    given = [(name, value) for name, value in parameters.items() if value]
    return with_parameters(metadata.authorization_endpoint, given)


def code_of(answer: Mapping[str, str], provider: UpstreamProvider, metadata: Metadata) -> str:
    """The code of an answer that this very upstream gave.

    Raises `UpstreamUnsound` where another issuer answers, or the one that says who it is did not (RFC 9207, section
    2.4), and `UpstreamRefused`.
    """
    expect_issuer(answer, provider, metadata)
    if "error" in answer:
        raise UpstreamRefused(f"the authorization endpoint: {answer['error'][:80]!r}")
    code = answer.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        raise UpstreamUnsound("an answer without a code")
    return code


def expect_issuer(answer: Mapping[str, str], provider: UpstreamProvider, metadata: Metadata) -> None:
    """Raises `UpstreamUnsound` unless the answer is of this issuer, as far as it says so, or must say so."""
    issuer = answer.get("iss")
    if issuer is None and metadata.authorization_response_iss_parameter_supported:
        raise UpstreamUnsound("an answer that does not say of whom it is")
    if issuer is not None and issuer != provider.issuer:
        raise UpstreamUnsound(f"an answer of another issuer, {issuer[:200]!r}")


def authenticated_at(demand: Demand, auth_time: float | None, asked_at: datetime, now: datetime) -> datetime:
    """When the person was authenticated there. Raises `UpstreamUnsound` where it is not as fresh as was demanded.

    Without `auth_time` an upstream that was told to ask anew is believed to have done so; otherwise it is taken to be
    as long ago as was allowed.
    """
    if auth_time is None:
        if demand.max_age is not None:  # OIDC Core 1.0, section 2: it is required then
            raise UpstreamUnsound("no auth_time, though max_age was asked for")
        return now if "login" in demand.prompt else now - timedelta(seconds=LOGIN_LIFETIME_AT_UPSTREAM)
    at = min(auth_time, now.timestamp())
    if "login" in demand.prompt and at < asked_at.timestamp() - AUTH_TIME_SKEW:
        raise UpstreamUnsound("nobody was authenticated anew")
    if demand.max_age is not None and at < now.timestamp() - demand.max_age - AUTH_TIME_SKEW:
        raise UpstreamUnsound("nobody was authenticated lately enough")
    return datetime.fromtimestamp(max(at, 0), now.tzinfo)
