"""Upstream providers over the network: what is known of each is kept for a while, and fetched anew not too often."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

import msgspec
import structlog

from config.clock import Clock
from config.envelope import Envelope
from config.outbound import Answer, NotFetched, Outbound
from idp.federation.discovery import Metadata, discovery_address, read_metadata
from idp.federation.id_token import IdTokenClaims, verify_id_token
from idp.federation.problems import UpstreamProblem, UpstreamRefused, UpstreamUnreachable, UpstreamUnsound
from idp.federation.provider import UpstreamProvider, secret_context
from idp.federation.targets import Targets
from jose.foreign import UnknownKey
from jose.published_keys import KeysAway, KeySet, PublishedKeys

FRESH = 3600.0
"""Seconds that a discovery document is used for."""
AGAIN_AFTER = 30.0
"""Seconds between two fetches of one that is known and could not be had anew."""
RETRY = 5.0
"""Seconds between two fetches of one that was never known."""
LARGEST = 262_144
"""Bytes of an answer."""
MOST = 1024
"""Providers that are known at once; with more, all are forgotten."""

_log = structlog.get_logger(__name__)


class Tokens(msgspec.Struct, frozen=True):
    """A token response (RFC 6749, section 5.1; OIDC Core 1.0, section 3.1.3.3)."""

    access_token: str
    token_type: str
    id_token: str

    def __repr__(self) -> str:
        return "Tokens([secret])"


@dataclass(slots=True)
class _Known:
    """What is known of one provider, and who is asking it just now."""

    issuer: str
    metadata: Metadata | None = None
    at: float = float("-inf")
    """When it answered last, or met its `problem`: whoever waited for that does not wait as long again."""
    problem: UpstreamProblem | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_due(self, now: float) -> bool:
        """Whether to ask (again)."""
        if self.problem is None:
            return now - self.at >= FRESH
        return now - self.at >= (RETRY if self.metadata is None else AGAIN_AFTER)


class Upstreams:
    """Asks upstream providers. Every method raises `UpstreamProblem`s."""

    def __init__(
        self, outbound: Outbound, keys: PublishedKeys, targets: Targets, envelope: Envelope, clock: Clock
    ) -> None:
        self._outbound = outbound
        self._keys = keys
        self._targets = targets
        self._envelope = envelope
        self._clock = clock
        self._known: dict[UUID, _Known] = {}

    async def metadata(self, provider: UpstreamProvider) -> Metadata:
        """Its endpoints. A good answer outlives the fetches that fail later."""
        known = self._of(provider)
        async with known.lock:
            if known.is_due(self._clock.monotonic()):
                try:
                    body = _body(await self._ask("GET", discovery_address(provider.issuer)))
                    known.metadata = read_metadata(
                        body, expected_issuer=provider.issuer, allows_uri=self._targets.allows_uri
                    )
                    known.problem, known.at = None, self._clock.monotonic()
                except UpstreamProblem as problem:
                    _log.warning("upstream_discovery_failed", provider=str(provider.id), error=str(problem))
                    known.problem, known.at = problem, self._clock.monotonic()
            if known.metadata is None:
                raise _again(known.problem)
            return known.metadata

    async def redeem(self, provider: UpstreamProvider, *, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """Its tokens for a code (RFC 6749, section 4.1.3)."""
        metadata = await self.metadata(provider)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers, more = self._authentication(provider)
        answer = await self._ask("POST", metadata.token_endpoint, headers, {**form, **more})
        if answer.status in (400, 401, 403):
            raise UpstreamRefused(f"the token endpoint: {answer.status} {_error_of(answer)}")
        try:
            tokens = msgspec.json.decode(_body(answer), type=Tokens)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise UpstreamUnsound("the token endpoint's answer cannot be read, or has no ID token") from error
        if tokens.token_type.lower() != "bearer":
            raise UpstreamUnsound("tokens of another type")
        return tokens

    async def verified(
        self, provider: UpstreamProvider, tokens: Tokens, *, expected_nonce: str
    ) -> tuple[IdTokenClaims, Mapping[str, Any]]:
        """The claims of its ID token."""
        metadata = await self.metadata(provider)

        def claims(published: KeySet) -> tuple[IdTokenClaims, Mapping[str, Any]]:
            return verify_id_token(
                tokens.id_token,
                published.keys,
                expected_issuer=provider.issuer,
                expected_client=provider.client_id,
                expected_nonce=expected_nonce,
                algorithms=metadata.algorithms,
                access_token=tokens.access_token,
                now=self._clock.timestamp(),
            )

        try:
            return await self._keys.check(metadata.jwks_uri, claims)
        except UnknownKey as error:
            raise UpstreamUnsound(f"ID token: {error}") from error
        except KeysAway as away:
            raise (UpstreamUnsound if away.answered else UpstreamUnreachable)(f"keys: {away}") from away

    async def userinfo(self, provider: UpstreamProvider, tokens: Tokens) -> Mapping[str, Any]:
        """What its userinfo endpoint tells (OIDC Core 1.0, section 5.3); nothing where it has none."""
        metadata = await self.metadata(provider)
        if not metadata.userinfo_endpoint:
            return {}
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        answer = await self._ask("GET", metadata.userinfo_endpoint, headers)
        try:
            return msgspec.json.decode(_body(answer), type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise UpstreamUnsound("userinfo cannot be read") from error

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Answer:
        sent = {"Accept": "application/json", **(headers or {})}
        content = None
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode(form).encode("ascii")
        try:
            return await self._outbound.ask(method, url, headers=sent, most=LARGEST, content=content)
        except NotFetched as error:
            raise UpstreamUnreachable(f"{method} {urlsplit(url).hostname}: {error}") from error

    def _of(self, provider: UpstreamProvider) -> _Known:
        known = self._known.get(provider.id)
        if known is None or known.issuer != provider.issuer:
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known[provider.id] = _Known(provider.issuer)
        return known

    def _authentication(self, provider: UpstreamProvider) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and fields that say who asks (RFC 6749, section 2.3.1)."""
        if provider.sealed_secret is None:
            return {}, {"client_id": provider.client_id}
        secret = self._envelope.open(provider.sealed_secret, secret_context(provider.id)).decode()
        if provider.auth_method == "client_secret_post":
            return {}, {"client_id": provider.client_id, "client_secret": secret}
        pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}, {}


def _body(answer: Answer) -> bytes:
    if answer.status != 200:
        raise UpstreamUnreachable(f"it answers {answer.status}")
    return answer.body


def _error_of(answer: Answer) -> str:
    """The `error` of a refusal, as the log may have it."""
    try:
        return repr(msgspec.json.decode(answer.body, type=dict[str, Any]).get("error"))[:80]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return "without a reason"


def _again(problem: UpstreamProblem | None) -> UpstreamProblem:
    """A problem that is met again, as a new exception: one that is raised twice grows its traceback."""
    return type(problem)(*problem.args) if problem is not None else UpstreamUnreachable("never seen")
