"""How each kind of proxy says which request it holds, and what it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Tells(Enum):
    """Where a proxy says which request it holds."""

    IN_THE_LINE = 1
    """The method is the request's own, the target stands behind the door's prefix, Host is the request's. No header
    field decides, so none can be forged."""
    IN_THE_PATH = 2
    """The same for a proxy that can only ask by GET: prefix, method, target."""
    BY_FIELDS = 3
    """By X-Forwarded-Method, -Uri and -Host, each exactly once."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of proxy."""

    name: str
    """What metrics and logs call it."""
    tells: Tells
    removal: bytes = b""
    """The answer's field that lists what of the client's fields must not go on; empty: the proxy's configuration says
    it."""
    passes_refusals: bool = True
    """Status, fields and body of a refusal reach the client as they are; otherwise only 401 and 403 are understood."""

    @property
    def prefix(self) -> bytes:
        """What the address of a question begins with."""
        return b"/" + self.name.encode("ascii")


NGINX = Dialect("nginx", Tells.IN_THE_LINE, passes_refusals=False)
"""`ngx_http_auth_request_module`: 2xx lets pass, 401 and 403 refuse, anything else is an error. A body in the answer
costs the connection."""
TRAEFIK = Dialect("traefik", Tells.BY_FIELDS)
"""ForwardAuth (`pkg/middlewares/auth/forward.go`): asks by GET with X-Forwarded-*, which it overwrites unless
`trustForwardHeader` is set; anything but 2xx goes to the client. Caddy's `forward_auth` speaks the same."""
ENVOY = Dialect("envoy", Tells.IN_THE_LINE, removal=b"x-envoy-auth-headers-to-remove")
"""ext_authz, HTTP service with `path_prefix` (`ext_authz_http_impl.cc`): 200 alone lets pass, 5xx is an error, anything
else goes to the client."""
HAPROXY = Dialect("haproxy", Tells.IN_THE_PATH, removal=b"munjigi-remove")
"""Our own script (docs/doors/haproxy.lua)."""

DIALECTS = {dialect.prefix: dialect for dialect in (NGINX, TRAEFIK, ENVOY, HAPROXY)}
