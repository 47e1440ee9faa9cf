"""An upstream's answer that becomes a page with the session's script in it, or stays as it is."""

from __future__ import annotations

from gateway.header import Header
from gateway.injection.content_policy import forbids_scripts, opened
from gateway.injection.insertion import Insertion
from gateway.routes.route_table import OWN_PAGES

SCRIPT = OWN_PAGES + b"/session.js"
MODULES = (SCRIPT, OWN_PAGES + b"/told.js")
"""The script, and what it loads when there is something to see."""
ASK_PLAIN: Header = (b"accept-encoding", b"identity")
"""What the upstream is told, so that there is something to read."""
NOT_ASKED = frozenset((b"if-none-match", b"if-modified-since", b"if-range", b"range"))
"""What the upstream is not told: a 304 would leave the browser with the policy of the page as it was, and a part with
two pages in one."""

_LEGIBLE = ("utf-8", "utf8", "us-ascii", "iso-8859-", "windows-", "euc-", "ks_c_5601", "big5", "gb", "shift_jis")
"""Beginnings of the names of encodings in which the bytes of ASCII mean themselves wherever a tag could begin."""
_OF_THE_BYTES = (b"content-md5", b"digest", b"content-digest", b"repr-digest", b"accept-ranges")
"""Fields that speak of the bytes as they were (RFC 9530; RFC 9110, section 14.3)."""
_POLICIES = (b"content-security-policy", b"content-security-policy-report-only")
_VARY = b"vary: Sec-Fetch-Mode, Sec-Fetch-Dest"
"""Whatever is no navigation is answered without the script."""


class PageScript:
    """What exchanges of one host do with their answers (`gateway.exchange.Rewrite`)."""

    def __init__(self, origin: bytes) -> None:
        self._origin = origin

    def begins(self, status: int, lines: list[bytes], nonce: bytes) -> Insertion | None:
        """A page's head is changed in place; None: it is no page, or cannot be read."""
        fields = [line.partition(b": ") for line in lines]
        policies = b",".join(value for name, _, value in fields if name == _POLICIES[0])
        if status == 206 or not _is_page(fields) or forbids_scripts(policies):
            return None
        lines[:] = [
            b": ".join(self._field(name, value, nonce)) for name, _, value in fields if name not in _OF_THE_BYTES
        ] + [_VARY]
        return Insertion(b'<script type="module" src="%b" nonce="%b"></script>' % (SCRIPT, nonce))

    def _field(self, name: bytes, value: bytes, nonce: bytes) -> tuple[bytes, bytes]:
        if name in _POLICIES:
            room = self._origin + OWN_PAGES + b"/"
            return name, opened(value, scripts=[self._origin + module for module in MODULES], room=room, nonce=nonce)
        if name == b"etag" and not value.startswith(b"W/"):
            return name, b"W/" + value  # the bytes are others than those that the upstream named (RFC 9110, 8.8.1)
        return name, value


def _is_page(fields: list[tuple[bytes, bytes, bytes]]) -> bool:
    kind = b""
    for name, _, value in fields:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return False
        if name == b"content-disposition" and value.strip().lower().startswith(b"attachment"):
            return False
        if name == b"content-type":
            kind = value
    media, *parameters = (part.strip().lower() for part in kind.decode("latin-1").split(";"))
    charset = next((part[8:].strip("\"'") for part in parameters if part.startswith("charset=")), "utf-8")
    return media == "text/html" and charset.startswith(_LEGIBLE)
