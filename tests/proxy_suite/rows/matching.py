"""What decides fails shut: no header, path, method or odd byte opens what is closed, or lets in who showed nothing."""

from __future__ import annotations

from tests.proxy_suite.trial import Case, Row, Trial, require

_END = b"Connection: close\r\nX: <case>\r\n\r\n"
_CLOSED = b"GET <closed>/x HTTP/1.1\r\nHost: <host>\r\n"

LURES = {
    "without a User-Agent": b"",
    "with an empty User-Agent": b"User-Agent:\r\n",
    "as a health check of a load balancer": b"User-Agent: ELB-HealthChecker/2.0\r\n",
    "as a probe of a cluster": b"User-Agent: kube-probe/1.30\r\nX-Health-Check: 1\r\n",
    "as a health check of a cloud": b"User-Agent: GoogleHC/1.0\r\n",
    "as a page of the person's own": b"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\n",
    "as a preflight": b"Origin: http://evil.example\r\nAccess-Control-Request-Method: GET\r\n",
    "by X-Original-URL": b"X-Original-URL: /healthz\r\nX-Rewrite-URL: /healthz\r\n",
    "by X-Forwarded-Uri": b"X-Forwarded-Uri: /healthz\r\nX-Forwarded-Method: OPTIONS\r\n",
    "by a method that is overridden": b"X-HTTP-Method-Override: OPTIONS\r\nX-Method-Override: HEAD\r\n",
    "from this machine": b"X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n",
    "as an internal request": b"X-Envoy-Internal: true\r\nX-Internal: 1\r\nX-Original-Host: localhost\r\n",
    "by a subrequest of middleware": b"X-Middleware-Subrequest: middleware:middleware:middleware\r\n",
    "by a referrer": b"Referer: http://<host>/\r\n",
    "with an asterisk": b"X-Forwarded-Uri: *\r\nOrigin: *\r\n",
}

METHODS = (b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"get", b"GETX", b"PROPFIND", b"*")

OTHER_PATHS = (
    b"/healthz", b"/health", b"/ping", b"/ready", b"/status", b"/oauth2/auth", b"/favicon.ico", b"/robots.txt",
    b"/.well-known/x", b"/x?/healthz", b"/x?a=/ping", b"/x.css", b"/assets.js", b"/x%2fhealthz", b"/*",
)  # fmt: skip


async def _lured(trial: Trial, lines: bytes) -> None:
    heard = await trial.ask(_CLOSED + b"<through>" + lines + _END)
    require(not trial.arrived(), "the origin was reached")
    require(all(status >= 400 for status in heard.statuses), f"answered {heard.statuses}")


async def _nobody_lured(trial: Trial, lines: bytes) -> None:
    heard = await trial.ask(b"GET <path>/first HTTP/1.1\r\nHost: <host>\r\n" + lines + _END)
    require(not trial.arrived(), "the origin was reached")
    require(all(status >= 300 for status in heard.statuses), f"answered {heard.statuses}")


async def _by_method(trial: Trial) -> None:
    for method in METHODS:
        await trial.ask(method + b" <closed>/x HTTP/1.1\r\nHost: <host>\r\n<through>" + _END, methods=[method.decode()])
        require(not trial.arrived(), f"{method.decode()} reached the origin")


async def _nobody_by_method(trial: Trial) -> None:
    for method in METHODS:
        await trial.ask(method + b" <path>/x HTTP/1.1\r\nHost: <host>\r\n" + _END, methods=[method.decode()])
        require(not trial.arrived(), f"{method.decode()} reached the origin")


async def _nobody_by_path(trial: Trial) -> None:
    for path in OTHER_PATHS:
        await trial.ask(b"GET " + path + b" HTTP/1.1\r\nHost: <host>\r\n" + _END)
        require(not trial.arrived(), f"{path.decode()} reached the origin")


async def _by_host(trial: Trial) -> None:
    """The Host decides by which rules; one in other case, with another port or a final dot opens nothing."""
    name, _, port = trial.target.authority.encode().partition(b":")
    for host in (name.upper(), name + b".", name + b".:" + (port or b"80"), name + b":1", name + b":443", b"x." + name):
        head = b"GET <closed>/x HTTP/1.1\r\nHost: " + host + b"\r\n<through>" + _END
        heard = await trial.ask(head)
        require(not trial.arrived(), f"{host.decode()} reached the origin: {heard.statuses}")


async def _unknown_host(trial: Trial) -> None:
    for host in (b"unknown.example", b"localhost", b"127.0.0.1", b"[::1]", b"*"):
        heard = await trial.ask(b"GET <path>/x HTTP/1.1\r\nHost: " + host + b"\r\n<through>" + _END)
        require(not trial.arrived() and heard.statuses != [200], f"{host.decode()} reached the origin")


async def _after_an_open_one(trial: Trial) -> None:
    """On one connection, what was decided of one request says nothing of the next, not even with the same headers."""
    wire = await trial.connect()
    same = b" HTTP/1.1\r\nHost: <host>\r\n<through>X: <case>\r\n\r\n"
    wire.send(trial.fill(b"GET <path>/open" + same + b"GET <closed>/x" + same + b"GET <path>/open" + same))
    heard = await trial.hear(wire, most=3)
    refused = len(heard.statuses) == 3 and heard.statuses[1] >= 400 and heard.statuses[::2] == [200, 200]
    require(refused or heard.closed, f"answered {heard.statuses}")
    require(all(b"/open" in one.target for one in trial.arrived()), "the closed one reached the origin")


async def _credentials_before(trial: Trial) -> None:
    """Nor do the credentials of one request count for the next."""
    wire = await trial.connect()
    wire.send(trial.fill(b"GET <path>/one HTTP/1.1\r\nHost: <host>\r\n<through>\r\n"
                         b"GET <path>/two HTTP/1.1\r\nHost: <host>\r\n\r\n"))  # fmt: skip
    heard = await trial.hear(wire, most=2)
    require([one.target.rpartition(b"/")[2] for one in trial.arrived()] == [b"one"], f"answered {heard.statuses}")


async def _two_credentials(trial: Trial) -> None:
    """Two credentials are refused, not ranked."""
    for lines in (b"<through><through>", b"<through><browser>", b"<browser><browser>"):
        heard = await trial.ask(b"GET <path>/x HTTP/1.1\r\nHost: <host>\r\n" + lines + _END)
        require(not trial.arrived(), f"answered {heard.statuses}")


def _closed_case(name: str, lines: bytes) -> Case:
    return Case(f"a closed path, {name}", lambda trial: _lured(trial, lines), "closed")


def _nobody_case(name: str, lines: bytes) -> Case:
    return Case(f"nobody, {name}", lambda trial: _nobody_lured(trial, lines), "credentials")


ROW = Row(
    "Fail-open matching",
    "No User-Agent, health-check path, odd byte or `*` opens a route.",
    ("Envoy CVE-2026-73552", "Envoy CVE-2025-46821", "oauth2-proxy CVE-2026-34457", "oauth2-proxy CVE-2026-40574",
     "Next.js CVE-2025-29927"),
    (
        *(_closed_case(name, lines) for name, lines in LURES.items()),
        Case("a closed path, by any method", _by_method, "closed"),
        Case("a closed path, by Host in other forms", _by_host, "closed"),
        Case("a closed path, behind an open one on its connection", _after_an_open_one, "closed"),
        Case("a Host that is not known", _unknown_host),
        *(_nobody_case(name, lines) for name, lines in LURES.items()),
        Case("nobody, by any method", _nobody_by_method, "credentials"),
        Case("nobody, by a path that often is open", _nobody_by_path, "credentials"),
        Case("nobody, behind somebody on their connection", _credentials_before, "credentials"),
        Case("two credentials at once", _two_credentials, "browser"),
    ),
)  # fmt: skip
