"""What belongs to one connection stops here, and takes along nothing of the gateway (RFC 9110, section 7.6.1)."""

from __future__ import annotations

from tests.proxy_suite.origin import says
from tests.proxy_suite.trial import GET, POST, Case, Failed, Row, Trial, require

_SECRET = b"let-it-stop-here"
_OPTIONS = (b"close", b"keep-alive", b"upgrade", b"te")

STOPS = {
    "Keep-Alive": b"Keep-Alive: timeout=9, x=" + _SECRET,
    "Proxy-Connection": b"Proxy-Connection: " + _SECRET,
    "Proxy-Authorization": b"Proxy-Authorization: Basic " + _SECRET,
    "TE": b"TE: trailers, " + _SECRET,
    "Trailer": b"Trailer: " + _SECRET,
    "Upgrade": b"Upgrade: " + _SECRET + b"\r\nConnection: upgrade",
    "HTTP2-Settings": b"HTTP2-Settings: " + _SECRET,
}

NAMED = {
    "one name": b"Connection: x-named\r\nX-Named: " + _SECRET,
    "among options": b"Connection: close, x-named\r\nX-Named: " + _SECRET,
    "in a second line": b"Connection: keep-alive\r\nConnection: x-named\r\nX-Named: " + _SECRET,
    "behind an empty line": b"Connection:\r\nConnection: x-named\r\nX-Named: " + _SECRET,
    "before an empty line": b"Connection: x-named\r\nConnection:\r\nX-Named: " + _SECRET,
    "in three lines": b"Connection: a\r\nConnection: x-named\r\nConnection: b\r\nX-Named: " + _SECRET,
    "between empty items": b"Connection: , ,x-named, ,\r\nX-Named: " + _SECRET,
    "in other case": b"Connection: X-NAMED\r\nx-nAMED: " + _SECRET,
    "with tabs around it": b"Connection: \tx-named\t\r\nX-Named: " + _SECRET,
    "before the line that names it": b"X-Named: " + _SECRET + b"\r\nConnection: x-named",
    "a field that stands twice": b"Connection: x-named\r\nX-Named: a\r\nX-Named: " + _SECRET,
}


async def _stops(trial: Trial, lines: bytes) -> None:
    heard = await trial.one(GET + lines + b"\r\n\r\n")
    arrived = trial.arrived()
    trial.unambiguous(arrived, 1)
    require(bool(arrived) or heard.statuses[:1] > [399], f"neither passed on nor refused: {heard.statuses}")
    for one in arrived:
        if _SECRET in one.raw:
            raise Failed("it reached the origin")


def _case(name: str, lines: bytes) -> Case:
    return Case(name, lambda trial: _stops(trial, lines))


async def _names_identity(trial: Trial) -> None:
    """Naming the gateway's own headers in Connection takes none of them away."""
    names = trial.target.identity
    plainly = await trial.one(GET + b"\r\n")
    named = ", ".join(names).encode()
    await trial.one(GET.replace(b"first", b"second") + b"Connection: close, " + named + b"\r\n\r\n")
    several = b"".join(b"Connection: %b\r\n" % name.encode() for name in names)
    await trial.one(GET.replace(b"first", b"third") + b"Connection:\r\n" + several + b"Connection:\r\n\r\n")
    arrived = trial.arrived()
    trial.unambiguous(arrived, 3)
    require(plainly.statuses == [200], f"answered {plainly.statuses}")
    for one in arrived:
        for name in names:
            require(len(one.values(name.lower())) == 1, f"{name} went missing at {one.target.decode()}")


async def _names_framing(trial: Trial) -> None:
    """Whoever names Host, Content-Length or Transfer-Encoding must not have them taken away unread."""
    for name in (b"host", b"content-length", b"transfer-encoding"):
        await trial.ask(POST + b"Content-Length: <cl>\r\nConnection: close, " + name + b"\r\n\r\n", b"<smuggled>")
    await trial.unharmed()
    trial.unambiguous(trial.arrived(), 3)


async def _names_what_guards(trial: Trial) -> None:
    """Naming Cookie, Authorization or X-Forwarded-For in Connection opens nothing that is closed."""
    closed = b"GET <closed>/first HTTP/1.1\r\nHost: <host>\r\n<through>X: <case>\r\n"
    for names in (b"close, authorization", b"cookie, x-forwarded-for", b"authorization\r\nConnection: host2"):
        heard = await trial.ask(closed + b"Connection: close\r\nConnection: " + names + b"\r\n\r\n")
        require(all(status >= 400 for status in heard.statuses), f"{names!r}: answered {heard.statuses}")
    require(not trial.arrived(), "it reached the origin")


async def _answers(trial: Trial) -> None:
    """The same of answers."""
    trial.behaves(
        says(
            b"HTTP/1.1 200 OK\r\nConnection: x-named\r\nConnection:\r\nConnection: keep-alive\r\nX-Named: " + _SECRET
            + b"\r\nKeep-Alive: timeout=9, x=" + _SECRET + b"\r\nProxy-Authenticate: Basic realm=" + _SECRET
            + b"\r\nProxy-Connection: " + _SECRET + b"\r\nContent-Length: 2\r\n\r\nok"
        )
    )  # fmt: skip
    heard = await trial.one(GET + b"\r\n")
    require(heard.statuses == [200] and heard.answers[0].body == b"ok", f"answered {heard.statuses}")
    told = [name.decode() for name, value in heard.answers[0].head.fields if _SECRET in value]
    require(not told, f"passed on to the client: {', '.join(told)}")


async def _own_connection(trial: Trial) -> None:
    """`Connection: close` of a client is between it and the gateway, and obeyed."""
    heard = await trial.ask(GET + b"Connection: close\r\n\r\n<smuggled>")
    trial.unambiguous(trial.arrived(), 1)
    require(heard.statuses == [200] and heard.closed, f"answered {heard.statuses}, closed: {heard.closed}")


ROW = Row(
    "Hop-by-hop",
    "What `Connection` names stops here, over several and empty lines, before the gateway's own headers are added.",
    ("Go CVE-2021-33197", "Traefik CVE-2021-32813", "Traefik CVE-2024-45410", "Fabio CVE-2025-48865",
     "Oathkeeper GHSA-w9mr-28mw-j8hg", "Apache CVE-2022-31813"),
    (
        *(_case(f"`{name}` stops here", lines) for name, lines in STOPS.items()),
        *(_case(f"named by Connection, {name}", lines) for name, lines in NAMED.items()),
        Case("named by Connection, the gateway's own headers", _names_identity, "identity"),
        Case("named by Connection, fields of the framing", _names_framing),
        Case("named by Connection, what guards a closed path", _names_what_guards, "closed"),
        Case("the same in answers", _answers),
        Case("nothing is read behind `Connection: close`", _own_connection),
    ),
)  # fmt: skip
