"""Heads: lines, names and values that two readers part at two places (RFC 9112, sections 2 and 5)."""

from __future__ import annotations

import asyncio

from tests.proxy_suite.trial import GET, POST, Case, Failed, Mended, Row, Trial, refusals, require

_HIDDEN = b"\r\n\r\n<smuggled>"

LINES = {
    "the request line ends in LF": b"GET <path>/first HTTP/1.1\nHost: <host>\r\n<through>\r\n<smuggled>",
    "the request line ends in CR": b"GET <path>/first HTTP/1.1\rHost: <host>\r\n<through>\r\n<smuggled>",
    "every line ends in LF": b"GET <path>/first HTTP/1.1\nHost: <host>\n\n<smuggled>",
    "a field ends in LF": GET + b"X: y\nZ: z" + _HIDDEN,
    "a field ends in CR": GET + b"X: y\rZ: z" + _HIDDEN,
    "a field ends in CR CR LF": GET + b"X: y\r\r\nZ: z" + _HIDDEN,
    "the head ends in LF LF": GET + b"X: y\n\n<smuggled>",
    "the head ends in CRLF LF": GET + b"X: y\r\n\n<smuggled>",
    "the head ends in LF CRLF": GET + b"X: y\n\r\n<smuggled>",
    "the head ends in CR CR": GET + b"X: y\r\r<smuggled>",
    "the head ends in CRLF CR": GET + b"X: y\r\n\r<smuggled>",
    "folded by a space": GET + b"X: y\r\n z" + _HIDDEN,
    "folded by a tab": GET + b"X: y\r\n\tz" + _HIDDEN,
    "folded before the value": GET + b"X:\r\n z" + _HIDDEN,
    "folded twice": GET + b"X: y\r\n z\r\n q" + _HIDDEN,
    "a fold that hides a field of framing": POST + b"X: y\r\n Content-Length: 0" + _HIDDEN,
    "white space before the first field": (
        b"GET <path>/first HTTP/1.1\r\n X: y\r\nHost: <host>\r\n<through>\r\n<smuggled>"),
    "a fold of the request line": b"GET <path>/first HTTP/1.1\r\n Host: <host>\r\n<through>\r\n<smuggled>",
    "a line of white space alone": GET + b" \r\nX: y" + _HIDDEN,
    "two empty lines before the request": b"\r\n\r\n" + GET + b"\r\n<smuggled>",
    "a bare LF before the request": b"\n" + GET + b"\r\n<smuggled>",
    "a bare CR before the request": b"\r" + GET + b"\r\n<smuggled>",
    "a byte order mark before the request": b"\xef\xbb\xbf" + GET + b"\r\n<smuggled>",
    "a NUL before the request": b"\0" + GET + b"\r\n<smuggled>",
}  # fmt: skip

NAMES = {
    "a space before the colon": b"X : y",
    "a tab before the colon": b"X\t: y",
    "a space in the name": b"X Y: z",
    "no colon": b"X",
    "an empty name": b": y",
    "a byte above ASCII in the name": b"X\xe9: y",
    "a NUL in the name": b"X\0Y: z",
    "a NUL before the colon": b"X\0: y",
    "a bare CR in the name": b"X\rY: z",
    "a DEL in the name": b"X\x7f: y",
    "a slash in the name": b"X/Y: z",
    "brackets in the name": b"X[]: y",
    "a quoted name": b'"X": y',
    "an at sign in the name": b"X@Y: z",
    "a name of HTTP/2 (`:path`)": b":path: /smuggled",
    "a name of HTTP/2 (`:authority`)": b":authority: evil.example",
}

VALUES = {
    "a NUL": b"X: a\0b",
    "a bare CR": b"X: a\rb",
    "a bare LF": b"X: a\nb",
    "a bell": b"X: a\x07b",
    "a vertical tab": b"X: a\x0bb",
    "a form feed": b"X: a\x0cb",
    "an escape": b"X: a\x1bb",
    "a DEL": b"X: a\x7fb",
}


async def _every_control(trial: Trial) -> None:
    async def one(byte: int) -> None:
        heard = await trial.ask(GET + b"X: a%cb\r\nConnection: close\r\n\r\n" % byte)
        if any(status < 400 for status in heard.statuses):
            passed.append(byte)

    passed: list[int] = []
    odd = [byte for byte in (*range(0x20), 0x7F) if byte != 0x09]
    for start in range(0, len(odd), 8):
        await asyncio.gather(*(one(byte) for byte in odd[start : start + 8]))
    await trial.unharmed()
    arrived = trial.arrived()
    for one_of_them in arrived:
        if one_of_them.fault:
            raise Failed(f"passed on as it came: {one_of_them.fault}")
    if passed:
        raise Mended(f"passed on in a plain form with the bytes {bytes(passed).hex(' ')}")


async def _sound_values(trial: Trial) -> None:
    """What RFC 9110 allows in a value, section 5.5, arrives as it was sent."""
    values = [b'a\tb "c", (d); e=f', "한글".encode(), b"\x80\xff", b"!#$%&'*+-.^_`|~:/?@[]{}\\<>"]
    lines = b"".join(b"X-Value-%d: %b\r\n" % numbered for numbered in enumerate(values))
    await trial.served(GET + lines + b"\r\n")
    told = trial.arrived()[0]
    for number, value in enumerate(values):
        require(told.values(f"x-value-{number}") == [value], f"{value!r} became {told.values(f'x-value-{number}')}")


async def _byte_by_byte(trial: Trial) -> None:
    wire = await trial.connect()
    for byte in trial.fill(GET + b"X: y\r\n\r\n"):
        wire.send(bytes([byte]))
        await wire.writer.drain()
    heard = await trial.hear(wire, most=1)
    trial.unambiguous(trial.arrived(), 1)
    require(heard.statuses == [200], f"answered {heard.statuses}")


async def _empty_line(trial: Trial) -> None:
    await trial.served(b"\r\n" + GET + b"\r\n")


ROW = Row(
    "Framing: heads",
    "obs-fold, bare LF and CR, NUL, controls, and names that are no tokens are refused.",
    ("Envoy CVE-2026-73547", "HAProxy CVE-2023-25725", "Apache CVE-2023-25690"),
    (
        *refusals({name: line if line.endswith(b"<smuggled>") else line + b"\r\n\r\n" for name, line in LINES.items()}),
        *refusals({f"in a name: {name}": GET + line + b"\r\n\r\n" for name, line in NAMES.items()}),
        *refusals({f"in a value: {name}": GET + line + b"\r\n\r\n" for name, line in VALUES.items()}),
        Case("any control byte in a value", _every_control),
        Case("what RFC 9110 allows in a value arrives", _sound_values),
        Case("a head that comes byte by byte", _byte_by_byte),
        Case("one empty line before a request is ignored", _empty_line),
    ),
)
