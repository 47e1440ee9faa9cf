"""Whether a request proves the key that its access token is bound to (RFC 9449, section 7; RFC 8705, section 3).

A proof costs a signature to verify and one question to Valkey, which all gateways share, so that it is good once at any
of them. Tokens that are bound to nothing never come here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping

import structlog
from redis.exceptions import RedisError

from config.clock import Clock
from config.replays import NotRemembered, Replays
from gateway.exchange import RequestHead
from gateway.inbound.credentials import Credentials
from gateway.routes.route_table import Route
from gateway.sessions.session_check import READ_TIMEOUT, StoreUnreachable
from idp.protocol import dpop
from idp.protocol.confirmation import JKT, X5T, is_met
from idp.protocol.dpop import Fault, InvalidProof, Proof
from idp.protocol.dpop_nonce import Nonces

_log = structlog.get_logger(__name__)


class Unproven(Exception):
    """The key was not proven. `error` is what the challenge says; `by_dpop`: the token wants a proof, `nonce`: with
    this one."""

    def __init__(self, error: str, *, by_dpop: bool, nonce: str | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.by_dpop = by_dpop
        self.nonce = nonce


class KeyCheck:
    """Of one process; proofs are remembered by all."""

    def __init__(self, *, replays: Replays, nonces: Nonces, clock: Clock, scheme: str) -> None:
        """`scheme`: what clients speak to reach this gateway."""
        self._replays = replays
        self._nonces = nonces
        self._clock = clock
        self._scheme = scheme

    async def require(self, head: RequestHead, route: Route, shown: Credentials, bound: Mapping[str, str]) -> None:
        """Raises `Unproven`, or `StoreUnreachable` where nobody can say whether a proof was used before."""
        if (JKT in bound) != shown.by_dpop:
            raise Unproven("invalid_token", by_dpop=JKT in bound)
        try:
            proven = await self._proven(head, route, shown)
        except InvalidProof as error:
            _log.info("dpop_proof_refused", fault=error.fault.value, correlation_id=head.correlation_id)
            raise Unproven("invalid_dpop_proof", by_dpop=True) from error
        if not is_met(bound, proven):
            raise Unproven("invalid_dpop_proof" if shown.by_dpop else "invalid_token", by_dpop=shown.by_dpop)

    async def _proven(self, head: RequestHead, route: Route, shown: Credentials) -> dict[str, str]:
        proven: dict[str, str] = {}
        if head.certificate is not None:
            proven[X5T] = head.certificate.thumbprint
        if shown.by_dpop:
            proven[JKT] = (await self._proof(head, route, shown)).jkt
        return proven

    async def _proof(self, head: RequestHead, route: Route, shown: Credentials) -> Proof:
        if shown.proof is None or shown.bearer is None:
            raise InvalidProof(Fault.MISSING)
        now = self._clock.timestamp()
        proof = dpop.check_proof(
            shown.proof.decode("latin-1"),
            method=head.method.decode("ascii"),
            addresses=(f"{self._scheme}://{route.authority}{head.path.decode('ascii')}",),
            now=now,
            access_token=shown.bearer.decode("ascii"),
        )
        if route.zone.dpop_nonce_required and not self._nonces.accepts(proof.nonce or "", now):
            raise Unproven("use_dpop_nonce", by_dpop=True, nonce=self._nonces.issue(now))
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                first = await self._replays.is_first(
                    proof.name, made_at=proof.made_at, good_until=proof.good_until, now=now
                )
        except (NotRemembered, RedisError, OSError, TimeoutError) as error:
            raise StoreUnreachable(type(error).__name__) from error
        if not first:
            raise InvalidProof(Fault.REPLAYED)
        return proof


def nonces_of(client_secret: str) -> Nonces:
    """Those of all gateways, which share the secret that they prove themselves by at the identity provider."""
    return Nonces(hashlib.sha256(b"munjigi-gateway-dpop-nonce\0" + client_secret.encode()).digest())
