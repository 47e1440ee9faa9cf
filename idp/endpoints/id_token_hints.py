"""ID tokens of ours that a client hands back as a hint (OIDC Core 1.0, section 3.1.2.1; RP-Initiated Logout 1.0)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from idp.clients.client import Client
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.protocol import id_token
from jose.jws import InvalidToken, verify
from jose.keys import ALGORITHMS, KeyRing


@dataclass(frozen=True, slots=True)
class Hint:
    """A good ID token of ours: whose session, which one, for which client."""

    sub: str
    sid: str
    client_id: str


class IdTokenHints:
    """Reads them, for one issuer."""

    def __init__(self, issuer: str, ring: Callable[[], KeyRing], identifiers: SubjectIdentifiers) -> None:
        self._issuer = issuer
        self._ring = ring
        self._identifiers = identifiers

    def named_by(self, client: Client) -> Callable[[str], str | None]:
        """Whom an ID token of ours names, for a client that may know people by identifiers of its own."""

        def named(token: str) -> str | None:
            hint = self.read(token)
            return self._identifiers.user(client, hint.sub) if hint is not None else None

        return named

    def called_by(self, client: Client) -> Callable[[str], str | None]:
        """Whom this client calls by a `sub`; None: nobody."""
        return lambda sub: self._identifiers.user(client, sub)

    def read(self, token: str) -> Hint | None:
        """What an ID token of ours says, also when it has expired; None for any other."""
        claims = unverified_claims(token)
        issued_at, audience = claims.get("iat"), claims.get("aud")
        if not isinstance(issued_at, int) or not isinstance(audience, str):
            return None
        try:
            sound = verify(
                token,
                self._ring(),
                expected_typ=id_token.TYP,
                expected_issuer=self._issuer,
                expected_audience=audience,
                now=issued_at,
                algorithms=ALGORITHMS,
            )
        except InvalidToken:
            return None
        return Hint(str(sound.get("sub", "")), self._identifiers.session(str(sound.get("sid", ""))), audience)


def unverified_claims(token: str) -> Mapping[str, object]:
    """The claims as they stand there: only to learn by which audience and at which moment to verify them."""
    parts = token.split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(payload, type=dict[str, object])
    except (IndexError, ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
        return {}
