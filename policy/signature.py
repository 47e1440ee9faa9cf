"""The signature of a published version (JWS, purpose `policy`): what it says, and whether it can be believed.

It is over the version's number, the SHA-256 of the document's canonical form, and the SHA-256 of what the document was
compiled to, one for each format (`policy.snapshot.FORMAT`): so gateways of older and newer code find theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jose import jws
from jose.keys import PublicKeys, SigningKey

TYPE = "munjigi-policy+jwt"
ISSUER = "urn:munjigi:policy"
AUDIENCE = "urn:munjigi:gateway"
LIFETIME = 10 * 365 * 86_400.0
"""Seconds that a signature is valid: a policy does not expire by itself, its key is retired."""


class UntrustedArtefact(Exception):
    """A stored version that must not be used: unsigned, altered, older than what is in use, or unusable."""


class Signed(msgspec.Struct, frozen=True):
    """What a signature says."""

    version: int
    sha256: str
    """Of the document, hexadecimal."""
    compiled: dict[str, str] = {}
    """By format, in decimal: of the compiled policy, hexadecimal."""


def sign(
    key: SigningKey,
    number: int,
    sha256: str,
    at: float,
    *,
    compiled: Mapping[str, str] | None = None,
    typ: str = TYPE,
    lifetime: float = LIFETIME,
) -> str:
    """The signature of one version. `at`: epoch seconds; `typ`: what it is signed as."""
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": at,
        "exp": at + lifetime,
        "version": number,
        "sha256": sha256,
    }
    if compiled:
        claims["compiled"] = dict(compiled)
    return jws.sign(key, claims, typ=typ)


def believed(signature: str | None, number: int, keys: PublicKeys, *, now: float, typ: str = TYPE) -> Signed:
    """What the signature of one version, signed as a `typ`, says. Raises `UntrustedArtefact` unless it is sound and
    speaks of it."""
    if signature is None:
        raise UntrustedArtefact(f"version {number} is not signed")
    try:
        claims = jws.verify(
            signature, keys, expected_typ=typ, expected_issuer=ISSUER, expected_audience=AUDIENCE, now=now
        )
        signed = msgspec.convert(claims, Signed)
    except jws.InvalidToken as error:
        raise UntrustedArtefact(f"version {number}: its signature is refused: {error.refusal}") from error
    except msgspec.ValidationError as error:
        raise UntrustedArtefact(f"version {number}: its signature says something else: {error}") from error
    if signed.version != number:
        raise UntrustedArtefact(f"version {number}: its signature speaks of another")
    return signed
