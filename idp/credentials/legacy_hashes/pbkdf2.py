"""PBKDF2 (RFC 8018), in the many ways that systems write it down.

All of them are kept alike: `digest:rounds:length:salt`, the salt in base64; and the digest in base64.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from idp.credentials.legacy_hashes.encodings import base64_bytes, base64_text, hex_bytes
from idp.credentials.legacy_hashes.scheme import NotAHash, Scheme, Split, bounded

MOST_ROUNDS = 10_000_000
"""Some seconds of one core."""
STRONG = {"sha1": 1_300_000, "sha256": 600_000, "sha512": 210_000}
"""Rounds from which a hash is kept as it came: OWASP's Password Storage Cheat Sheet."""
_KEPT_IF = "600,000 rounds of SHA-256, 210,000 of SHA-512, 1,300,000 of SHA-1"
_DIGESTS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})


def kept(digest: str, rounds: int, salt: bytes, derived: bytes) -> Split:
    """Raises `NotAHash`."""
    name = digest.replace("-", "").lower()
    if name not in _DIGESTS:
        raise NotAHash(f"PBKDF2 with {digest[:20]!r} is not taken")
    bounded("rounds", rounds, MOST_ROUNDS)
    if not 16 <= len(derived) <= 512:
        raise NotAHash("its digest is too short or too long")
    return Split(f"{name}:{rounds}:{len(derived)}:{base64_text(salt)}", base64_text(derived))


def compute(password: bytes, setting: str) -> str:
    digest, rounds, length, salt = setting.split(":")
    return base64_text(hashlib.pbkdf2_hmac(digest, password, base64_bytes(salt), int(rounds), int(length)))


def strong(setting: str) -> bool:
    digest, rounds, _ = setting.split(":", 2)
    return int(rounds) >= STRONG.get(digest, MOST_ROUNDS + 1)


def _scheme(name: str, of: str, pattern: str, read: Callable[[re.Match[str]], tuple[str, int, bytes, bytes]]) -> Scheme:
    matches = re.compile(pattern, re.ASCII).fullmatch

    def split(text: str) -> Split | None:
        found = matches(text)
        return kept(*read(found)) if found else None

    return Scheme(name, of, split, compute, strong, kept_if=_KEPT_IF)


def _aspnet(text: str) -> Split | None:
    """Version 3 of ASP.NET Core Identity: 1, then PRF, rounds and salt's length as numbers, salt, derived."""
    if not re.fullmatch(r"AQAAAA[A-Za-z0-9+/]{20,680}={0,2}", text, re.ASCII):
        return None
    content = base64_bytes(text)
    prf, rounds, size = (int.from_bytes(content[at : at + 4], "big") for at in (1, 5, 9))
    if prf not in (0, 1, 2) or not 0 < size < len(content) - 13:
        raise NotAHash("a hash of ASP.NET Core Identity that is damaged")
    return kept(("sha1", "sha256", "sha512")[prf], rounds, content[13 : 13 + size], content[13 + size :])


def _aspnet_2(text: str) -> Split | None:
    """Version 2: 0, 16 bytes of salt, 32 derived by 1,000 rounds."""
    if not re.fullmatch(r"A[A-P][A-Za-z0-9+/]{64}==", text, re.ASCII):
        return None
    content = base64_bytes(text)
    return kept("sha1", 1000, content[1:17], content[17:])


_DIGEST = r"(?P<digest>md5|sha1|sha224|sha256|sha384|sha512)"
_B64 = r"[A-Za-z0-9./+_-]"

SCHEMES = (
    _scheme(
        "pbkdf2",
        "libpass, passlib",
        rf"\$pbkdf2(?:-(?P<digest>sha256|sha512))?\$(?P<rounds>\d{{1,9}})\$(?P<salt>{_B64}*)\$(?P<derived>{_B64}+)",
        lambda m: (m["digest"] or "sha1", int(m["rounds"]), base64_bytes(m["salt"]), base64_bytes(m["derived"])),
    ),
    _scheme(
        "ldap-pbkdf2",
        "OpenLDAP, 389 Directory Server",
        rf"\{{PBKDF2(?:-(?P<digest>SHA1|SHA256|SHA512))?\}}(?P<rounds>\d{{1,9}})\$(?P<salt>{_B64}*)\$(?P<derived>{_B64}+)",
        lambda m: (m["digest"] or "sha1", int(m["rounds"]), base64_bytes(m["salt"]), base64_bytes(m["derived"])),
    ),
    _scheme(
        "django-pbkdf2",
        "Django",
        rf"pbkdf2_{_DIGEST}\$(?P<rounds>\d{{1,9}})\$(?P<salt>[^$\s]*)\$(?P<derived>{_B64}+=*)",
        lambda m: (m["digest"], int(m["rounds"]), m["salt"].encode(), base64_bytes(m["derived"])),
    ),
    _scheme(
        "werkzeug-pbkdf2",
        "Werkzeug, Flask",
        rf"pbkdf2:{_DIGEST}(?::(?P<rounds>\d{{1,9}}))?\$(?P<salt>[^$\s]+)\$(?P<derived>[0-9a-f]+)",
        # without rounds it means what Werkzeug did at that time: so many versions, so many numbers
        lambda m: (m["digest"], int(m["rounds"] or 0), m["salt"].encode(), hex_bytes(m["derived"])),
    ),
    _scheme(
        "keycloak-pbkdf2",
        "Keycloak, of an export; by itself `keycloak:ALGORITHM:ROUNDS:SALT:VALUE`",
        rf"keycloak:pbkdf2(?:-(?P<digest>sha256|sha512))?:(?P<rounds>\d{{1,9}}):(?P<salt>{_B64}*=*):(?P<derived>{_B64}+=*)",
        lambda m: (m["digest"] or "sha1", int(m["rounds"]), base64_bytes(m["salt"]), base64_bytes(m["derived"])),
    ),
    _scheme(
        "atlassian-pbkdf2",
        "Jira, Confluence, Crowd",
        r"\{PKCS5S2\}(?P<both>[A-Za-z0-9+/]{64})",
        lambda m: ("sha1", 10_000, base64_bytes(m["both"])[:16], base64_bytes(m["both"])[16:]),
    ),
    _scheme(
        "grub-pbkdf2",
        "GRUB",
        r"grub\.pbkdf2\.sha512\.(?P<rounds>\d{1,9})\.(?P<salt>(?:[0-9A-Fa-f]{2})*)\.(?P<derived>[0-9A-Fa-f]{128})",
        lambda m: ("sha512", int(m["rounds"]), hex_bytes(m["salt"]), hex_bytes(m["derived"])),
    ),
    _scheme(
        "cta-pbkdf2",
        "Cryptacular",
        r"\$p5k2\$(?P<rounds>[0-9a-f]{1,8})\$(?P<salt>[A-Za-z0-9_-]*=*)\$(?P<derived>[A-Za-z0-9_-]{27}=)",
        lambda m: ("sha1", int(m["rounds"], 16), base64_bytes(m["salt"]), base64_bytes(m["derived"])),
    ),
    _scheme(
        "dlitz-pbkdf2",
        "Dwayne Litzenberger's PBKDF2",
        r"(?P<salt>\$p5k2\$(?P<rounds>[0-9a-f]{0,8})\$[./A-Za-z0-9]*)\$(?P<derived>[./A-Za-z0-9]{32})",
        lambda m: ("sha1", int(m["rounds"] or "190", 16), m["salt"].encode(), base64_bytes(m["derived"])),
    ),
    _scheme(
        "scram",
        "the stored passwords of SCRAM, as libpass writes them; of several digests the strongest",
        rf"\$scram\$(?P<rounds>\d{{1,9}})\$(?P<salt>{_B64}*)\$(?P<all>[a-z0-9=,./A-Z-]+)",
        lambda m: _of_scram(m),
    ),
    Scheme("aspnet-identity", "ASP.NET Core Identity, version 3", _aspnet, compute, strong, kept_if=_KEPT_IF),
    Scheme("aspnet-identity-2", "ASP.NET Identity, version 2", _aspnet_2, compute, strong, kept_if=_KEPT_IF),
)


def _of_scram(found: re.Match[str]) -> tuple[str, int, bytes, bytes]:
    digests = dict(part.partition("=")[::2] for part in found["all"].split(","))
    for name in ("sha-512", "sha-256", "sha-1"):
        if name in digests:
            return name, int(found["rounds"]), base64_bytes(found["salt"]), base64_bytes(digests[name])
    raise NotAHash("SCRAM without a digest that is taken")
