"""Keys that clients have, written by hand over `cryptography`: proofs, assertions, certificates."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Json = dict[str, Any]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8))


class Key:
    """A private key of a client, and what it signs."""

    def __init__(self, private: Private | None = None, *, algorithm: str | None = None, kid: str | None = None) -> None:
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        self.algorithm = algorithm or ("ES256" if isinstance(self.private, ec.EllipticCurvePrivateKey) else "PS256")
        self.kid = kid

    @property
    def jwk(self) -> Json:
        """The public JWK, without names."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            point = self.private.public_key().public_numbers()
            size = (self.private.curve.key_size + 7) // 8
            curve = {"secp256r1": "P-256", "secp384r1": "P-384"}[self.private.curve.name]
            return {"kty": "EC", "crv": curve, "x": number(point.x, size), "y": number(point.y, size)}
        numbers = self.private.public_key().public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}

    @property
    def registered(self) -> Json:
        """As a client registers it."""
        return {**self.jwk, **({"kid": self.kid} if self.kid else {})}

    @property
    def thumbprint(self) -> str:
        """RFC 7638."""
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        return b64(hashlib.sha256(canonical.encode()).digest())

    def sign(self, header: Json, claims: Json) -> str:
        signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{signed}.{b64(self._signature(signed.encode()))}"

    def _signature(self, signed: bytes) -> bytes:
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        if self.algorithm == "RS256":
            return self.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        return self.private.sign(signed, salted, hashes.SHA256())

    def proof(
        self,
        method: str,
        address: str,
        now: float,
        *,
        token: str | None = None,
        header: Json | None = None,
        **claims: Any,
    ) -> str:
        """A DPoP proof (RFC 9449, section 4.2); a claim, or a member of the header, that is None is left out."""
        said = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": address, "iat": int(now), **claims}
        if token is not None:
            said.setdefault("ath", b64(hashlib.sha256(token.encode()).digest()))
        head = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk, **(header or {})}
        return self.sign(_there(head), _there(said))

    def assertion(
        self, client_id: str, audience: Any, now: float, *, header: Json | None = None, **claims: Any
    ) -> dict[str, str]:
        """The fields of `private_key_jwt` (RFC 7523, section 2.2), likewise."""
        said = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": secrets.token_urlsafe(12),
            "iat": int(now),
            "exp": int(now) + 60,
            **claims,
        }
        head = {"alg": self.algorithm, "kid": self.kid, **(header or {})}
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.sign(_there(head), _there(said)),
        }

    def pem(self) -> bytes:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def rsa_key(bits: int = 2048, *, algorithm: str = "PS256") -> Key:
    return Key(rsa.generate_private_key(65537, bits), algorithm=algorithm)


def certificate(
    key: Key,
    now: datetime,
    *,
    subject: str = "CN=app,O=Example",
    issuer: tuple[x509.Certificate, Key] | None = None,
    authority: bool = False,
    days: int = 1,
    names: tuple[x509.GeneralName, ...] = (),
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> x509.Certificate:
    """A certificate of a key; self-signed without an `issuer`."""
    name = x509.Name.from_rfc4514_string(subject)
    signer = issuer[1] if issuer is not None else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer[0].subject if issuer is not None else name)
        .public_key(key.private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    ski = x509.SubjectKeyIdentifier.from_public_key(key.private.public_key())
    builder = builder.add_extension(ski, critical=False)
    aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.private.public_key())
    builder = builder.add_extension(aki, critical=False)
    if authority:
        builder = builder.add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
        )
    elif usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer.private, hashes.SHA256())


def der(found: x509.Certificate) -> bytes:
    return found.public_bytes(Encoding.DER)


def client_cert(found: x509.Certificate) -> str:
    """The header field of RFC 9440."""
    return f":{base64.b64encode(der(found)).decode()}:"


def san_ip(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(text))


def _there(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}
