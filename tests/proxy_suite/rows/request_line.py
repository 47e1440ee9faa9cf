"""Request lines and Host: methods, targets and versions that open another way (RFC 9112, section 3)."""

from __future__ import annotations

from tests.proxy_suite.origin import Line, ok
from tests.proxy_suite.trial import GET, POST, Case, Failed, Row, Trial, refusals, require

_H = b"Host: <host>\r\n<through>"

LINES = {
    "CONNECT": b"CONNECT <host> HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "CONNECT to elsewhere": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n<through>\r\n<smuggled>",
    "CONNECT to a path": b"CONNECT <path>/first HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "TRACE": b"TRACE <path>/first HTTP/1.1\r\n" + _H + b"Connection: close\r\n\r\n",
    "a method in lower case": b"get <path>/first HTTP/1.1\r\n" + _H + b"Connection: close\r\n\r\n",
    "a method with an odd byte": b"GE\x01T <path>/first HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "a method in quotes": b'"GET" <path>/first HTTP/1.1\r\n' + _H + b"\r\n<smuggled>",
    "no method": b" <path>/first HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/0.9": b"GET <path>/first\r\n",
    "HTTP/0.9 with a request behind it": b"GET <path>/first\r\n<smuggled>",
    "HTTP/0.9 by its name": b"GET <path>/first HTTP/0.9\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/1.2": b"GET <path>/first HTTP/1.2\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/2.0": b"GET <path>/first HTTP/2.0\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/1.10": b"GET <path>/first HTTP/1.10\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/1.1 with a space behind it": b"GET <path>/first HTTP/1.1 \r\n" + _H + b"\r\n<smuggled>",
    "http/1.1": b"GET <path>/first http/1.1\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/1": b"GET <path>/first HTTP/1\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/.1": b"GET <path>/first HTTP/.1\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/01.1": b"GET <path>/first HTTP/01.1\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/1.1 with a tab before it": b"GET <path>/first\tHTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "HTTP/1,1": b"GET <path>/first HTTP/1,1\r\n" + _H + b"\r\n<smuggled>",
    "another protocol": b"GET <path>/first ICE/1.0\r\n" + _H + b"\r\n<smuggled>",
    "two spaces": b"GET  <path>/first HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "tabs for spaces": b"GET\t<path>/first\tHTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "a space in the target": b"GET <path>/first second HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "a version in the target": b"GET <path>/first HTTP/1.1 HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "no target": b"GET HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "a NUL in the target": b"GET <path>/fi\0rst HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "a bare CR in the target": b"GET <path>/first\rX HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "a byte above ASCII in the target": b"GET <path>/f\xe9rst HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "a target without a slash": b"GET first HTTP/1.1\r\n" + _H + b"\r\n<smuggled>",
    "the asterisk on a GET": b"GET * HTTP/1.1\r\n" + _H + b"X: <case>\r\n\r\n<smuggled>",
    "the asterisk on OPTIONS": b"OPTIONS * HTTP/1.1\r\n" + _H + b"X: <case>\r\nConnection: close\r\n\r\n",
    "an absolute target of another host": (
        b"GET http://evil.example<path>/first HTTP/1.1\r\n" + _H + b"Connection: close\r\n\r\n"),
    "an absolute target of another scheme": (
        b"GET ftp://<host><path>/first HTTP/1.1\r\n" + _H + b"Connection: close\r\n\r\n"),
    "an absolute target with user information": (
        b"GET http://evil@<host><path>/first HTTP/1.1\r\n" + _H + b"Connection: close\r\n\r\n"),
    "an absolute target without Host": (
        b"GET http://<host><path>/first HTTP/1.1\r\n<through>Connection: close\r\n\r\n"),
    "a scheme of HTTP/2 in the target": (
        b"GET gopher:<path>/first HTTP/1.1\r\n" + _H + b"Connection: close\r\n\r\n"),
    "an authority on a GET": b"GET <host> HTTP/1.1\r\n" + _H + b"X: <case>\r\nConnection: close\r\n\r\n",
    "a ClientHello of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n<smuggled>",
}  # fmt: skip

_LINE = b"GET <path>/first HTTP/1.1\r\n"
_END = b"<through>Connection: close\r\n\r\n"
HOSTS = {
    "none": _LINE + _END,
    "empty": _LINE + b"Host:\r\n" + _END,
    "twice": _LINE + b"Host: <host>\r\nHost: evil.example\r\n" + _END,
    "twice, the other first": _LINE + b"Host: evil.example\r\nHost: <host>\r\n" + _END,
    "twice, the same": _LINE + b"Host: <host>\r\nHost: <host>\r\n" + _END,
    "a list": _LINE + b"Host: <host>, evil.example\r\n" + _END,
    "two names": _LINE + b"Host: <host> evil.example\r\n" + _END,
    "user information": _LINE + b"Host: evil@<host>\r\n" + _END,
    "a path": _LINE + b"Host: <host>/evil\r\n" + _END,
    "a scheme": _LINE + b"Host: http://<host>\r\n" + _END,
    "a query": _LINE + b"Host: <host>?evil\r\n" + _END,
    "a fragment": _LINE + b"Host: <host>#evil\r\n" + _END,
    "a NUL": _LINE + b"Host: <host>\0evil\r\n" + _END,
    "a backslash": _LINE + b"Host: <host>\\evil\r\n" + _END,
    "percent-encoded": _LINE + b"Host: %65vil.example\r\n" + _END,
    "a port that is none": _LINE + b"Host: localhost:evil\r\n" + _END,
    "a port of six digits": _LINE + b"Host: localhost:123456\r\n" + _END,
    "a space before the colon": _LINE + b"Host : evil.example\r\nHost: <host>\r\n" + _END,
    "folded": _LINE + b"Host: <host>\r\n evil.example\r\n" + _END,
    "quotes": _LINE + b'Host: "<host>"\r\n' + _END,
    "a bracket that does not close": _LINE + b"Host: [::1\r\n" + _END,
}


async def _preface(trial: Trial) -> None:
    """The preface of HTTP/2 on a port of HTTP/1: refused, or spoken; never read as HTTP/1 with a request behind it."""
    wire = await trial.connect()
    wire.send(trial.fill(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n<smuggled>"))
    heard = await trial.hear(wire)
    await trial.unharmed()
    trial.unambiguous(trial.arrived(), 0)
    require(len(heard.answers) < 2, f"answered {heard.statuses}")


async def _upgrade_to_http_2(trial: Trial) -> None:
    """`h2c` would be a tunnel past every decision: the origin is not asked for it, and its consent opens none."""

    async def consents(line: Line) -> None:
        await line.body()
        if line.request.values("upgrade"):
            line.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        line.send(ok(line.request.target))

    trial.behaves(consents)
    await trial.ask(
        GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n<smuggled>"
    )
    for one in trial.arrived():
        if any(value.lower() == b"h2c" for value in one.values("upgrade")) or one.values("http2-settings"):
            raise Failed("the origin was asked for HTTP/2")
        if b"PRI *" in one.raw or b"/smuggled" in one.target:
            raise Failed("a tunnel to the origin stands open")


async def _expectations(trial: Trial) -> None:
    """Odd `Expect` fields make two readers disagree whether a body comes."""
    for expect in (b"y 100-continue", b"100-continue, 100-continue", b"200-ok", b"100-continue\x0b"):
        await trial.ask(POST + b"Content-Length: <cl>\r\nExpect: " + expect + b"\r\n\r\n", b"<smuggled>")
    await trial.unharmed()
    trial.unambiguous(trial.arrived(), 4)


ROW = Row(
    "Framing: request line and Host",
    "CONNECT, TRACE, other versions, forms and names are refused; one Host, and the target's is not another.",
    ("Traefik CVE-2026-71324", "Envoy CVE-2026-73547", "h2c smuggling (2020)"),
    (
        *refusals(LINES),
        *refusals({f"Host: {name}": head for name, head in HOSTS.items()}),
        Case("the preface of HTTP/2", _preface),
        Case("an upgrade to h2c opens no tunnel", _upgrade_to_http_2),
        Case("odd expectations", _expectations),
    ),
)
