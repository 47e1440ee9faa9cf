"""What single members of a registration may look like: text that pages show, and addresses."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import urlsplit

from config.outbound import is_public
from config.this_machine import is_localhost

LONGEST_TEXT = 200
"""Characters of a name, a contact, a version."""
LONGEST_URI = 2048
_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_TURNS_TEXT = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Directions of writing: a name that holds one is read as another."""
_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


def is_text(text: str) -> bool:
    """Whether it is one line that a person can read."""
    return (
        0 < len(text) <= LONGEST_TEXT
        and text == text.strip()
        and not any(unicodedata.category(one) in _UNSEEN or one in _TURNS_TEXT for one in text)
    )


def is_scope_token(value: str) -> bool:
    """Whether it can be one value of `scope` (RFC 6749, section 3.3)."""
    return len(value) <= LONGEST_TEXT and _SCOPE_TOKEN.fullmatch(value) is not None


def is_language_tag(tag: str) -> bool:
    """Whether it can stand behind the `#` of a member's name (RFC 7591, section 2.2)."""
    return _LANGUAGE_TAG.fullmatch(tag) is not None


def is_host_name(name: str) -> bool:
    """Whether it can be a name of the DNS."""
    return _HOST_NAME.fullmatch(name) is not None


def is_https(uri: str, *, fragment: bool = False) -> bool:
    """Whether it is an absolute `https` address without user; a fragment is only taken where one is expected."""
    if not is_uri(uri):
        return False
    parts = urlsplit(uri)
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and (fragment or "#" not in uri)


def is_uri(uri: str) -> bool:
    """Whether it is an absolute URI (RFC 3986, section 4.3) of a length that can be kept."""
    if len(uri) > LONGEST_URI or not uri.isascii() or any(one <= " " or one in '\\"<>^`{|}\x7f' for one in uri):
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.scheme) and bool(parts.netloc or parts.path)


def names_private_place(uri: str) -> bool:
    """Whether an address says outright that it is this machine's or a private network's.

    Names of the DNS are judged when they are resolved, by whoever connects (`config.outbound`).
    """
    host = (urlsplit(uri).hostname or "").rstrip(".").lower()
    if is_localhost(host) or host.endswith((".local", ".internal")):
        return True
    try:
        return not is_public(ipaddress.ip_address(host))
    except ValueError:
        return host.replace(".", "").isdigit() or "." not in host
