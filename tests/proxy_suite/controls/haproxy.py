"""HAProxy as a careful operator has it before one service: named hosts, no header believed, short times."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.proxy_suite.controls.process import HOST, control, version
from tests.proxy_suite.origin import Origin
from tests.proxy_suite.target import Target

_EMPTIED = (
    "forwarded|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip|x-cluster-client-ip|x-original-url|x-rewrite-url"
    "|x-original-host|x-http-method-override|client-cert"
)
_CONFIGURATION = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 1s
    timeout client 2s
    timeout server 2s
    timeout http-request 2s
    timeout http-keep-alive 60s
    timeout tunnel 1h
    option http-restrict-req-hdr-names delete
    option disable-h2-upgrade
    http-reuse safe
frontend public
    bind 127.0.0.1:{port}
    http-request deny deny_status 421 unless {{ hdr(host) -i {host} }}
    http-request deny if {{ path_beg /closed }}
    http-request set-src hdr_ip(x-forwarded-for,-1) if {{ src 127.0.0.9 }}
    http-request del-header ^x-forwarded- -m reg
    http-request del-header ^({emptied})$ -m reg
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Host {host}
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Authenticated-User proxied
    default_backend service
backend service
    server origin 127.0.0.1:{origin}
"""


def _configuration(_folder: Path, port: int, origin: int) -> str:
    return _CONFIGURATION.format(port=port, origin=origin, host=HOST, emptied=_EMPTIED)


@asynccontextmanager
async def haproxy(origin: Origin) -> AsyncIterator[Target]:
    """A running HAProxy before an origin."""
    async with control("haproxy", origin, _configuration, lambda file: ["-db", "-f", str(file)]) as target:
        yield target


async def haproxy_version() -> str:
    """Such as `2.6.12`."""
    return (await version("haproxy", "-v")).removeprefix("HAProxy version ").partition("-")[0]
