"""Proofs of a key (DPoP, RFC 9449): what a proof says, and whether it is sound for one request.

Pure: whether a proof was used before, and whether its nonce is one of ours, is asked by the caller.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from idp.protocol.htu import normal_htu
from jose.foreign import AHEAD, ForeignKey, ForeignToken
from jose.jws import InvalidToken

TYP: Final = "dpop+jwt"
SCHEME: Final = "DPoP"
"""In `Authorization`, in challenges, and as `token_type`."""
ALGORITHMS: Final = ("ES256", "PS256")
"""Those of the FAPI 2.0 Security Profile, section 5.4.1, for everybody: an access token does not say whether its client
is held to it, and whoever makes a key for proofs may make one of these."""
MAX_AGE: Final = 60.0
"""Seconds for which a proof is good after it was made (section 11.1)."""
LONGEST_JTI: Final = 256
LONGEST_NONCE: Final = 256


class Fault(StrEnum):
    """What is wrong with a proof; for the log, since section 7.1 has one error for all of them."""

    MALFORMED = "malformed"
    TYPE = "type"
    KEY = "key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    METHOD = "method"
    ADDRESS = "address"
    TIME = "time"
    TOKEN = "token"  # noqa: S105 - the name of a fault
    REPLAYED = "replayed"
    MISSING = "missing"


class InvalidProof(Exception):
    """A proof that proves nothing about this request."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Proof:
    """A sound proof."""

    jkt: str
    """The SHA-256 thumbprint of the key (RFC 7638), as `cnf` has it (section 6.1)."""
    jti: str
    made_at: float
    nonce: str | None

    @property
    def name(self) -> str:
        """What may be used once: the key's `jti`."""
        return f"{self.jkt}\0{self.jti}"

    @property
    def good_until(self) -> float:
        """Epoch seconds after which it is refused for its age; until then its use is remembered."""
        return self.made_at + MAX_AGE


def check_proof(
    text: str,
    *,
    method: str,
    addresses: Collection[str],
    now: float,
    access_token: str | None = None,
) -> Proof:
    """The proof in a `DPoP` header, checked as section 4.3 says. `now` is epoch seconds.

    `addresses` are the URIs under which the request may have been sent. With an `access_token` the proof must be about
    it (`ath`). Raises `InvalidProof`.
    """
    try:
        token = ForeignToken(text, algorithms=ALGORITHMS)
    except InvalidToken as error:
        raise InvalidProof(Fault.MALFORMED) from error
    if token.typ != TYP:
        raise InvalidProof(Fault.TYPE)
    key = _embedded_key(token)
    if not key.verifies(token):
        raise InvalidProof(Fault.SIGNATURE)
    jti, made_at = token.text("jti"), token.moment("iat")
    htm, htu = token.text("htm"), token.text("htu")
    nonce = token.text("nonce")
    if not jti or len(jti) > LONGEST_JTI or made_at is None or htm is None or htu is None:
        raise InvalidProof(Fault.CLAIMS)
    if ("nonce" in token.claims and nonce is None) or len(nonce or "") > LONGEST_NONCE:
        raise InvalidProof(Fault.CLAIMS)
    if htm != method:
        raise InvalidProof(Fault.METHOD)
    named = normal_htu(htu)
    if named is None or named not in {normal_htu(address) for address in addresses}:
        raise InvalidProof(Fault.ADDRESS)
    if not now - MAX_AGE < made_at <= now + AHEAD:
        raise InvalidProof(Fault.TIME)
    if access_token is not None and not hmac.compare_digest(token.text("ath") or "", token_hash(access_token)):
        raise InvalidProof(Fault.TOKEN)
    return Proof(key.thumbprint, jti, made_at, nonce)


def token_hash(access_token: str) -> str:
    """`ath`: the base64url of the SHA-256 of an access token (section 4.2)."""
    digest = hashlib.sha256(access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def challenge(error: str | None = None) -> str:
    """The challenge of a resource that takes proofs (section 7.1)."""
    named = f'error="{error}", ' if error is not None else ""
    return f'{SCHEME} realm="munjigi", {named}algs="{" ".join(ALGORITHMS)}"'


def _embedded_key(token: ForeignToken) -> ForeignKey:
    jwk = token.header.get("jwk")
    if not isinstance(jwk, Mapping):
        raise InvalidProof(Fault.KEY)
    try:
        return ForeignKey(jwk)
    except ValueError as error:
        raise InvalidProof(Fault.KEY) from error
