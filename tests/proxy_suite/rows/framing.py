"""Framing of requests: two lengths, no length, a length that is none (RFC 9112, section 6)."""

from __future__ import annotations

import asyncio

from tests.proxy_suite.trial import GET, NEXT, POST, Case, Failed, Mended, Row, Trial, refusals, sound

_BY_LENGTH = b"0\r\n\r\n<smuggled>"
"""All of it, to whoever counts; to whoever reads chunks, nothing, and a request behind it."""
_BY_CHUNKS = b"<hex>\r\n<smuggled>\r\n0\r\n\r\n"
_CL = POST + b"Content-Length: <cl>\r\n"

BOTH = {
    "Content-Length, then Transfer-Encoding": (_CL + b"Transfer-Encoding: chunked\r\n\r\n", _BY_LENGTH),
    "Transfer-Encoding, then Content-Length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: <cl>\r\n\r\n", _BY_LENGTH),
    "Content-Length shorter than the chunks": (
        POST + b"Content-Length: <cut>\r\nTransfer-Encoding: chunked\r\n\r\n", _BY_CHUNKS),
    "Content-Length of 0 beside chunks": (
        POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", _BY_CHUNKS),
    "both in HTTP/1.0": (
        b"POST <path>/first HTTP/1.0\r\nHost: <host>\r\n<through>Connection: keep-alive\r\n"
        b"Content-Length: <cl>\r\nTransfer-Encoding: chunked\r\n\r\n", _BY_LENGTH),
    "both on a GET": (GET + b"Content-Length: <cl>\r\nTransfer-Encoding: chunked\r\n\r\n", _BY_LENGTH),
    "a chunked body in HTTP/1.0": (
        b"POST <path>/first HTTP/1.0\r\nHost: <host>\r\n<through>Connection: keep-alive\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n", _BY_LENGTH),
}  # fmt: skip

CODINGS = {
    "`xchunked`": b"Transfer-Encoding: xchunked",
    "`chunked, identity`": b"Transfer-Encoding: chunked, identity",
    "`identity, chunked`": b"Transfer-Encoding: identity, chunked",
    "`identity`": b"Transfer-Encoding: identity",
    "`gzip, chunked`": b"Transfer-Encoding: gzip, chunked",
    "`chunked, chunked`": b"Transfer-Encoding: chunked, chunked",
    "`chunked,`": b"Transfer-Encoding: chunked,",
    "`, chunked`": b"Transfer-Encoding: , chunked",
    "`chunked;a=b`": b"Transfer-Encoding: chunked;a=b",
    "`chunk`": b"Transfer-Encoding: chunk",
    "`cow chunked bar`": b"Transfer-Encoding: cow chunked bar",
    "chunked in quotes": b'Transfer-Encoding: "chunked"',
    "chunked in apostrophes": b"Transfer-Encoding: 'chunked'",
    "an empty coding": b"Transfer-Encoding:",
    "two lines, the second another": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    "two lines, the first another": b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "a space before the colon": b"Transfer-Encoding : chunked",
    "a tab before the colon": b"Transfer-Encoding\t: chunked",
    "a space before the name": b" Transfer-Encoding: chunked",
    "a space for the hyphen": b"Transfer Encoding: chunked",
    "a vertical tab before the value": b"Transfer-Encoding: \x0bchunked",
    "a form feed before the value": b"Transfer-Encoding:\x0cchunked",
    "a no-break space behind the value": b"Transfer-Encoding: chunked\xa0",
    "NEL before the value": b"Transfer-Encoding: \x85chunked",
    "a NUL behind the value": b"Transfer-Encoding: chunked\0",
    "a dotless i in UTF-8": b"Transfer-Encoding: chunked\xc4\xb1",
    "an accent in the value": b"Transfer-Encoding: ch\x96nked",
    "an accent in the name": b"Transf\x82r-Encoding: chunked",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded behind the value": b"Transfer-Encoding: chunked\r\n , identity",
    "behind a bare CR in another field": b"X: x\rTransfer-Encoding: chunked",
    "behind a bare LF in another field": b"X: x\nTransfer-Encoding: chunked",
    "a bare CR behind the value": b"Transfer-Encoding: chunked\r",
    "a bare CR in the name": b"Transfer\r-Encoding: chunked",
    "the alias with `_`": b"Transfer_Encoding: chunked",
    "the alias with `.`": b"Transfer.Encoding: chunked",
}

LENGTHS = {
    "twice, the same": b"Content-Length: <cl>\r\nContent-Length: <cl>",
    "twice, 0 first": b"Content-Length: 0\r\nContent-Length: <cl>",
    "twice, 0 last": b"Content-Length: <cl>\r\nContent-Length: 0",
    "a list of the same": b"Content-Length: <cl>, <cl>",
    "a list with 0": b"Content-Length: 0, <cl>",
    "with `+`": b"Content-Length: +<cl>",
    "with `-`": b"Content-Length: -<cl>",
    "hexadecimal": b"Content-Length: 0x<hex>",
    "with an underscore": b"Content-Length: <cl>_0",
    "with a decimal point": b"Content-Length: <cl>.0",
    "an exponent": b"Content-Length: 1e3",
    "two numbers": b"Content-Length: <cl> <cl>",
    "a semicolon": b"Content-Length: <cl>;",
    "in quotes": b'Content-Length: "<cl>"',
    "Arabic digits": "Content-Length: \u0663\u0660\u0660".encode(),
    "empty": b"Content-Length:",
    "a word": b"Content-Length: abc",
    "20 digits": b"Content-Length: 99999999999999999999",
    "2 to the 64th": b"Content-Length: 18446744073709551616",
    "2 to the 64th and as much as the body": b"Content-Length: 18446744073709551916",
    "a space before the colon": b"Content-Length : <cl>",
    "a vertical tab before the name": b"\x0bContent-Length: <cl>",
    "a vertical tab behind the value": b"Content-Length: <cl>\x0b",
    "a NUL behind the value": b"Content-Length: <cl>\0",
    "a NUL behind the name": b"Content-Length\0: <cl>",
    "folded": b"Content-Length:\r\n <cl>",
    "behind a bare LF": b"X: x\nContent-Length: <cl>",
    "behind a bare CR": b"X: x\rContent-Length: <cl>",
    "a space for the hyphen": b"Content Length: <cl>",
}

ALIASES = {
    "with `_`": b"Content_Length: <cl>\r\n\r\n",
    "with `.`": b"Content.Length: <cl>\r\n\r\n",
}

SOUND = {
    "a body of known length": (_CL + b"\r\n", b"hello", 1),
    "a length with leading zeros is one number": (POST + b"Content-Length: 005\r\n\r\n", b"hello", 1),
    "a body of nothing": (POST + b"Content-Length: 0\r\n\r\n", b"", 1),
    "`chunked` in any case": (POST + b"tRANSFER-eNCODING: Chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", 1),
    "a tab before `chunked`": (POST + b"Transfer-Encoding:\tchunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", 1),
    "a GET with a body is one request": (GET + b"Content-Length: <cl>\r\n\r\n", b"<smuggled>", 1),
    "three requests at once are three": (GET + b"\r\n" + GET.replace(b"first", b"second") + b"\r\n" + NEXT, b"", 3),
    "a body, and a request behind it": (POST + b"Content-Length: 5\r\n\r\nhello" + NEXT, b"", 2),
}


async def _swept(trial: Trial, line: bytes) -> None:
    """The same line with every byte that is no letter, white space or line end, at `@`."""

    async def one(byte: int) -> None:
        head = _CL + line.replace(b"@", bytes([byte])) + b"\r\n\r\n"
        heard = await trial.ask(head, _BY_LENGTH)
        if len(heard.answers) > 1:
            raise Failed(f"byte {byte:02x}: what stands behind it was read as a request")
        if any(status < 400 for status in heard.statuses):
            passed.append(byte)

    passed: list[int] = []
    odd = [byte for byte in (*range(0x20), 0x7F, 0x80, 0x85, 0xA0, 0xAD, 0xFF) if byte not in (0x09, 0x0A, 0x0D)]
    for start in range(0, len(odd), 8):
        await asyncio.gather(*(one(byte) for byte in odd[start : start + 8]))
    await trial.unharmed()
    trial.unambiguous(trial.arrived(), len(odd))
    if passed:
        raise Mended(f"passed on in a plain form with the bytes {bytes(passed).hex(' ')}")


_SWEPT = {
    "any odd byte before `chunked`": b"Transfer-Encoding:@chunked",
    "any odd byte behind `chunked`": b"Transfer-Encoding: chunked@",
    "any odd byte before the name": b"@Transfer-Encoding: chunked",
    "any odd byte behind the name": b"Transfer-Encoding@: chunked",
}


def _sweep(name: str, line: bytes) -> Case:
    return Case(name, lambda trial: _swept(trial, line))


async def _in_order(trial: Trial) -> None:
    heard = await trial.served(*SOUND["three requests at once are three"][:2], meant=3)
    said = [answer.body.rpartition(b"/")[2] for answer in heard.answers]
    if said != [b"first", b"second", b"next"]:
        raise Failed(f"answered as {said}")


async def _lone_body(trial: Trial) -> None:
    """A refusal of a request with a body, by the gateway itself, leaves no request in what was its body."""
    for path in (*trial.target.own_pages, trial.target.closed and f"{trial.target.closed}/x"):
        if path:
            head = b"POST %b HTTP/1.1\r\nHost: <host>\r\n<through>Content-Length: <cl>\r\n\r\n" % path.encode()
            heard = await trial.ask(head, b"<smuggled>")
            trial.unambiguous(trial.arrived(), 0)
            if len(heard.answers) != 1:
                raise Failed(f"{path} was answered {heard.statuses}")
    await trial.unharmed()


ROW = Row(
    "Framing: lengths",
    "Two lengths, or one that is no number, are refused; nobody ever sees a request that no client meant.",
    (
        "h11 CVE-2025-43859",
        "HAProxy CVE-2023-40225",
        "Gunicorn CVE-2024-1135",
        "AIOHTTP CVE-2023-47627",
        "Envoy CVE-2026-73547",
    ),
    (
        *refusals(BOTH, hides=True),
        *refusals(
            {f"coding {name}": (_CL + line + b"\r\n\r\n", _BY_LENGTH) for name, line in CODINGS.items()}, hides=True
        ),
        *refusals(
            {f"length {name}": (POST + line + b"\r\n\r\n", b"<smuggled>") for name, line in LENGTHS.items()}, hides=True
        ),
        *refusals({f"alias of a length, {name}": (POST + line, b"<smuggled>") for name, line in ALIASES.items()}),
        *(_sweep(name, line) for name, line in _SWEPT.items()),
        *sound({name: one for name, one in SOUND.items() if not name.startswith("three")}),
        Case("three requests at once are answered in their order", _in_order),
        Case("the body of what the gateway itself answers is no request", _lone_body, "closed"),
    ),
)
