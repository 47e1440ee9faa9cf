"""What libpass computes: the family of crypt(3), and digests of databases and directories that nobody else knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from idp.credentials.legacy_hashes.encodings import base64_bytes, base64_text
from idp.credentials.legacy_hashes.scheme import Scheme, Split, bounded, never

_KEPT = ("salt", "rounds", "ident")
"""What libpass takes from a hash to make another by the same setting."""
_H64 = r"[./A-Za-z0-9]"


def _scheme(
    name: str,
    of: str,
    pattern: str,
    *,
    handler: str = "",
    most_rounds: int = 0,
    named_only: bool = False,
    lower: bool = False,
) -> Scheme:
    """`pattern` has the groups `setting` and `digest`; a setting is read by libpass once a digest of zeros follows."""
    matches = re.compile(pattern, re.ASCII).fullmatch
    called = handler or name.replace("-", "_")

    def split(text: str) -> Split | None:
        found = matches(text)
        if found is None:
            return None
        if most_rounds:
            bounded("rounds", int(found.groupdict().get("rounds") or 1), most_rounds)
        digest = found["digest"].lower() if lower else found["digest"]
        return Split(f"{len(digest)}:{found['setting']}", digest)

    def compute(password: bytes, setting: str) -> str:
        length, _, config = setting.partition(":")
        made = _again(called, config, int(length), password, {})
        return made.lower() if lower else made

    return Scheme(name, of, split, compute, never, named_only=named_only)


def _of_user(name: str, of: str, pattern: str, *, handler: str) -> Scheme:
    """A scheme whose salt is the name of the account: `NAME:HASH`."""
    matches = re.compile(rf"(?P<user>[^:\s]+):(?P<mark>md5)?(?P<digest>{pattern})").fullmatch
    as_kept: Callable[[str], str] = str if handler.startswith("cisco") else str.lower

    def split(text: str) -> Split | None:
        found = matches(text)
        if found is None or (handler == "postgres_md5") is not bool(found["mark"]):
            return None
        return Split(f"{len(found['digest'])}:{base64_text(found['user'].encode())}", as_kept(found["digest"]))

    def compute(password: bytes, setting: str) -> str:
        length, _, user = setting.partition(":")
        config = "md5" if handler == "postgres_md5" else ""
        return as_kept(_again(handler, config, int(length), password, {"user": base64_bytes(user).decode()}))

    return Scheme(name, of, split, compute, never, named_only=True)


def _again(handler: str, config: str, length: int, password: bytes, context: dict[str, str]) -> str:
    """Hash by the setting of a hash; only the digest of what is made."""
    known = _handler(handler)
    blank = config + ("0" if handler not in _DOTTED else ".") * length
    parsed = known.from_string(blank, **context) if hasattr(known, "from_string") else None
    settings = {
        name: getattr(parsed, name)
        for name in _KEPT
        if parsed is not None and name in known.setting_kwds and hasattr(parsed, name)
    }
    made: str = (known.using(**settings) if settings else known).hash(password, **context)
    return made[-length:]


@cache
def _handler(name: str) -> Any:
    from passlib import hash as handlers  # takes a while to load, and few installations need it

    return getattr(handlers, name)


_DOTTED = frozenset({"des_crypt", "bsdi_crypt", "bigcrypt", "crypt16", "sun_md5_crypt", "phpass", "md5_crypt"})

SCHEMES = (
    _scheme(
        "md5-crypt",
        "crypt(3): FreeBSD, old Linux, Cisco IOS",
        rf"(?:\{{CRYPT\}})?(?P<setting>\$1\${_H64}{{0,8}}\$)(?P<digest>{_H64}{{22}})",
    ),
    _scheme("apr-md5-crypt", "Apache's htpasswd", rf"(?P<setting>\$apr1\${_H64}{{0,8}}\$)(?P<digest>{_H64}{{22}})"),
    _scheme(
        "sha1-crypt",
        "crypt(3) of NetBSD",
        rf"(?:\{{CRYPT\}})?(?P<setting>\$sha1\$(?P<rounds>\d{{1,8}})\${_H64}{{0,64}}\$)(?P<digest>{_H64}{{28}})",
        most_rounds=1_000_000,
    ),
    _scheme(
        "sha256-crypt",
        "crypt(3) of Linux",
        rf"(?:\{{CRYPT\}})?(?P<setting>\$5\$(?:rounds=(?P<rounds>\d{{1,9}})\$)?[^$\s:]{{0,16}}\$)(?P<digest>{_H64}{{43}})",
        most_rounds=2_000_000,
    ),
    _scheme(
        "sha512-crypt",
        "crypt(3) of Linux",
        rf"(?:\{{CRYPT\}})?(?P<setting>\$6\$(?:rounds=(?P<rounds>\d{{1,9}})\$)?[^$\s:]{{0,16}}\$)(?P<digest>{_H64}{{86}})",
        most_rounds=2_000_000,
    ),
    _scheme(
        "sun-md5-crypt",
        "crypt(3) of Solaris",
        rf"(?P<setting>\$md5(?:,rounds=(?P<rounds>\d{{1,7}}))?\$[^$\s]{{0,64}}\$\$)(?P<digest>{_H64}{{22}})",
        most_rounds=500_000,
    ),
    _scheme(
        "phpass",
        "WordPress before 6.8, phpBB 3, Joomla 2.5: `$P$`, `$H$`",
        rf"(?P<setting>\$[PH]\$[5-9A-J]{_H64}{{8}})(?P<digest>{_H64}{{22}})",
    ),
    _scheme("bsdi-crypt", "crypt(3) of BSDi", rf"(?:\{{CRYPT\}})?(?P<setting>_{_H64}{{8}})(?P<digest>{_H64}{{11}})"),
    _scheme(
        "ldap-des-crypt",
        "OpenLDAP by the oldest crypt(3)",
        rf"\{{CRYPT\}}(?P<setting>{_H64}{{2}})(?P<digest>{_H64}{{11}})",
        handler="des_crypt",
    ),
    _scheme(
        "django-des-crypt",
        "Django",
        rf"crypt\${_H64}*\$(?P<setting>{_H64}{{2}})(?P<digest>{_H64}{{11}})",
        handler="des_crypt",
    ),
    _scheme("des-crypt", "the oldest crypt(3)", rf"(?P<setting>{_H64}{{2}})(?P<digest>{_H64}{{11}})", named_only=True),
    _scheme(
        "bigcrypt",
        "crypt(3) of HP-UX and Digital Unix",
        rf"(?P<setting>{_H64}{{2}})(?P<digest>(?:{_H64}{{11}})+)",
        named_only=True,
    ),
    _scheme(
        "crypt16", "crypt(3) of Ultrix and Tru64", rf"(?P<setting>{_H64}{{2}})(?P<digest>{_H64}{{22}})", named_only=True
    ),
    _scheme("bsd-nthash", "crypt(3) of FreeBSD for Samba", r"(?P<setting>\$3\$\$)(?P<digest>[0-9a-f]{32})"),
    _scheme(
        "nthash",
        "Windows, Samba, FreeRADIUS: the NT hash",
        r"(?P<setting>)(?P<digest>[0-9A-Fa-f]{32})",
        named_only=True,
        lower=True,
    ),
    _scheme("lmhash", "LAN Manager", r"(?P<setting>)(?P<digest>[0-9A-Fa-f]{32})", named_only=True, lower=True),
    _scheme(
        "md4",
        "a bare MD4 in hexadecimal",
        r"(?P<setting>)(?P<digest>[0-9A-Fa-f]{32})",
        handler="hex_md4",
        named_only=True,
        lower=True,
    ),
    _scheme("mysql323", "MySQL before 4.1", r"(?P<setting>)(?P<digest>[0-9A-Fa-f]{16})", named_only=True, lower=True),
    _of_user("postgres-md5", "PostgreSQL: `NAME:md5HEX`", r"[0-9a-f]{32}", handler="postgres_md5"),
    _of_user("oracle10", "Oracle before 11: `NAME:HEX`", r"[0-9A-Fa-f]{16}", handler="oracle10"),
    _of_user("msdcc", "Windows' cached logons: `NAME:HEX`", r"[0-9A-Fa-f]{32}", handler="msdcc"),
    _of_user("msdcc2", "Windows' cached logons since Vista: `NAME:HEX`", r"[0-9A-Fa-f]{32}", handler="msdcc2"),
    _of_user("cisco-pix", "Cisco PIX: `NAME:HASH`", rf"{_H64}{{16}}", handler="cisco_pix"),
    _of_user("cisco-asa", "Cisco ASA: `NAME:HASH`", rf"{_H64}{{16}}", handler="cisco_asa"),
)
