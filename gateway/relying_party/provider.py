"""What is known of the identity provider, off the hot path: endpoints and keys; the last good answer is kept (S9)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import structlog

from config.clock import Clock
from jose.keys import ES256, PublicKey, PublicKeys

_log = structlog.get_logger(__name__)

SEEN_FOR = 1.0
"""Seconds for which an answer of the identity provider, or its absence, is taken for what the next browser meets."""
REFRESH_PAUSE = 5.0
"""Seconds between two fetches at least, however many tokens name unknown keys."""


class ProviderUnreachable(Exception):
    """The identity provider does not answer, or answers with a fault of its own."""


class GrantRefused(Exception):
    """The token endpoint refused: `error` of RFC 6749, section 5.2."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Metadata(msgspec.Struct, frozen=True):
    """What the gateway uses of the discovery document (OIDC Discovery 1.0, section 3; RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""


class Tokens(msgspec.Struct, frozen=True):
    """A token response (RFC 6749, section 5.1; OIDC Core 1.0, section 3.1.3.3)."""

    access_token: str
    token_type: str
    expires_in: float = 0.0
    """Seconds; 0: it was not said."""
    refresh_token: str = ""
    id_token: str = ""

    def __repr__(self) -> str:
        return "Tokens([secret])"


class _Refusal(msgspec.Struct):
    error: str


class Provider:
    """One identity provider. `learn` is given the last known good answer at the start, `remember` each new one."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        http: httpx2.AsyncClient,
        clock: Clock,
        remember: Callable[[Mapping[str, Any], Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.keys: PublicKeys = {}
        self.on_keys: list[Callable[[], None]] = []
        self._secret = client_secret
        self._http = http
        self._clock = clock
        self._remember = remember
        self._metadata: Metadata | None = None
        self._fetched_at = float("-inf")
        self._fetching: asyncio.Task[bool] | None = None
        self._seen_at = float("-inf")
        self._seen = False
        self._looking = asyncio.Lock()

    def learn(self, metadata: Mapping[str, Any], jwks: Mapping[str, Any]) -> None:
        """Take a discovery document and a key set. Raises `ProviderUnreachable` where they are of no use."""
        try:
            known = msgspec.convert(metadata, Metadata)
        except msgspec.ValidationError as error:
            raise ProviderUnreachable(f"discovery: {error}") from error
        if known.issuer != self.issuer:  # OIDC Discovery 1.0, section 4.3
            raise ProviderUnreachable(f"discovery names another issuer, {known.issuer!r}")
        keys = _public_keys(jwks)
        if not any(key.algorithm == ES256 for key in keys.values()):
            raise ProviderUnreachable("the key set holds no key for ES256")
        self._metadata = known
        if keys.keys() != self.keys.keys():
            self.keys = keys
            for tell in self.on_keys:
                tell()

    async def metadata(self) -> Metadata:
        """The endpoints. Raises `ProviderUnreachable` where they were never known."""
        if self._metadata is None:
            await self.fetch()
        if self._metadata is None:
            raise ProviderUnreachable("never seen")
        return self._metadata

    async def is_there(self) -> bool:
        """Whether a browser that is led there now meets somebody; asked once a second, however many want to know."""
        async with self._looking:
            now = self._clock.monotonic()
            if now - self._seen_at >= SEEN_FOR:
                try:
                    await self._get(f"{self.issuer}/.well-known/openid-configuration")
                    self._seen = True
                except ProviderUnreachable as error:
                    _log.warning("provider_unreachable", private=str(error))
                    self._seen = False
                self._seen_at = self._clock.monotonic()
        return self._seen

    async def fetch(self, *, at_once: bool = False) -> bool:
        """Ask anew. Says whether it answered; what was known stays known if not.

        Whoever asks meanwhile gets the same answer, and once something is known it is not asked too often; `at_once`:
        unless no stranger can have caused the question.
        """
        if self._fetching is None:
            now = self._clock.monotonic()
            if self._metadata is not None and not at_once and now - self._fetched_at < REFRESH_PAUSE:
                return False
            self._fetched_at = now
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    def _fetched(self, task: asyncio.Task[bool]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # whoever still waits raises it

    async def _fetch(self) -> bool:
        try:
            document = await self._get(f"{self.issuer}/.well-known/openid-configuration")
            jwks = await self._get(str(document.get("jwks_uri", "")))
            self.learn(document, jwks)
        except ProviderUnreachable as error:
            _log.warning("provider_unreachable", private=str(error))
            return False
        await self._remember(document, jwks)
        return True

    async def grant(self, **parameters: str) -> Tokens:
        """Ask the token endpoint. Raises `GrantRefused`, or `ProviderUnreachable` where asking again may help."""
        metadata = await self.metadata()
        response = await self._post(metadata.token_endpoint, parameters)
        if response.status_code == httpx2.codes.OK:
            try:
                tokens = msgspec.json.decode(response.content, type=Tokens)
            except msgspec.MsgspecError as error:
                raise ProviderUnreachable("the token endpoint's answer can't be read") from error
            if tokens.token_type.lower() != "bearer":
                raise GrantRefused("unsupported_token_type")
            return tokens
        if response.status_code in (httpx2.codes.BAD_REQUEST, httpx2.codes.UNAUTHORIZED):
            try:
                raise GrantRefused(msgspec.json.decode(response.content, type=_Refusal).error)
            except msgspec.MsgspecError:
                pass
        raise ProviderUnreachable(f"the token endpoint answers {response.status_code}")

    async def revoke(self, token: str) -> None:
        """Give a refresh token back (RFC 7009). Raises `ProviderUnreachable`."""
        metadata = await self.metadata()
        if metadata.revocation_endpoint:
            await self._post(metadata.revocation_endpoint, {"token": token, "token_type_hint": "refresh_token"})

    async def end_session(self, id_token: str) -> None:
        """End the session of an ID token, from here (RP-Initiated Logout 1.0, section 2); as often as one likes.

        Raises `ProviderUnreachable`.
        """
        metadata = await self.metadata()
        if metadata.end_session_endpoint:
            form = {"id_token_hint": id_token, "client_id": self.client_id}
            response = await self._post(metadata.end_session_endpoint, form)
            if response.is_server_error:
                raise ProviderUnreachable(f"the end of a session answers {response.status_code}")

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            response = await self._http.get(url, headers={"Accept": "application/json"})
            response.raise_for_status()
            return msgspec.json.decode(response.content, type=dict[str, Any])
        except (httpx2.HTTPError, httpx2.InvalidURL, msgspec.MsgspecError) as error:
            raise ProviderUnreachable(f"{url}: {error!r}") from error

    async def _post(self, url: str, form: Mapping[str, str]) -> httpx2.Response:
        try:
            return await self._http.post(
                url,
                data=dict(form),
                # RFC 6749, section 2.3.1: both are form-encoded first
                auth=(quote(self.client_id, safe=""), quote(self._secret, safe="")),
                headers={"Accept": "application/json"},
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ProviderUnreachable(f"{url}: {type(error).__name__}") from error


def _public_keys(jwks: Mapping[str, Any]) -> PublicKeys:
    keys = {}
    for jwk in jwks.get("keys", ()):
        try:
            key = PublicKey(jwk)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # a key of another kind is somebody else's
        if jwk.get("use", "sig") == "sig":
            keys[key.kid] = key
    return keys
