"""One person of a file: as it is written, and as they are kept once all of it was checked."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import msgspec

from idp.credentials.legacy_hashes.catalogue import Recogniser
from idp.credentials.legacy_hashes.scheme import NotAHash, Scheme, Split
from idp.credentials.legacy_hashes.stored import kept
from idp.directory.login_name import normalise

ADMINISTRATOR = "administrator"
LONGEST_NAME = 200
LONGEST_PASSWORD = 1024
"""Bytes."""
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ROLE = re.compile(r"[a-z][a-z0-9_.:-]{0,63}", re.ASCII)
_NO_PASSWORD = frozenset(("!", "!!", "*", "x"))
"""What systems write where nobody signs in by password."""

_VERSION_BITS = 0xF << 76 | 0x3 << 62
_VERSION_5 = 0x5 << 76 | 0x2 << 62
"""Version and variant of a UUID made of a digest (RFC 9562, section 5.5)."""

How = Literal["kept", "wrapped", "hashed"]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person as a file has them."""

    login_name: str
    id: str = ""
    """What the old system calls them, for whoever reads the reports."""
    display_name: str = ""
    email: str | None = None
    email_verified: bool = False
    locale: Literal["ko", "en"] | None = None
    roles: Sequence[str] = ()
    state: Literal["active", "locked"] = "active"
    password_hash: str = ""
    password: str = ""
    """Of a system that keeps passwords as they are."""


class Fault(Exception):
    """A person who cannot be imported; the message is for whoever brought the file, and holds no hash."""


@dataclass(frozen=True, slots=True)
class Line:
    """Where something of a file begins, counted from 1."""

    number: int
    read: Entry | Fault


@dataclass(frozen=True, slots=True)
class Secret:
    """What becomes of a password: kept as it came, or still to be worked upon."""

    how: How
    scheme: str
    stored: str = field(default="", repr=False)
    """Of a kept one: what is stored."""
    split: Split | None = field(default=None, repr=False)
    """Of one that is to be wrapped."""
    password: str = field(default="", repr=False)
    """Of one that lay open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A person who may be kept."""

    line: int
    user_id: UUID
    login_name: str
    display_name: str
    email: str | None
    email_verified: bool
    locale: str
    state: str
    roles: Sequence[str]
    secret: Secret | None
    checksum: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the people of one batch are taken."""

    organisation_id: UUID
    checksum_key: bytes = field(repr=False)
    roles: Sequence[str] = ()
    """Given to everybody, beside their own."""
    locale: str = "ko"
    scheme: str | None = None
    """Of every hash, where they do not tell by themselves."""


class Checker:
    """Makes candidates of entries, by rules."""

    def __init__(self, rules: Rules) -> None:
        """Raises `KeyError` for a scheme that is not taken."""
        self._rules = rules
        self._recogniser = Recogniser(rules.scheme)
        self._organisation = rules.organisation_id.bytes

    def check(self, line: int, entry: Entry) -> Candidate:
        """Raises `Fault`."""
        name = normalise(entry.login_name)
        if name is None:
            raise Fault("login_name: it is empty, too long, or has characters that nobody can type")
        display_name = entry.display_name.strip() or entry.login_name.strip()
        if len(display_name) > LONGEST_NAME or not _is_text(display_name):
            raise Fault(f"display_name: at most {LONGEST_NAME} characters, and no control characters")
        email = entry.email.strip() if entry.email else None
        if email and (len(email) > 254 or not _MAIL.fullmatch(email) or not _is_text(email)):
            raise Fault("email: it is no mail address")
        roles = tuple(dict.fromkeys((*self._rules.roles, *entry.roles)))
        for role in roles:
            if role == ADMINISTRATOR:
                raise Fault("roles: administrators are made one by one, by another administrator")
            if not _ROLE.fullmatch(role):
                raise Fault("roles: a role is at most 64 small letters, digits and _.:-")
        locale = entry.locale or self._rules.locale
        secret = self._secret(entry)
        verified = entry.email_verified and bool(email)
        said = (
            name, display_name, email or "", str(verified), locale, entry.state, " ".join(roles),
            entry.password or entry.password_hash,
        )  # fmt: skip
        return Candidate(
            line=line,
            user_id=self.user_id(name),
            login_name=name,
            display_name=display_name,
            email=email or None,
            email_verified=verified,
            locale=locale,
            state=entry.state,
            roles=roles,
            secret=secret,
            checksum=hmac.digest(
                self._rules.checksum_key, "\x1f".join(said).encode("utf-8", "surrogatepass"), "sha256"
            ),
        )

    def user_id(self, login_name: str) -> UUID:
        """Who they are here: the same however, and however often, they come into this organisation."""
        digest = hashlib.sha256(b"munjigi-import\0" + self._organisation + login_name.encode()).digest()
        bits = int.from_bytes(digest[:16], "big") & ~_VERSION_BITS | _VERSION_5
        return UUID(int=bits)  # as `version=5` makes it, in half the time

    def _secret(self, entry: Entry) -> Secret | None:
        if entry.password:
            if entry.password_hash:
                raise Fault("password: there is a password_hash, too")
            if len(entry.password.encode("utf-8", "surrogatepass")) > LONGEST_PASSWORD:
                raise Fault(f"password: at most {LONGEST_PASSWORD} bytes")
            return Secret("hashed", "plaintext", password=entry.password)
        text = entry.password_hash
        if not text or text in _NO_PASSWORD:
            return None
        try:
            scheme, split = self._recogniser.recognise(text)
        except NotAHash as error:
            raise Fault(f"password_hash: {error}") from None
        except ValueError:
            raise Fault("password_hash: it is damaged") from None
        return _secret_of(scheme, split)


def _secret_of(scheme: Scheme, split: Split) -> Secret:
    if scheme.strong(split.setting):
        return Secret("kept", scheme.name, stored=kept(scheme, split))
    return Secret("wrapped", scheme.name, split=split)


def _is_text(text: str) -> bool:
    if text.isascii():
        return text.isprintable()
    return not any(unicodedata.category(character)[0] == "C" for character in text)
