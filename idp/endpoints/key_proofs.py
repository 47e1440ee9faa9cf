"""Which key a request proves: by a DPoP proof (RFC 9449), or by the certificate of its connection (RFC 8705)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.requests import Request

from config.clock import Clock
from config.replays import NotRemembered, Replays
from idp.clients.client import Client
from idp.endpoints.client_certificate import client_certificate
from idp.endpoints.oauth_answers import NotNow
from idp.protocol import dpop, fapi2
from idp.protocol.confirmation import JKT, X5T, Confirmation, UnknownConfirmation, confirmation_of, is_met
from idp.protocol.dpop import Fault, InvalidProof, Proof
from idp.protocol.dpop_nonce import Nonces

NONCE_HEADER = "DPoP-Nonce"

_log = structlog.get_logger(__name__)


class WrongProof(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The proof proves nothing about this request (RFC 9449, section 5)."""

    error = "invalid_dpop_proof"

    def __init__(self, description: str = "the DPoP proof is missing, or not good for this request") -> None:
        super().__init__(description)


class NonceWanted(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The proof must be made again, with the nonce in the header (RFC 9449, section 8)."""

    error = "use_dpop_nonce"

    def __init__(self) -> None:
        super().__init__("make the proof again with the nonce in the DPoP-Nonce header")


class NotForBearers(Exception):
    """The token is bound to a key in another way than it was presented (RFC 9449, section 7.2; RFC 8705, section 3)."""

    def __init__(self, *, by_dpop: bool) -> None:
        super().__init__()
        self.by_dpop = by_dpop
        """It must be presented with a DPoP proof."""


class KeyProofs:
    """For the identity provider's own endpoints."""

    def __init__(
        self, *, origins: Sequence[str], nonces: Nonces, replays: Replays, clock: Clock, nonce_required: bool
    ) -> None:
        """`origins`: the issuer, and the host of mutual TLS: how clients may name the endpoints."""
        self._origins = tuple(origins)
        self._nonces = nonces
        self._replays = replays
        self._clock = clock
        self._nonce_required = nonce_required

    async def of_client(self, request: Request, client: Client) -> Confirmation:
        """The keys that a client proves when it asks for tokens; those that it must prove are among them.

        Raises `WrongProof`, `NonceWanted`, `NotNow`, or Authlib's `InvalidRequestError` where a certificate is missing.
        """
        registered = client.metadata
        proven: dict[str, str] = {}
        certificate = client_certificate(request)
        if registered.tls_client_certificate_bound_access_tokens:
            if certificate is None:
                raise InvalidRequestError("this client's tokens are bound to its certificate, and there is none")
            proven[X5T] = certificate.thumbprint
        needs_proof = registered.dpop_bound_access_tokens or (fapi2.is_bound(client) and not proven)
        jkt = await self.of_push(request, client)
        if jkt is not None:
            proven[JKT] = jkt
        elif needs_proof:
            raise WrongProof
        return proven

    async def of_push(self, request: Request, client: Client) -> str | None:
        """The key that a client proves if it shows a proof, as it may when it pushes a request (RFC 9449, 10.1).

        Raises `WrongProof`, `NonceWanted`, `NotNow`.
        """
        proof = _shown(request)
        if proof is None:
            return None
        registered = client.metadata
        with_nonce = self._nonce_required or registered.dpop_bound_access_tokens or fapi2.is_bound(client)
        return (await self._checked(request, proof, None, nonce_required=with_nonce)).jkt

    async def of_token(self, request: Request, claims: Mapping[str, object], token: str, scheme: str) -> None:
        """Whether a request to a resource proves every key that its access token is bound to (RFC 9449, section 7).

        `scheme` is that of its Authorization header, in lower case. Raises `WrongProof`, `NonceWanted`, `NotNow` or
        `NotForBearers`.
        """
        try:
            bound = confirmation_of(claims)
        except UnknownConfirmation:
            raise NotForBearers(by_dpop=False) from None
        by_dpop = scheme == dpop.SCHEME.lower()
        if (JKT in bound) != by_dpop:
            raise NotForBearers(by_dpop=not by_dpop)
        proven: dict[str, str] = {}
        certificate = client_certificate(request)
        if certificate is not None:
            proven[X5T] = certificate.thumbprint
        if JKT in bound:
            proof = _shown(request)
            if proof is None:
                raise WrongProof
            proven[JKT] = (await self._checked(request, proof, token, nonce_required=self._nonce_required)).jkt
        if not is_met(bound, proven):
            raise WrongProof if by_dpop else NotForBearers(by_dpop=False)

    def headers(self, request: Request) -> dict[str, str]:
        """What an answer bears to whoever proves a key: the nonce of the next proof (RFC 9449, section 8.2)."""
        shown = "dpop" in request.headers
        return {NONCE_HEADER: self._nonces.issue(self._clock.timestamp())} if shown else {}

    async def _checked(self, request: Request, text: str, token: str | None, *, nonce_required: bool) -> Proof:
        now = self._clock.timestamp()
        try:
            proof = dpop.check_proof(
                text,
                method=request.method,
                addresses=[origin + request.scope["path"] for origin in self._origins],
                now=now,
                access_token=token,
            )
        except InvalidProof as error:
            raise _refused(request, error.fault) from error
        if nonce_required if proof.nonce is None else not self._nonces.accepts(proof.nonce, now):
            raise NonceWanted
        try:
            first = await self._replays.is_first(
                proof.name, made_at=proof.made_at, good_until=proof.good_until, now=now
            )
        except NotRemembered as error:
            raise NotNow(error.wait) from None
        if not first:
            raise _refused(request, Fault.REPLAYED)
        return proof


def _shown(request: Request) -> str | None:
    """The one proof of a request; None: there is none. Raises `WrongProof` where there are several (section 4.3)."""
    found = request.headers.getlist("dpop")
    if len(found) > 1:
        raise WrongProof
    return found[0] if found else None


def _refused(request: Request, fault: Fault) -> WrongProof:
    """The log is told what is wrong, whoever asked only that something is."""
    _log.info("dpop_proof_refused", fault=fault.value, path=request.scope["path"])
    return WrongProof()
