"""Chunked bodies (RFC 9112, section 7): sizes, extensions, ends and trailers that two readers cut at two places."""

from __future__ import annotations

from tests.proxy_suite.trial import NEXT, POST, Case, Row, Trial, refusals, require, sound

_CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

BODIES = {
    "size with the prefix 0x": b"0x5\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size 0x and nothing, which some take for 0": b"0x\r\n\r\n<smuggled>",
    "size with `+`": b"+5\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size with `-`": b"-1\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size with an underscore": b"0_5\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of nothing": b"\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of nothing before an extension": b";a=b\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of letters": b"xyz\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size with a space before it": b" 5\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size with a tab before it": b"\t5\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size in quotes": b'"5"\r\nhello\r\n0\r\n\r\n<smuggled>',
    "size with a decimal point": b"5.0\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size with a comma": b"5,5\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size with a NUL behind it": b"5\0\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size with a vertical tab behind it": b"5\x0b\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size in full-width digits": "\uff15\r\nhello\r\n0\r\n\r\n".encode() + b"<smuggled>",
    "size of 2 to the 32nd and 5": b"100000005\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of 2 to the 64th": b"10000000000000000\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of 2 to the 64th and 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of the largest signed number": b"7fffffffffffffff\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of -1 in two's complement": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n<smuggled>",
    "size of a hundred zeros and a 5": b"0" * 100 + b"5\r\nhello\r\n0\r\n\r\n<smuggled>",
    "line of the size ends in LF": b"5\nhello\r\n0\r\n\r\n<smuggled>",
    "line of the size ends in CR": b"5\rhello\r\n0\r\n\r\n<smuggled>",
    "line of the size ends in CR CR LF": b"5\r\r\nhello\r\n0\r\n\r\n<smuggled>",
    "chunk ends in LF": b"5\r\nhello\n0\r\n\r\n<smuggled>",
    "chunk ends in CR": b"5\r\nhello\r0\r\n\r\n<smuggled>",
    "chunk ends in two other bytes": b"5\r\nhelloXX0\r\n\r\n<smuggled>",
    "chunk ends in CR and another byte": b"5\r\nhello\rX0\r\n\r\n<smuggled>",
    "chunk does not end": b"5\r\nhello0\r\n\r\n<smuggled>",
    "chunk is longer than its size": b"5\r\nhello, hello\r\n0\r\n\r\n<smuggled>",
    "last chunk ends in LF LF": b"5\r\nhello\r\n0\n\n<smuggled>",
    "last chunk ends in CR LF LF": b"5\r\nhello\r\n0\r\n\n<smuggled>",
    "last chunk ends in CR CR": b"5\r\nhello\r\n0\r\n\r\r<smuggled>",
    "last chunk without its empty line": b"5\r\nhello\r\n0\r\n<smuggled>",
    "extension with a bare LF (TERM.EXT)": b"5;a\nhello\r\n0\r\n\r\n<smuggled>",
    "extension of nothing, and a bare LF": b"5;\nhello\r\n0\r\n\r\n<smuggled>",
    "extension with a bare CR (EXT.TERM)": b"5;a\rb\r\nhello\r\n0\r\n\r\n<smuggled>",
    "extension with a NUL": b"5;a\0b\r\nhello\r\n0\r\n\r\n<smuggled>",
    "extension without a semicolon": b"5 a=b\r\nhello\r\n0\r\n\r\n<smuggled>",
    "extension with a quoted line end": b'5;a="\r\nhello\r\n0\r\n\r\n<smuggled>"\r\n\r\n',
    "extension of 100 kB": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n<smuggled>",
    "a LF in the last chunk's extension": b"0;\n\r\n<smuggled>",
    "trailer without a colon": b"0\r\nX\r\n\r\n<smuggled>",
    "trailer that begins with a space": b"0\r\n X: y\r\n\r\n<smuggled>",
    "trailer that is folded": b"0\r\nX: y\r\n z\r\n\r\n<smuggled>",
    "trailer with a bare LF": b"0\r\nX: y\nZ: z\r\n\r\n<smuggled>",
    "trailer with a bare CR": b"0\r\nX: y\rZ: z\r\n\r\n<smuggled>",
    "trailer with a NUL": b"0\r\nX: y\0\r\n\r\n<smuggled>",
    "trailer with a space before its colon": b"0\r\nX : y\r\n\r\n<smuggled>",
    "trailers of 100 kB": b"0\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n<smuggled>",
    "spilled: two bytes more than the size": b"3\r\nabcXX\r\n0\r\n\r\n<smuggled>",
}

SOUND = {
    "chunks, and a request behind them": (_CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + NEXT, b"", 2),
    "a size in capitals, with a zero before it": (_CHUNKED + b"0A\r\nhellohello\r\n0\r\n\r\n", b"", 1),
    "extensions": (_CHUNKED + b'5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n', b"", 1),
    "a body of nothing but the last chunk": (_CHUNKED + b"0\r\n\r\n" + NEXT, b"", 2),
    "a chunk that is a request": (_CHUNKED + b"<hex>\r\n<smuggled>\r\n0\r\n\r\n" + NEXT, b"", 2),
}


async def _trailers_are_no_headers(trial: Trial) -> None:
    await trial.served(
        _CHUNKED,
        b"5\r\nhello\r\n0\r\nContent-Length: 5\r\nX-Forwarded-For: 203.0.113.66\r\nHost: evil.example\r\n\r\n",
    )
    told = trial.arrived()[0]
    require(b"203.0.113.66" not in told.raw and b"evil.example" not in told.raw, "a trailer became a header")


async def _byte_by_byte(trial: Trial) -> None:
    wire = await trial.connect()
    for byte in trial.fill(_CHUNKED + b'5;a="b"\r\nhello\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n'):
        wire.send(bytes([byte]))
        await wire.writer.drain()
    heard = await trial.hear(wire, most=1)
    trial.unambiguous(trial.arrived(), 1)
    require(heard.statuses == [200] and trial.arrived()[0].body == b"helloabc", f"answered {heard.statuses}")


ROW = Row(
    "Framing: chunks",
    "Sizes are hexadecimal and nothing else, lines end in CRLF, and what a chunk's end hides is no request.",
    ("h11 CVE-2025-43859", "Traefik CVE-2026-71324", "AIOHTTP CVE-2023-47627", "Netty CVE-2025-58056"),
    (
        *refusals({name: (_CHUNKED, body) for name, body in BODIES.items()}),
        *sound(SOUND),
        Case("trailers become no headers", _trailers_are_no_headers),
        Case("a body that comes byte by byte", _byte_by_byte),
    ),
)
