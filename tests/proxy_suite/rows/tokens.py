"""Access tokens, and what is remembered of them: every input of the answer is in the key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.proxy_suite.trial import Case, Row, Trial, require

_END = b"Connection: close\r\n\r\n"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(part: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def good(trial: Trial) -> str:
    """The token by which requests get through."""
    [line] = [line for line in trial.target.through if line.lower().startswith("authorization:")]
    return line.rpartition(" ")[2]


def forged(token: str, header: dict[str, object], claims: dict[str, object], *, how: str = "own") -> str:
    """The same token with more in its header and claims, signed anew: by a key of one's own, by HMAC, or not at all."""
    parts = token.split(".")
    own = ec.generate_private_key(ec.SECP256R1())
    numbers = own.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": _encoded(numbers.x.to_bytes(32, "big")),
           "y": _encoded(numbers.y.to_bytes(32, "big"))}  # fmt: skip
    head = {**_decoded(parts[0]), **{name: jwk if value == "OWN" else value for name, value in header.items()}}
    begun = _encoded(json.dumps(head).encode()) + "." + _encoded(json.dumps({**_decoded(parts[1]), **claims}).encode())
    if how == "none":
        return begun + "."
    if how == "hmac":
        return begun + "." + _encoded(hmac.new(b"", begun.encode(), hashlib.sha256).digest())
    if how == "kept":
        return begun + "." + parts[2]
    if how == "zero":
        return begun + "." + _encoded(bytes(64))
    r, s = decode_dss_signature(own.sign(begun.encode(), ec.ECDSA(hashes.SHA256())))
    return begun + "." + _encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


FORGERIES: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    "by a key of one's own": ({}, {}, "own"),
    "by a key of one's own in `jwk`": ({"jwk": "OWN"}, {}, "own"),
    "by a key of one's own in `jwk`, its `kid` gone": ({"jwk": "OWN", "kid": "own"}, {}, "own"),
    "by a key at `jku`": ({"jku": "http://127.0.0.1:9/jwks"}, {}, "own"),
    "by a certificate at `x5u`": ({"x5u": "http://127.0.0.1:9/x5u"}, {}, "own"),
    "by a certificate in `x5c`": ({"x5c": ["MIIB"]}, {}, "own"),
    "not signed (`none`)": ({"alg": "none"}, {}, "none"),
    "not signed (`None`)": ({"alg": "None"}, {}, "none"),
    "not signed, its algorithm kept": ({}, {}, "none"),
    "by HMAC and an empty key": ({"alg": "HS256"}, {}, "hmac"),
    "by HMAC and an empty key, its algorithm kept": ({}, {}, "hmac"),
    "by a signature of zeros (CVE-2022-21449)": ({}, {}, "zero"),
    "its signature kept, its claims changed": ({}, {"sub": "somebody-else"}, "kept"),
    "its signature kept, a `crit` of nobody's": ({"crit": ["x-own"], "x-own": 1}, {}, "kept"),
    "its signature kept, another `typ`": ({"typ": "JWT"}, {}, "kept"),
    "its signature kept, a `kid` that is a path": ({"kid": "../../dev/null"}, {}, "kept"),
    "its signature kept, a `kid` with a quote": ({"kid": "' OR 1=1 --"}, {}, "kept"),
    "its signature kept, unencoded (`b64`)": ({"b64": False, "crit": ["b64"]}, {}, "kept"),
}


async def _asks(trial: Trial, *lines: str, host: str = "", label: str = "x") -> int:
    head = f"GET <path>/{label} HTTP/1.1\r\nHost: {host or '<host>'}\r\n" + "".join(f"{line}\r\n" for line in lines)
    heard = await trial.ask(head.encode("latin-1") + _END)
    require(len(heard.statuses) == 1, f"answered {heard.statuses}")
    return heard.statuses[0]


async def _forgery(trial: Trial, name: str) -> None:
    """Refused before the good one was seen, and after it was."""
    header, claims, how = FORGERIES[name]
    token = forged(good(trial), header, claims, how=how)
    for _ in range(2):
        require(await _asks(trial, f"Authorization: Bearer {token}") == 401 and not trial.arrived(), "it was believed")
        require(await _asks(trial, *trial.target.through) == 200, "the good one is refused")
        trial.origin.log[:] = [one for one in trial.origin.log if one not in trial.arrived()]


async def _refused(trial: Trial) -> None:
    for fault, token in trial.target.refused_tokens.items():
        require(
            await _asks(trial, f"Authorization: Bearer {token}") >= 400 and not trial.arrived(), f"believed: {fault}"
        )


async def _shapes(trial: Trial) -> None:
    """A good token in a shape that some readers mend."""
    token = good(trial)
    head, claims, signature = token.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    loose = signature[:-1] + last[last.index(signature[-1]) ^ 1]
    for shape in (
        token + "=", token + ".", f".{token}", f"{head}.{claims}.", f"{head}.{claims}", f"{head}.{claims}.{loose}",
        f"{token} {token}", f"{token},{token}", token.replace(".", "%2e"), f'"{token}"', token + "\xa0",
    ):  # fmt: skip
        require(
            await _asks(trial, f"Authorization: Bearer {shape}") >= 400 and not trial.arrived(),
            f"believed: {shape[-20:]}",
        )


async def _elsewhere(trial: Trial) -> None:
    """A token for one host, remembered there as good, is none at the other, before and after."""
    target = trial.target
    for _ in range(2):
        require(
            await _asks(trial, *target.other_through, host=target.other_host, label="ok") == 200, "refused at its own"
        )
        require(await _asks(trial, *target.other_through) == 401, "believed at the wrong host")
    require(all(b"/ok" in one.target for one in trial.arrived()), "the origin was reached")


async def _elsewhere_on_one_connection(trial: Trial) -> None:
    target = trial.target
    lines = "".join(f"{line}\r\n" for line in target.other_through)
    wire = await trial.connect()
    for host in (target.other_host, target.authority, target.other_host):
        wire.send(trial.fill(f"GET <path>/{host.partition(':')[0]} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode()))
    heard = await trial.hear(wire, most=3)
    require(heard.statuses == [200, 401, 200], f"answered {heard.statuses}")
    require(len(trial.arrived()) == 2, "the origin was reached")


async def _schemes(trial: Trial) -> None:
    """A token that is remembered by one scheme is not believed by another, which claims that a key was proven."""
    token = good(trial)
    require(await _asks(trial, f"Authorization: Bearer {token}", label="ok") == 200, "the good one is refused")
    for line in (f"DPoP {token}", f"Basic {token}", f"Bearer  {token} x", token, f"Bearer{token}", f"Token {token}"):
        require(await _asks(trial, f"Authorization: {line}") >= 400, f"believed by {line[:6]!r}")
    require(all(b"/ok" in one.target for one in trial.arrived()), "the origin was reached")


async def _in_the_address(trial: Trial) -> None:
    """A token in the address, a form or a cookie is none (RFC 9700, section 4.3.2)."""
    token = good(trial)
    for lines, label in (((), f"x?access_token={token}"), ((f"Cookie: access_token={token}",), "y")):
        require(await _asks(trial, *lines, label=label) >= 300 and not trial.arrived(), "it was believed")


ROW = Row(
    "JWT",
    "Algorithm, issuer, audience and typ are pinned; `jwk`, `jku`, `x5u` are ignored; an unknown `crit` is refused.",
    ("Authlib CVE-2026-27962", "Authlib CVE-2025-59420", "Java CVE-2022-21449"),
    (
        *(Case(f"forged {name}", lambda trial, name=name: _forgery(trial, name), "tokens") for name in FORGERIES),  # type: ignore[misc] # bound at once
        Case("well signed, and not for us", _refused, "tokens"),
        Case("a good one in shapes that some readers mend", _shapes, "tokens"),
        Case("a good one where none belongs", _in_the_address, "tokens"),
    ),
)

CACHES = Row(
    "Cache keys",
    "Every input that the answer depends on is in the key: issuer, audience, scope, token binding.",
    ("Oathkeeper CVE-2021-32701", "Oathkeeper CVE-2026-33496"),
    (
        Case("a token of another host, remembered there", _elsewhere, "tokens"),
        Case("the same on one connection", _elsewhere_on_one_connection, "tokens"),
        Case("a token by another scheme", _schemes, "tokens"),
    ),
)
