"""Who sends, to push services (RFC 8292)."""

from __future__ import annotations

import json
import re

from joserfc import jwt
from joserfc.jwk import ECKey

from notifications.web_push.vapid import Vapid
from tests.notifications.web_push.browser import b64, unb64

NOW = 1_790_000_000.5


def test_the_header_names_the_push_service_and_is_signed_by_the_key_it_carries() -> None:
    vapid = Vapid(b"a secret of the house", "mailto:help@munjigi.example")
    header = vapid.authorization("https://push.example:8443/send/abc?x=1", NOW)
    found = re.fullmatch(r"vapid t=([\w.-]+), k=([\w-]+)", header)
    assert found
    key = unb64(found[2])
    assert found[2] == vapid.public_key
    assert len(key) == 65
    assert key[0] == 4
    public = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": b64(key[1:33]), "y": b64(key[33:])})
    token = jwt.decode(found[1], public, algorithms=["ES256"])
    assert token.header["typ"] == "JWT"
    assert token.claims == {
        "aud": "https://push.example:8443",
        "exp": int(NOW) + 12 * 3600,
        "sub": "mailto:help@munjigi.example",
    }
    assert token.claims["exp"] - NOW <= 24 * 3600, "RFC 8292, section 2"


def test_one_secret_makes_one_key_on_every_node_and_shows_none() -> None:
    one, same, other = Vapid(b"x", "mailto:a"), Vapid(b"x", "mailto:a"), Vapid(b"y", "mailto:a")
    assert one.public_key == same.public_key != other.public_key
    assert json.dumps(repr(one)).count(one.public_key) == 1
