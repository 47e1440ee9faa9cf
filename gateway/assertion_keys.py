"""The public keys of the upstream assertion as a JWK Set (RFC 7517, section 5), for upstreams that verify by a library
of their own.

No registered well-known name means this, so it stands among the gateway's own pages: on every host, and on the health
socket for whoever shares the machine.
"""

from __future__ import annotations

import hashlib

import msgspec

from gateway.exchange import Answer, RequestHead
from gateway.header import Header
from gateway.routes.route_table import OWN_PAGES
from jose.keys import KeyRing

PATH = OWN_PAGES + b"/assertion-keys"
MAX_AGE = 300
"""Seconds that a reader may keep it: less than any key stands here before it signs (`keys.publish_ahead`)."""


class AssertionKeys:
    """Written anew when the ring changes. Its answers come from memory."""

    def __init__(self, ring: KeyRing) -> None:
        self.replace(ring)

    def replace(self, ring: KeyRing) -> None:
        """Publish the keys of this ring from now on: next, active and retiring."""
        self.document = msgspec.json.encode(ring.jwks())
        tag = b'"' + hashlib.sha256(self.document).hexdigest()[:32].encode() + b'"'
        headers: tuple[Header, ...] = (
            (b"cache-control", b"public, max-age=%d" % MAX_AGE),
            (b"etag", tag),
            (b"access-control-allow-origin", b"*"),
            (b"x-content-type-options", b"nosniff"),
        )
        self._tag = tag
        self._same = Answer(304, headers)
        self._whole = Answer(200, ((b"content-type", b"application/jwk-set+json"), *headers), self.document)

    def answer(self, head: RequestHead) -> Answer:
        """For whoever asks, or 304 where they have it (RFC 9110, section 13.1.2)."""
        wanted = head.get(b"if-none-match")
        return self._same if wanted is not None and self._tag in wanted else self._whole
