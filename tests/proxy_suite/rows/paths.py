"""Paths: one form serves routing, policy and forwarding; what has two is refused."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from tests.proxy_suite.trial import Case, Failed, Mended, Row, Trial, require

_HEAD = b" HTTP/1.1\r\nHost: <host>\r\n<through>X: <case>\r\nConnection: close\r\n\r\n"

TOWARDS = {
    "a dot segment": b"/open/../<c>/x",
    "a dot segment at the beginning": b"/../<c>/x",
    "a single dot": b"/./<c>/x",
    "dots in percent": b"/open/%2e%2e/<c>/x",
    "dots in percent, half": b"/open/.%2e/<c>/x",
    "dots in percent and capitals": b"/open/%2E%2E/<c>/x",
    "dots in double percent": b"/open/%252e%252e/<c>/x",
    "dots in percent, the digits again": b"/open/%%32%65%%32%65/<c>/x",
    "a slash in percent": b"/open/..%2f<c>/x",
    "a slash in percent behind it": b"/<c>%2fx",
    "a slash in double percent": b"/open/..%252f<c>/x",
    "a slash in percent and capitals": b"/<c>%2Fx",
    "a backslash": b"/open/..\\<c>\\x",
    "a backslash behind it": b"/<c>\\x",
    "a backslash at the beginning": b"/\\<c>/x",
    "a backslash in percent": b"/open/..%5c<c>%5cx",
    "two slashes": b"//<c>/x",
    "two slashes within": b"/open/..//<c>/x",
    "an empty segment before it": b"/open//../<c>/x",
    "a host in the path": b"//evil.example/<c>/x",
    "a matrix parameter": b"/<c>;a=b/x",
    "an empty matrix parameter": b"/<c>;/x",
    "a dot segment with a parameter": b"/open/..;/<c>/x",
    "a dot segment with a parameter and a value": b"/open/..;a=b/<c>/x",
    "a semicolon in percent": b"/<c>%3bx",
    "a NUL in percent": b"/<c>%00/x",
    "a NUL in percent behind an extension": b"/<c>/x%00.css",
    "a fragment": b"/open#/../<c>/x",
    "a fragment behind it": b"/<c>/x#y",
    "a fragment in percent": b"/<c>%23/x",
    "a question mark in percent": b"/<c>%3f/x",
    "an overlong slash": b"/open/..%c0%af<c>/x",
    "an overlong slash of three bytes": b"/open/..%e0%80%af<c>/x",
    "overlong dots": b"/open/%c0%ae%c0%ae/<c>/x",
    "an overlong backslash": b"/open/..%c1%9c<c>/x",
    "a full-width slash": b"/open/..%ef%bc%8f<c>/x",
    "full-width dots": b"/open/%ef%bc%8e%ef%bc%8e/<c>/x",
    "a two-dot leader": b"/open/%e2%80%a5/<c>/x",
    "a letter in percent": b"/%<hex1><c1>/x",
    "a letter in double percent": b"/%25<hex1><c1>/x",
    "a letter in %u": b"/%u00<hex1><c1>/x",
    "a tab": b"/<c>\t/x",
    "a tab in percent": b"/<c>%09/x",
    "a line end in percent": b"/<c>%0d%0a/x",
    "a percent that is none": b"/<c>%/x",
    "a percent with one digit": b"/<c>%2/x",
    "a surrogate in percent": b"/<c>%ed%a0%80/x",
    "a raw byte above ASCII": b"/open/..\xef\xbc\x8f<c>/x",
    "a DEL in percent": b"/<c>%7f/x",
    "a pipe": b"/<c>|/x",
    "a dot segment at the end": b"/<c>/x/..",
    "an absolute form": b"http://<host>/open/../<c>/x",
}

_PLAIN = {
    b"/open/a.b", b"/open/..a/b", b"/open/a%20b", b"/open/%ED%95%9C%EA%B8%80", b"/open/a:b@c!$&'()*+,=",
    b"/open/~a/-_", b"/open/a?b=/../c&d=%2e%2e%2f;e",
}  # fmt: skip


def readings(path: bytes) -> set[bytes]:
    """What sloppy readers may take a target for: decoded up to three times, with every folding that somebody does."""
    found = set()
    path = re.sub(rb"^[a-z]+://[^/]*", b"", path.partition(b"?")[0])
    for _ in range(4):
        for cut in (path, path.partition(b"#")[0], path.partition(b"\0")[0]):
            text = unicodedata.normalize("NFKC", cut.decode("utf-8", "replace")).replace("\\", "/").replace("‥", "..")
            for parameters in (r";[^/]*", r"$^"):
                found |= {resolved.encode() for resolved in _resolved(re.sub(parameters, "", text))}
        path = (
            unquote_to_bytes(re.sub(rb"%u00(..)", rb"%\1", path)).replace(b"\xc0\xaf", b"/").replace(b"\xc0\xae", b".")
        )
        path = path.replace(b"\xe0\x80\xaf", b"/").replace(b"\xc1\x9c", b"/")
    return found


def _resolved(path: str) -> set[str]:
    merged = re.sub(r"/+", "/", path)
    segments: list[str] = []
    for segment in merged.split("/")[1:]:
        if segment == "..":
            segments = segments[:-1]
        elif segment != ".":
            segments.append(segment.strip("\t\r\n\0\x7f"))
    return {merged, re.sub(r"^//[^/]*", "", path), "/" + "/".join(segments)}


def _aimed(trial: Trial, shape: bytes) -> bytes:
    name = trial.target.closed.strip("/")
    filled = {b"<c>": name, b"<c1>": name[1:], b"<hex1>": f"{ord(name[0]):02x}"}
    for mark, value in filled.items():
        shape = shape.replace(mark, value.encode())
    return shape


async def _towards(trial: Trial, shape: bytes) -> None:
    """A closed path, in a shape that some reader takes for it, is refused; at most it may arrive as another one."""
    path = _aimed(trial, shape)
    heard = await trial.ask(b"GET " + path + _HEAD)
    closed = trial.target.closed.encode()
    for one in trial.arrived():
        taken = [reading for reading in readings(one.target) if reading == closed or reading.startswith(closed + b"/")]
        if taken:
            raise Failed(f"it arrived as {one.target!r}, which may be read as {taken[0]!r}")
        if one.fault:
            raise Failed(f"passed on as it came: {one.fault}")
    if trial.arrived() or any(status < 400 for status in heard.statuses):
        raise Mended(f"answered {heard.statuses}, the origin saw {[one.target.decode() for one in trial.arrived()]}")


async def _closed(trial: Trial) -> None:
    heard = await trial.ask(b"GET <closed>/x" + _HEAD)
    require(not trial.arrived() and heard.statuses[:1] > [399], f"what is closed is open: {heard.statuses}")
    heard = await trial.ask(b"GET <closed>?x" + _HEAD)
    require(not trial.arrived() and heard.statuses[:1] > [399], f"what is closed is open: {heard.statuses}")


async def _plain(trial: Trial) -> None:
    for number, path in enumerate(sorted(_PLAIN)):
        heard = await trial.one(b"GET " + path.replace(b"/open", b"<path>/%d" % number) + _HEAD)
        require(heard.statuses == [200], f"{path!r} was answered {heard.statuses}")
        arrived = trial.arrived()[number]
        require(arrived.target.endswith(path.removeprefix(b"/open")), f"{path!r} arrived as {arrived.target!r}")


async def _long(trial: Trial) -> None:
    heard = await trial.ask(b"GET <path>/" + b"a" * 200_000 + _HEAD)
    require(not trial.arrived() and (heard.closed or heard.statuses[:1] > [399]), f"answered {heard.statuses}")


def _case(name: str, shape: bytes) -> Case:
    return Case(f"towards a closed path: {name}", lambda trial: _towards(trial, shape), "closed")


ROW = Row(
    "Paths",
    "One canonical form serves routing, policy and forwarding; what is ambiguous is refused.",
    ("Oathkeeper CVE-2026-33494", "Envoy GHSA-xcx5-93pw-jw2w", "Envoy CVE-2021-29492", "Envoy CVE-2021-32779",
     "Envoy CVE-2026-73551", "Envoy CVE-2026-73553", "Envoy CVE-2026-73511", "oauth2-proxy CVE-2025-54576",
     "Starlette CVE-2026-48710"),
    (
        Case("what is closed is closed", _closed, "closed"),
        *(_case(name, shape) for name, shape in TOWARDS.items()),
        Case("plain paths arrive as they are", _plain),
        Case("a path of 200 kB", _long),
    ),
)  # fmt: skip
