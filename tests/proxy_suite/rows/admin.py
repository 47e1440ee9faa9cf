"""Nothing of administration answers where the public comes in."""

from __future__ import annotations

from tests.proxy_suite.trial import Case, Row, Trial, require

PATHS = (
    "/metrics", "/debug/pprof/", "/debug/vars", "/stats", "/stats/prometheus", "/admin", "/config_dump", "/clusters",
    "/server_info", "/nginx_status", "/basic_status", "/server-status", "/haproxy?stats", "/haproxy-status",
    "/_status", "/api/rawdata", "/dashboard/", "/healthz", "/readyz", "/livez", "/quitquitquit", "/health",
    "/actuator/env", "/actuator/heapdump", "/.env", "/.git/config", "/config.json", "/openapi.json", "/docs", "/redoc",
    "/.munjigi/metrics", "/.munjigi/healthz", "/.munjigi/debug", "/oauth2/static/", "/.pomerium/admin", "/ping",
)  # fmt: skip
_TELLING = (b"# HELP", b"# TYPE", b"process_cpu", b"python_info", b"Active connections", b"pprof", b"heap profile",
            b"Traceback", b"[core]", b"openapi", b"config_dump", b"Statistics Report")  # fmt: skip


async def _closed(trial: Trial, path: str) -> None:
    """It is the origin's like any other path, or nobody's; with no Host, a strange one, and nobody signed in too."""
    host = trial.target.authority
    for name, lines in ((host, "<through>"), (host, ""), ("localhost", ""), ("127.0.0.1", "<through>")):
        head = f"GET {path} HTTP/1.1\r\nHost: {name}\r\n{lines}Connection: close\r\nX: <case>\r\n\r\n"
        heard = await trial.ask(head.encode())
        for answer in heard.answers:
            own = answer.status == 200 and not answer.head.values("x-target")
            told = [] if answer.head.values("x-target") else [one.decode() for one in _TELLING if one in answer.body]
            require(not told, f"it tells of {', '.join(told)}")
            require(not own or name != host or path not in ("/metrics", "/readyz", "/livez"), "the gateway answered it")


async def _methods(trial: Trial) -> None:
    for method in (b"PURGE", b"BAN", b"REFRESH", b"PROPFIND", b"DEBUG", b"TRACK"):
        heard = await trial.ask(method + b" <path>/x HTTP/1.1\r\nHost: <host>\r\n<through>Connection: close\r\n\r\n")
        require(heard.statuses != [200] or bool(trial.arrived()), f"{method.decode()} was obeyed")


async def _silent(trial: Trial) -> None:
    """An answer to what is malformed tells neither version nor trace."""
    for head in (b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET /%00 HTTP/1.1\r\nHost: <host>\r\n\r\n"):
        heard = await trial.ask(head)
        for answer in heard.answers:
            for value in answer.head.values("server") + answer.head.values("x-powered-by"):
                require(not any(byte in b"0123456789" for byte in value), f"it says that it is {value.decode()}")
            require(b"Traceback" not in answer.body and b"/usr/" not in answer.body, "it shows its inside")


def _case(path: str) -> Case:
    return Case(f"`{path}`", lambda trial: _closed(trial, path))


ROW = Row(
    "Admin surface",
    "Metrics, profiles and admin paths are never on the public listener.",
    ("Pomerium CVE-2022-24797",),
    (
        *(_case(path) for path in PATHS),
        Case("methods of caches and of debugging", _methods),
        Case("refusals tell neither version nor trace", _silent),
    ),
)
