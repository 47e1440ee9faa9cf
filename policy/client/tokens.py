"""Tokens of a program's own, by client credentials (RFC 6749, section 4.4), each for no more than what is asked."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx2
import msgspec

from policy.client.errors import NoToken, Unreachable
from policy.client.proofs import Proof, Secret

EARLY = 30.0
"""Seconds before its end that a token is not used any more."""


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = 0.0


class _Refused(msgspec.Struct):
    error: str
    error_description: str = ""


class ClientCredentials:
    """Asks for tokens as one client, and keeps each until shortly before its end."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        proof: str | Proof,
        *,
        resource: str = "",
        http: httpx2.Client | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`issuer`: where the identity provider is; `proof`: the client's secret, or `SigningKey`; `resource`: the one
        host that the tokens are good at (RFC 8707), which the client must have registered; empty: all of the
        gateway's."""
        self._issuer = issuer.rstrip("/")
        self._token_endpoint = f"{self._issuer}/token"
        self._proof = Secret(proof) if isinstance(proof, str) else proof
        self._client_id = client_id
        self._resource = resource
        self._http = http or httpx2.Client(timeout=30)
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, str]] = {}

    def __repr__(self) -> str:
        return f"ClientCredentials({self._client_id!r})"

    def __call__(self, scope: str, *, anew: bool = False) -> str:
        """An access token for this scope. `anew`: the last one was refused. Raises `NoToken`, `Unreachable`."""
        until, token = self._kept.get(scope, (0.0, ""))
        if token and not anew and self._monotonic() < until:
            return token
        asked = self._monotonic()
        granted = self._ask(scope)
        self._kept[scope] = (asked + granted.expires_in - EARLY, granted.access_token)
        return granted.access_token

    def _ask(self, scope: str) -> _Granted:
        form = {"grant_type": "client_credentials", **self._proof.fields(self._client_id, self._issuer)}
        if scope:
            form["scope"] = scope
        if self._resource:
            form["resource"] = self._resource
        try:
            answer = self._http.post(self._token_endpoint, data=form, auth=self._proof.auth(self._client_id))
        except httpx2.TransportError as error:
            raise Unreachable(f"the identity provider at {self._token_endpoint} does not answer: {error}") from error
        try:
            if answer.is_success:
                return msgspec.json.decode(answer.content, type=_Granted)
            refused = msgspec.json.decode(answer.content, type=_Refused)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unreachable(f"{self._token_endpoint} answers {answer.status_code}, and not as OAuth does") from error
        raise NoToken(refused.error, refused.error_description)

    def close(self) -> None:
        """Close the connections to the identity provider."""
        self._http.close()
