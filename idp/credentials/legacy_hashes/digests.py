"""Fast digests, with salt or without: none of them is fit for a password, so all of them are wrapped.

The settings are `how:salt`, the salt in base64; the digests as they were written, in lower case where they are
hexadecimal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from idp.credentials.legacy_hashes.encodings import CRYPT64, base64_bytes, base64_text, crypt64, hex_bytes
from idp.credentials.legacy_hashes.scheme import Compute, NotAHash, Scheme, Split, bounded, never

_SIZES = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}


def salted(password: bytes, setting: str) -> str:
    """`DIGEST:ORDER:SALT`, the order one of `sp` (salt first), `ps`, and `hmac` (the salt is the key)."""
    digest, order, encoded = setting.split(":")
    salt = base64_bytes(encoded)
    if order == "hmac":
        return hmac.new(salt, password, digest).hexdigest()
    content = salt + password if order == "sp" else password + salt
    return hashlib.new(digest, content, usedforsecurity=False).hexdigest()


def _ldap(text: str) -> Split | None:
    """RFC 2307's {SHA}, {SSHA} and their kin: the digest, and behind it the salt."""
    found = re.fullmatch(r"\{(S?)(MD5|SHA|SHA256|SHA384|SHA512)\}([A-Za-z0-9+/]+=*)", text, re.ASCII)
    if found is None:
        return None
    with_salt, name, encoded = found.groups()
    digest = "sha1" if name == "SHA" else name.lower()
    content, size = base64_bytes(encoded), _SIZES[digest]
    if len(content) < size or bool(with_salt) is not (len(content) > size):
        raise NotAHash("its length is not that of its digest")
    return Split(f"{digest}:ps:{base64_text(content[size:])}", content[:size].hex())


def _by_hex(pattern: str, digest: str | None, order: str) -> Callable[[str], Split | None]:
    """Of `salt` and `hex`, and of `name` where `digest` is not given; `order` as in `salted`."""
    matches = re.compile(pattern, re.ASCII).fullmatch

    def split(text: str) -> Split | None:
        found = matches(text)
        if found is None:
            return None
        groups = found.groupdict()
        name, given = digest or groups["name"].lower(), groups["hex"].lower()
        if len(given) != 2 * _SIZES[name]:
            raise NotAHash(f"its digest is not as long as {name}'s")
        return Split(f"{name}:{groups.get('order') or order}:{base64_text(groups.get('salt', '').encode())}", given)

    return split


def _fast(name: str, of: str, split: Callable[[str], Split | None], *, named_only: bool = False) -> Scheme:
    return Scheme(name, of, split, salted, never, named_only=named_only)


def _phpass_split(text: str) -> Split | None:
    """Drupal 7's: phpass by SHA-512, cut off; with U in front of an MD5 that was there before."""
    found = re.fullmatch(r"(U?)\$S\$([./A-Za-z0-9])([./A-Za-z0-9]{8})([./A-Za-z0-9]{43})", text, re.ASCII)
    if found is None:
        return None
    updated, cost, salt, digest = found.groups()
    bounded("log2 of rounds", CRYPT64.index(cost), 22)
    return Split(f"{updated}:{cost}:{salt}", digest)


def drupal7(password: bytes, setting: str) -> str:
    updated, cost, salt = setting.split(":")
    if updated:
        password = hashlib.md5(password, usedforsecurity=False).hexdigest().encode()
    digest = hashlib.sha512(salt.encode() + password).digest()
    for _ in range(1 << CRYPT64.index(cost)):
        digest = hashlib.sha512(digest + password).digest()
    return crypt64(digest)[:43]


def _fshp_split(text: str) -> Split | None:
    found = re.fullmatch(r"\{FSHP([0-3])\|(\d{1,4})\|(\d{1,7})\}([A-Za-z0-9+/]+=*)", text, re.ASCII)
    if found is None:
        return None
    variant, size, rounds = (int(found[number]) for number in (1, 2, 3))
    bounded("rounds", rounds, 4_000_000)
    content, digest = base64_bytes(found[4]), ("sha1", "sha256", "sha384", "sha512")[variant]
    if len(content) != size + _SIZES[digest]:
        raise NotAHash("its length is not that of its digest")
    return Split(f"{digest}:{rounds}:{base64_text(content[:size])}", content[size:].hex())


def fshp(password: bytes, setting: str) -> str:
    digest, rounds, salt = setting.split(":")
    content = hashlib.new(digest, base64_bytes(salt) + password, usedforsecurity=False).digest()
    for _ in range(int(rounds) - 1):
        content = hashlib.new(digest, content, usedforsecurity=False).digest()
    return content.hex()


def _hex_of(compute: Callable[[bytes], bytes]) -> Compute:
    return lambda password, _setting: compute(password).hex()


def _exact(pattern: str) -> Callable[[str], Split | None]:
    matches = re.compile(pattern, re.ASCII).fullmatch

    def split(text: str) -> Split | None:
        found = matches(text)
        return Split("", found[1].lower()) if found else None

    return split


def _mysql41(password: bytes) -> bytes:
    inner = hashlib.sha1(password, usedforsecurity=False).digest()
    return hashlib.sha1(inner, usedforsecurity=False).digest()


def _mssql_split(text: str) -> Split | None:
    """0x, the version (1: SHA-1, of 2000 also a second digest in upper case; 2: SHA-512), four bytes of salt."""
    found = re.fullmatch(
        r"0x(?:0100([0-9A-F]{8})([0-9A-F]{40})(?:[0-9A-F]{40})?|0200([0-9A-F]{8})([0-9A-F]{128}))",
        text.upper().replace("0X", "0x", 1),
        re.ASCII,
    )
    if found is None:
        return None
    digest = "sha1" if found[1] else "sha512"
    salt = base64_text(hex_bytes(found[1] or found[3]))
    return Split(f"{digest}:{salt}", (found[2] or found[4]).lower())


def mssql(password: bytes, setting: str) -> str:
    digest, salt = setting.split(":")
    content = password.decode("utf-8").encode("utf-16-le") + base64_bytes(salt)
    return hashlib.new(digest, content, usedforsecurity=False).hexdigest()


def _oracle11_split(text: str) -> Split | None:
    found = re.fullmatch(r"S:([0-9A-Fa-f]{40})([0-9A-Fa-f]{20})", text, re.ASCII)
    return Split(f"sha1:ps:{base64_text(hex_bytes(found[2]))}", found[1].lower()) if found else None


def _htdigest_split(text: str) -> Split | None:
    found = re.fullmatch(r"([^:\s]+):([^:]+):([0-9a-f]{32})", text)
    return Split(f"md5:sp:{base64_text(f'{found[1]}:{found[2]}:'.encode())}", found[3]) if found else None


_HEX = r"(?P<hex>[0-9A-Fa-f]+)"
SCHEMES = (
    _fast(
        "ldap", "OpenLDAP and other directories: {MD5}, {SMD5}, {SHA}, {SSHA}, {SSHA256}, {SSHA384}, {SSHA512}", _ldap
    ),
    _fast(
        "django-salted",
        "Django: `md5$SALT$HEX`, `sha1$SALT$HEX`",
        _by_hex(rf"(?P<name>md5|sha1)\$(?P<salt>[^$\s]*)\${_HEX}", None, "sp"),
    ),
    _fast(
        "werkzeug-salted",
        "Werkzeug before 3.0: `sha256$SALT$HEX`, where the salt is the key",
        _by_hex(rf"(?P<name>md5|sha1|sha224|sha256|sha384|sha512)\$(?P<salt>[^$\s]+)\${_HEX}", None, "hmac"),
        named_only=True,
    ),
    _fast(
        "joomla",
        "Joomla before 3.2, and others: `HEX:SALT` by MD5",
        _by_hex(rf"{_HEX}:(?P<salt>[^\s:]+)", "md5", "ps"),
        named_only=True,
    ),
    _fast(
        "salted",
        "anybody's: `salted:DIGEST:ORDER:SALT:HEX`, in the order `sp` (salt, password), `ps` (password, salt) or "
        "`hmac` (the salt is the key)",
        _by_hex(
            rf"salted:(?P<name>md5|sha1|sha224|sha256|sha384|sha512):(?P<order>sp|ps|hmac):(?P<salt>[^\s:]*):{_HEX}",
            None,
            "sp",
        ),
    ),
    *(
        _fast(digest, f"a bare {digest.upper()} in hexadecimal", _by_hex(_HEX, digest, "sp"), named_only=True)
        for digest in ("md5", "sha1", "sha256", "sha512")
    ),
    Scheme("drupal7", "Drupal 7", _phpass_split, drupal7, never),
    Scheme("fshp", "FSHP", _fshp_split, fshp, never),
    Scheme("mysql41", "MySQL 4.1 to 5.7: `*HEX`", _exact(r"\*([0-9A-Fa-f]{40})"), _hex_of(_mysql41), never),
    Scheme("mssql", "Microsoft SQL Server 2000 to 2022", _mssql_split, mssql, never),
    _fast("oracle11", "Oracle 11: `S:HEX`", _oracle11_split),
    _fast("htdigest", "Apache's htdigest: `USER:REALM:HEX`", _htdigest_split, named_only=True),
)
