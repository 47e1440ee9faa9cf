"""What nginx, Traefik, Envoy and HAProxy send a door of a request that they hold, and what they make of its answer.

Each replays the ready configuration in `docs/doors/` as its proxy reads it: nginx's `ngx_http_auth_request_module`;
Traefik's `pkg/middlewares/auth/forward.go` (`writeHeader`, `ServeHTTP`); Envoy's
`source/extensions/filters/common/ext_authz/ext_authz_http_impl.cc` (`check`, `toResponse`) and
`source/extensions/filters/http/ext_authz/ext_authz.cc` (`onComplete`); for HAProxy our own script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import msgspec
import yaml

from tests.gateway.proxy.rig import Answered

READY = Path(__file__).parents[3] / "docs" / "doors"
HOP_BY_HOP = ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
Lines = list[tuple[str, str]]


@dataclass
class Request:
    """What a client sent to a proxy."""

    target: str = "/products"
    method: str = "GET"
    host: str = "shop.localhost:8080"
    headers: Sequence[tuple[str, str]] = ()
    address: str = "192.0.2.7"

    def but(self, *names: str) -> Lines:
        """The client's header fields without some."""
        return [(name, value) for name, value in self.headers if name.lower() not in names]


@dataclass
class Told:
    """What came of it."""

    passes: bool
    status: int
    """What the client sees."""
    headers: dict[str, str]
    """Of the door's answer."""
    body: bytes = b""
    service: Lines = field(default_factory=list)
    """What the service is sent, names in lower case."""
    by_the_gateway: bool = False
    """The proxy passes the request on to the gateway, which has the page for whoever waits."""

    @property
    def code(self) -> str:
        """Of the problem."""
        return str(msgspec.json.decode(self.body)["code"])

    def sent(self, name: str) -> list[str]:
        """The service's fields of that name, in any spelling."""
        return [value for key, value in self.service if key.replace("_", "-").replace(".", "-") == name]


class Proxy(Protocol):
    """One of them."""

    name: str

    def question(self, request: Request) -> bytes:
        """What it sends to the door."""

    def told(self, request: Request, answer: Answered) -> Told:
        """What it does then."""


def _question(line: str, fields: Lines) -> bytes:
    return (line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n").encode("latin-1")


def _headers(answer: Answered) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in answer.headers}


class Nginx:
    """`auth_request`. Fields with `_` or `.` in their names are dropped before it asks."""

    name = "nginx"

    def question(self, request: Request) -> bytes:
        shown = {"$host": request.host.partition(":")[0].lower(), "$remote_addr": request.address}
        shown |= {"$ssl_client_escaped_cert": "", '""': ""}
        shown["$munjigi_upgrade"] = "websocket" if ("Upgrade", "websocket") in request.headers else ""
        fields = [(name, shown[value]) for name, value in _set_by_nginx("location = /_munjigi")]
        return _question(
            f"{request.method} /nginx{request.target} HTTP/1.1",
            [(name, value) for name, value in fields if value] + self._clients(request, fields),
        )

    def _clients(self, request: Request, fields: Lines) -> Lines:
        own = {name.lower() for name, _ in fields} | set(HOP_BY_HOP) | {"host", "expect", "content-length"}
        return [line for line in request.but(*own) if not re.search(r"[_.]", line[0])]

    def told(self, request: Request, answer: Answered) -> Told:
        headers = _headers(answer)
        if answer.status // 100 == 2:
            fields = _set_by_nginx("location /")
            service = [
                (name.lower(), shown)
                for name, value in fields
                if (shown := headers.get(_taken_from_the_answer().get(value, ""), ""))
            ]
            return Told(True, 200, headers, service=service + [_lower(line) for line in self._clients(request, fields)])
        assert answer.status in (401, 403), "anything else is an error to nginx"
        assert answer.body == b"", "a body costs the connection"
        if "munjigi-person" in headers:
            return Told(False, 0, headers, by_the_gateway=True)
        status, problem = int(headers["munjigi-status"]), headers["munjigi-problem"].encode("latin-1")
        assert f"return {status} $munjigi_problem" in _nginx_conf()
        return Told(False, status, headers, problem)


@cache
def _nginx_conf() -> str:
    return (READY / "nginx.conf").read_text(encoding="utf-8")


@cache
def _set_by_nginx(location: str) -> Lines:
    block = _nginx_conf().partition(f"    {location} {{")[2].partition("\n    }")[0]
    return re.findall(r"proxy_set_header ([\w-]+) ([^;]+);", block)


@cache
def _taken_from_the_answer() -> dict[str, str]:
    taken = re.findall(r"auth_request_set (\$\w+) \$upstream_http_(\w+);", _nginx_conf())
    return {variable: name.replace("_", "-") for variable, name in taken}


class Traefik:
    """ForwardAuth."""

    name = "traefik"

    def question(self, request: Request) -> bytes:
        said = {
            "X-Forwarded-For": request.address,
            "X-Forwarded-Host": request.host,
            "X-Forwarded-Method": request.method,
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Uri": request.target,
        }
        clients = request.but(*HOP_BY_HOP, *map(str.lower, said), "host", "content-length")
        fields = sorted([(name.title() if "_" not in name else name, value) for name, value in clients])
        return _question("GET /traefik HTTP/1.1", [("Host", "127.0.0.1:8090"), *fields, *said.items()])

    def told(self, request: Request, answer: Answered) -> Told:
        headers = _headers(answer)
        if answer.status // 100 != 2:
            return Told(False, answer.status, headers, answer.body)
        forward = _yaml("traefik.yml")["http"]["middlewares"]["munjigi"]["forwardAuth"]
        assert forward["trustForwardHeader"] is False
        names = {name.lower() for name in forward["authResponseHeaders"]}
        pattern = re.compile(forward["authResponseHeadersRegex"])
        service = [_lower(line) for line in request.headers if line[0].lower() not in names]
        service = [line for line in service if not pattern.search(line[0])]
        replaced = [(name, value) for name, value in headers.items() if name in names or pattern.search(name)]
        # the proxy itself writes these afterwards; the entry point took what clients sent of them
        own = {"x-forwarded-for": request.address, "x-forwarded-host": request.host, "x-forwarded-proto": "http"}
        own["x-real-ip"] = request.address
        service = [line for line in service if line[0] not in own]
        return Told(True, 200, headers, service=[*service, *replaced, *own.items()])


class Envoy:
    """ext_authz by HTTP."""

    name = "envoy"

    def question(self, request: Request) -> bytes:
        config = self._config()
        kept_back = {pattern["exact"] for pattern in config["disallowed_headers"]["patterns"]}
        prefix = config["http_service"]["path_prefix"]
        fields = [line for line in self._clients(request) if line[0] not in kept_back]
        return _question(
            f"{request.method} {prefix}{request.target} HTTP/1.1",
            [("host", request.host), ("content-length", "0"), *fields],
        )

    def _clients(self, request: Request) -> Lines:
        """As the connection manager has them, with what it says itself."""
        before = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
        own = {
            "x-forwarded-for": ",".join([*before, request.address]),
            "x-forwarded-proto": "http",
            "x-request-id": "1",
        }
        return [*(_lower(line) for line in request.but("content-length", *own)), *own.items()]

    def told(self, request: Request, answer: Answered) -> Told:
        headers = _headers(answer)
        if answer.status >= 500:
            return Told(False, answer.status, headers, answer.body)
        if answer.status != 200:
            return Told(False, answer.status, headers, answer.body)
        patterns = self._config()["http_service"]["authorization_response"]["allowed_upstream_headers"]["patterns"]
        set_ = {name: headers[name] for pattern in patterns if (name := pattern["exact"]) in headers}
        gone = set(headers.get("x-envoy-auth-headers-to-remove", "").split(","))
        service = [line for line in self._clients(request) if line[0] not in set_] + [*set_.items()]
        return Told(True, 200, headers, service=[line for line in service if line[0] not in gone])

    def _config(self) -> Any:
        (listener,) = _yaml("envoy.yaml")["static_resources"]["listeners"]
        return listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"][0]["typed_config"]


class HAProxy:
    """Our script."""

    name = "haproxy"

    def question(self, request: Request) -> bytes:
        fields = request.but(*HOP_BY_HOP, "host", "x-forwarded-for", "content-length", "expect")
        if ("Upgrade", "websocket") in request.headers:
            fields.append(("upgrade", "websocket"))
        return _question(
            f"GET /haproxy/{request.method}{request.target} HTTP/1.1",
            [("host", request.host), ("x-forwarded-for", request.address), *map(_lower, fields)],
        )

    def told(self, request: Request, answer: Answered) -> Told:
        headers = _headers(answer)
        if answer.status != 200:
            return Told(False, answer.status, headers, answer.body)
        gone = set(headers.pop("munjigi-remove", "").split(",")) | set(headers) - {"content-length"}
        service = [_lower(line) for line in request.headers]
        return Told(True, 200, headers, service=[line for line in service if line[0] not in gone] + [*headers.items()])


def _lower(line: tuple[str, str]) -> tuple[str, str]:
    return line[0].lower(), line[1]


@cache
def _yaml(name: str) -> Any:
    return yaml.safe_load((READY / name).read_text(encoding="utf-8"))


PROXIES: tuple[Proxy, ...] = (Nginx(), Traefik(), Envoy(), HAProxy())
