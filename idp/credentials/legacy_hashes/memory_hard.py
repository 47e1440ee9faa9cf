"""The schemes that were made for passwords: argon2 (RFC 9106), scrypt (RFC 7914), bcrypt, and what stands on them."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from functools import partial

import bcrypt
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from idp.credentials.legacy_hashes.encodings import base64_bytes, base64_text, hex_bytes
from idp.credentials.legacy_hashes.scheme import Compute, NotAHash, Scheme, Split, bounded

MOST_MEMORY = 256 * 1024
"""KiB that one hash may ask for: as many threads as compute hashes ask for it at once."""
BCRYPT_TAKES = 72
"""Bytes of a password; what comes after them never counted, so it is cut off (newer bcrypt libraries refuse it)."""
STRONG_BCRYPT = 10
_MOST_BCRYPT = 16
STRONG_SCRYPT = 16 * 1024
"""KiB."""
_STRONG_ARGON2 = 2 * 19 * 1024 - 4096
"""KiB x passes: the weakest of those that OWASP takes for equal (7 MiB, five times) has 35,840."""
_LEAST_ARGON2 = 7 * 1024
_ARGON2 = {"d": Type.D, "i": Type.I, "id": Type.ID}
_ARGON2_IF = "7 MiB, and memory times passes as OWASP names them (19 MiB, two passes)"


def _argon2(text: str, prefix: str = r"\$argon2") -> Split | None:
    found = re.fullmatch(
        prefix + r"(?P<type>id|i|d)(?:\$v=(?P<version>16|19))?\$m=(?P<m>\d{1,8}),t=(?P<t>\d{1,5}),p=(?P<p>\d{1,3})"
        r"\$(?P<salt>[A-Za-z0-9+/]+)\$(?P<digest>[A-Za-z0-9+/]+)",
        text,
        re.ASCII,
    )
    if found is None:
        return None
    memory, passes, lanes = (int(found[name]) for name in "mtp")
    bounded("memory", memory, MOST_MEMORY)
    bounded("memory x passes", memory * passes, 8 * MOST_MEMORY)
    bounded("lanes", lanes, 64)
    salt, digest = base64_bytes(found["salt"]), base64_bytes(found["digest"])
    if len(salt) < 8 or not 4 <= len(digest) <= 512 or memory < 8 * lanes:
        raise NotAHash("an argon2 hash that is damaged")
    version = found["version"] or "16"
    setting = f"{found['type']}:{version}:{memory}:{passes}:{lanes}:{len(digest)}:{base64_text(salt)}"
    return Split(setting, base64_text(digest))


def argon2(password: bytes, setting: str) -> str:
    kind, version, memory, passes, lanes, length, salt = setting.split(":")
    digest = hash_secret_raw(
        password,
        base64_bytes(salt),
        time_cost=int(passes),
        memory_cost=int(memory),
        parallelism=int(lanes),
        hash_len=int(length),
        type=_ARGON2[kind],
        version=int(version),
    )
    return base64_text(digest)


def _argon2_is_strong(setting: str) -> bool:
    _, _, memory, passes, _ = setting.split(":", 4)
    return int(memory) >= _LEAST_ARGON2 and int(memory) * int(passes) >= _STRONG_ARGON2


def _scrypt_split(n: int, r: int, p: int, salt: bytes, derived: bytes) -> Split:
    if n < 2 or n & (n - 1):
        raise NotAHash("N of scrypt is no power of two")
    bounded("memory", n * r // 8, MOST_MEMORY)
    bounded("memory x p", n * r * p // 8, 8 * MOST_MEMORY)
    if not 16 <= len(derived) <= 512:
        raise NotAHash("its digest is too short or too long")
    return Split(f"{n}:{r}:{p}:{len(derived)}:{base64_text(salt)}", base64_text(derived))


def _scrypt(password: bytes, n: int, r: int, p: int, length: int, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, dklen=length, maxmem=130 * n * r + 256 * r * p + 2**20)


def scrypt(password: bytes, setting: str) -> str:
    n, r, p, length, salt = setting.split(":")
    return base64_text(_scrypt(password, int(n), int(r), int(p), int(length), base64_bytes(salt)))


def _scrypt_is_strong(setting: str) -> bool:
    n, r, _ = setting.split(":", 2)
    return int(n) * int(r) // 8 >= STRONG_SCRYPT


def _libpass_scrypt(text: str) -> Split | None:
    found = re.fullmatch(
        r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)", text, re.ASCII
    )
    if found is None:
        return None
    cost, r, p, salt, derived = found.groups()
    return _scrypt_split(1 << int(cost), int(r), int(p), base64_bytes(salt), base64_bytes(derived))


def _django_scrypt(text: str) -> Split | None:
    found = re.fullmatch(r"scrypt\$(\d{1,8})\$([^$\s]+)\$(\d{1,4})\$(\d{1,4})\$([A-Za-z0-9+/]+=*)", text, re.ASCII)
    if found is None:
        return None
    n, salt, r, p, derived = found.groups()
    return _scrypt_split(int(n), int(r), int(p), salt.encode(), base64_bytes(derived))


def _werkzeug_scrypt(text: str) -> Split | None:
    found = re.fullmatch(r"scrypt:(\d{1,8}):(\d{1,4}):(\d{1,4})\$([^$\s]+)\$([0-9a-f]{32,1024})", text, re.ASCII)
    if found is None:
        return None
    n, r, p, salt, derived = found.groups()
    return _scrypt_split(int(n), int(r), int(p), salt.encode(), hex_bytes(derived))


def _firebase_split(text: str) -> Split | None:
    found = re.fullmatch(
        r"firebase:(\d{1,4}):(\d{1,2}):([\w+/-]*=*):([\w+/-]*=*):([\w+/-]+=*):([\w+/-]+=*)", text, re.ASCII
    )
    if found is None:
        return None
    rounds, cost, separator, salt, signer, digest = found.groups()
    bounded("memory", (1 << int(cost)) * int(rounds) // 8, MOST_MEMORY)
    key = base64_bytes(signer)
    both = base64_text(base64_bytes(salt) + base64_bytes(separator))
    return Split(f"{rounds}:{cost}:{both}:{base64_text(key)}", base64_text(base64_bytes(digest)))


def firebase(password: bytes, setting: str) -> str:
    """Firebase's own: the signer key of the project, encrypted by what scrypt derives from the password."""
    rounds, cost, salt, signer = setting.split(":")
    derived = _scrypt(password, 1 << int(cost), int(rounds), 1, 64, base64_bytes(salt))
    encryptor = Cipher(algorithms.AES(derived[:32]), modes.CTR(bytes(16))).encryptor()
    return base64_text(encryptor.update(base64_bytes(signer)) + encryptor.finalize())


def _firebase_is_strong(setting: str) -> bool:
    rounds, cost, _ = setting.split(":", 2)
    return (1 << int(cost)) * int(rounds) // 8 >= STRONG_SCRYPT


_BCRYPT = r"(?P<setting>\$2[aby]\$(?P<cost>0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{22})(?P<digest>[./A-Za-z0-9]{31})"


def _bcrypt_split(text: str, pattern: re.Pattern[str]) -> Split | None:
    found = pattern.fullmatch(text)
    if found is None:
        return None
    bounded("cost", int(found["cost"]), _MOST_BCRYPT)
    return Split(found["setting"], found["digest"])


def _bcrypt(password: bytes, setting: str) -> str:
    if b"\0" in password:
        raise ValueError("bcrypt takes no NUL")
    return bcrypt.hashpw(password[:BCRYPT_TAKES], setting.encode()).decode()[29:]


def _bcrypt_of_hex(password: bytes, setting: str) -> str:
    return _bcrypt(hashlib.sha256(password).hexdigest().encode(), setting)


def _bcrypt_of_hmac(password: bytes, setting: str) -> str:
    """libpass's bcrypt_sha256: version 1 by SHA-256, version 2 by HMAC with the salt as key; both in base64."""
    salt = setting[-22:].encode()
    first = setting.startswith("1")
    inner = hashlib.sha256(password).digest() if first else hmac.digest(salt, password, "sha256")
    return _bcrypt(b64encode(inner), setting[1:])


def _bcrypt_sha256_split(text: str) -> Split | None:
    found = re.fullmatch(
        r"\$bcrypt-sha256\$(?:v=(?P<v>2),t=(?P<t2>2b),r=(?P<r2>\d{1,2})|(?P<t1>2[aby]),(?P<r1>\d{1,2}))"
        r"\$(?P<salt>[./A-Za-z0-9]{22})\$(?P<digest>[./A-Za-z0-9]{31})",
        text,
        re.ASCII,
    )
    if found is None:
        return None
    cost = bounded("cost", int(found["r2"] or found["r1"]), _MOST_BCRYPT)
    kind = found["t2"] or found["t1"]
    return Split(f"{found['v'] or 1}${kind}${cost:02}${found['salt']}", found["digest"])


def _bcrypt_is_strong(setting: str) -> bool:
    return int(setting[-25:-23]) >= STRONG_BCRYPT


def _bcrypt_scheme(name: str, of: str, prefix: str, compute: Compute = _bcrypt) -> Scheme:
    split = partial(_bcrypt_split, pattern=re.compile(prefix + _BCRYPT, re.ASCII))
    return Scheme(name, of, split, compute, _bcrypt_is_strong, kept_if="cost 10")


_SCRYPT_IF = "16 MiB"
SCHEMES = (
    Scheme(
        "argon2", "argon2id, argon2i, argon2d (PHC strings)", _argon2, argon2, _argon2_is_strong, kept_if=_ARGON2_IF
    ),
    Scheme(
        "django-argon2",
        "Django",
        partial(_argon2, prefix=r"argon2\$argon2"),
        argon2,
        _argon2_is_strong,
        kept_if=_ARGON2_IF,
    ),
    Scheme("scrypt", "libpass, passlib", _libpass_scrypt, scrypt, _scrypt_is_strong, kept_if=_SCRYPT_IF),
    Scheme("django-scrypt", "Django", _django_scrypt, scrypt, _scrypt_is_strong, kept_if=_SCRYPT_IF),
    Scheme("werkzeug-scrypt", "Werkzeug, Flask", _werkzeug_scrypt, scrypt, _scrypt_is_strong, kept_if=_SCRYPT_IF),
    Scheme(
        "firebase-scrypt",
        "Firebase, of an export with its hash parameters; by itself "
        "`firebase:ROUNDS:MEM_COST:SALT_SEPARATOR:SALT:SIGNER_KEY:HASH`",
        _firebase_split,
        firebase,
        _firebase_is_strong,
        kept_if=_SCRYPT_IF,
    ),
    _bcrypt_scheme("bcrypt", "bcrypt of anybody (2a, 2b, 2y)", ""),
    _bcrypt_scheme("ldap-bcrypt", "OpenLDAP by crypt(3)", r"\{CRYPT\}"),
    _bcrypt_scheme("django-bcrypt", "Django", r"bcrypt\$"),
    _bcrypt_scheme("django-bcrypt-sha256", "Django", r"bcrypt_sha256\$", _bcrypt_of_hex),
    Scheme(
        "bcrypt-sha256",
        "libpass, passlib",
        _bcrypt_sha256_split,
        _bcrypt_of_hmac,
        _bcrypt_is_strong,
        kept_if="cost 10",
    ),
)
