"""A passkey authenticator in software: ES256, flags and counter as the test wants them.

Its attestation is `none`, or `packed` by a certificate where a maker (`tests.idp.makers`) vouches for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import uuid
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.idp.makers import Maker

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftAuthenticator:
    """Holds one passkey."""

    origin: str = "http://localhost:9000"
    credential_id: bytes = b"a credential of sixteen or more bytes"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    flags: int = UP | UV
    count: int = 0
    user_handle: bytes = b""
    maker: Maker | None = None
    """Who vouches for its model; None: nobody, and it says of no model that it is one."""
    aaguid: str = ""
    """The model that it says it is; empty: its maker's, or none."""

    def create(self, options: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.create(options)`."""
        self.user_handle = decode(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public_key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = (
            self._data(options["rp"]["id"], self.flags | AT)
            + uuid.UUID(self.aaguid or (self.maker.aaguid if self.maker else "0" * 32)).bytes
            + struct.pack(">H", len(self.credential_id))
            + self.credential_id
            + cbor2.dumps(public_key)
        )
        client_data = self._client_data("webauthn.create", options)
        statement: dict[str, Any] = {"fmt": "none", "attStmt": {}}
        if self.maker is not None and options.get("attestation") == "direct":
            statement = {"fmt": "packed", "attStmt": self.maker.statement(data, client_data)}
        attestation = cbor2.dumps({**statement, "authData": data})
        return self._answer({"clientDataJSON": client_data, "attestationObject": attestation}, transports=["internal"])

    def get(self, options: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.get(options)`; the counter rises, unless it stands at 0."""
        if self.count:
            self.count += 1
        client_data = self._client_data("webauthn.get", options)
        data = self._data(options["rpId"], self.flags)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": client_data,
                "authenticatorData": data,
                "signature": signature,
                "userHandle": self.user_handle,
            }
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _answer(self, response: dict[str, bytes], **more: Any) -> str:
        return json.dumps(
            {
                "id": encode(self.credential_id),
                "rawId": encode(self.credential_id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {**{name: encode(raw) for name, raw in response.items()}, **more},
            }
        )
