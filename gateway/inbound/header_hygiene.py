"""Which header fields may pass the gateway, in both directions.

Towards upstreams: hop-by-hop fields stop here, also those that `Connection` names (RFC 9110, section 7.6.1), and so
does everything by which an upstream might be told who asks, where from or by which address: only the gateway says that.
Names are compared as the sloppiest reader would, who takes `_` and `.` for `-`, in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from gateway.header import Header

HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te",
        b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings", b"proxy-authentication-info",
    }
)  # fmt: skip

_OURS = (
    b"munjigi-", b"x-forwarded-", b"x-auth-request-", b"x-authenticated-", b"x-authentik-", b"x-pomerium-", b"x-goog-",
    b"x-ssl-", b"ssl-client", b"x-client-cert", b"x-envoy-", b"x-original-", b"x-rewrite-", b"x-webauth-", b"x-jwt-",
)  # fmt: skip
_OURS_EXACTLY = frozenset(
    {
        b"forwarded", b"x-forwarded", b"x-real-ip", b"x-client-ip", b"client-ip", b"true-client-ip",
        b"cf-connecting-ip", b"fastly-client-ip", b"x-cluster-client-ip", b"x-remote-ip", b"x-remote-addr",
        b"remote-addr", b"x-host", b"remote-user", b"x-remote-user", b"remote-groups", b"remote-email", b"remote-name",
        b"x-user", b"x-user-id", b"x-username", b"x-email", b"x-groups", b"x-roles", b"client-cert",
        b"client-cert-chain", b"proxy", b"x-http-method", b"x-http-method-override", b"x-method-override",
    }
)  # fmt: skip

_OWN_COOKIES = (b"__host-munjigi", b"__secure-munjigi", b"munjigi")


FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Treatment(IntEnum):
    """What becomes of a request header field."""

    PASS = 0
    DROP = 1
    INSPECT = 2
    """Framing, routing or forwarding: the data path reads it and decides."""
    ALIAS = 3
    """Passes, unless the gateway adds the field that sloppy readers take it for."""


_INSPECTED = frozenset(
    {
        b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect", b"x-forwarded-for",
        b"client-cert", b"traceparent", b"tracestate", b"te",
    }
)  # fmt: skip

_NEVER_TRAIL = (
    b"accept", b"age", b"alt-svc", b"authentication-info", b"authorization", b"cache-control", b"clear-site-data",
    b"content-", b"cookie", b"cross-origin-", b"date", b"dpop", b"expect", b"expires", b"host", b"if-", b"location",
    b"max-forwards", b"origin", b"permissions-policy", b"pragma", b"proxy-", b"range", b"referer", b"referrer-policy",
    b"refresh", b"retry-after", b"sec-", b"set-cookie", b"signature", b"strict-transport-security", b"te",
    b"transfer-encoding", b"user-agent", b"vary", b"warning", b"www-authenticate", b"x-content-", b"x-frame-",
)  # fmt: skip
"""What begins like this decides who asks, where the message ends, how it is read or what may be done with it: before
the content, or never (RFC 9110, section 6.5.1)."""


def treatment(name: bytes) -> Treatment:
    """What becomes of the request header field of that lower-case name."""
    alias = plain_name(name)
    # an alias of a field that we read is a second, different reading of it: of one that says where the body ends, there
    # is none that is safe, and the data path refuses it
    if name in _INSPECTED or alias in FRAMING:
        return Treatment.INSPECT
    if alias in HOP_BY_HOP or alias in _OURS_EXACTLY or alias.startswith(_OURS):
        return Treatment.DROP
    if alias != name:
        return Treatment.DROP if alias in _INSPECTED else Treatment.ALIAS
    return Treatment.PASS


def may_trail(name: bytes) -> bool:
    """Whether a field of that lower-case name may stand behind a body. One that somebody might merge into the headers
    must not be able to do harm there: an alias of another name does not pass at all."""
    return treatment(name) is Treatment.PASS and not name.startswith(_NEVER_TRAIL)


def plain_name(name: bytes) -> bytes:
    """A field name as the sloppiest reader takes it."""
    return name.lower().replace(b"_", b"-").replace(b".", b"-")


class RequestNames:
    """Lower-case form and treatment of field names as they are sent, remembered within bounds."""

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self.known: dict[bytes, tuple[bytes, Treatment]] = {}

    def learn(self, name: bytes) -> tuple[bytes, Treatment]:
        """Both, for a name that is not in `known`."""
        lower = name.lower()
        found = (lower, treatment(lower))
        if len(self.known) < self._capacity and len(name) <= 64:
            self.known[name] = found
        return found


def named_by_connection(values: Iterable[bytes]) -> set[bytes]:
    """The lower-case field names and options that one or several, maybe empty, `Connection` lines list."""
    return {token for value in values for part in value.split(b",") if (token := part.strip(b" \t").lower())}


def strip_named(headers: list[Header], named: set[bytes]) -> list[Header]:
    """The headers without those that `Connection` named, under any alias."""
    aliases = {plain_name(name) for name in named}
    return [header for header in headers if plain_name(header[0]) not in aliases]


class UnsafeHeader(ValueError):
    """A header that this process made would break the message; nothing is sent."""


def generated_lines(headers: Iterable[Header]) -> bytes:
    """Header lines for fields that the gateway itself adds. Raises `UnsafeHeader` on CR, LF or NUL."""
    lines = []
    for name, value in headers:
        if b"\n" in value or b"\r" in value or b"\0" in value or b"\n" in name or b"\r" in name or b":" in name:
            raise UnsafeHeader(name.decode("latin-1"))
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)


def response_passes(name: bytes) -> bool:
    """Whether a response field of that lower-case name passes from an upstream to the client.

    `Munjigi-*` stops here: only the gateway speaks under that name. Framing fields are decided by the data path.
    """
    return name not in HOP_BY_HOP and name != b"content-length" and not plain_name(name).startswith(b"munjigi-")


def sets_own_cookie(value: bytes) -> bool:
    """Whether a `Set-Cookie` of an upstream names a cookie of the gateway's, which only the gateway sets.

    Names are compared as RFC 6265bis, section 5.7 has the `__Host-` prefix compared: in any case, and also where a
    cookie without a name would be sent back as if its value were one.
    """
    return value.lstrip(b" \t=").lower().startswith(_OWN_COOKIES)
