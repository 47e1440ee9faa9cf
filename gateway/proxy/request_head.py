"""A request's head: parsed strictly, judged, made clean.

llhttp (strict) refuses bare LF and CR, obs-fold, controls, malformed names and lengths, and Content-Length beside
Transfer-Encoding. What it takes leniently is refused here: other versions and methods, absolute and asterisk forms,
spaces, codings other than `chunked`, a missing or doubled Host, and all that `canonical_path` calls ambiguous.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from config.problem import Problem
from gateway.canonical_path import AmbiguousTarget
from gateway.exchange import Header, RequestHead
from gateway.header_hygiene import Treatment, named_by_connection, strip_named
from gateway.proxy.door import Door
from gateway.proxy.problems import (
    AMBIGUOUS_TARGET,
    BODY_TOO_LARGE,
    EXPECTATION_FAILED,
    HEAD_TOO_LARGE,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    TARGET_TOO_LONG,
    UPGRADE_REQUIRED,
    VERSION_NOT_SUPPORTED,
)
from gateway.proxy.request_body import ChunkedBody, RequestBody, SizedBody
from gateway.proxy.websocket import is_handshake_key

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"})
_CONNECTION_OPTIONS = frozenset({b"close", b"keep-alive", b"upgrade", b"te", b"http2-settings"})
_NEVER_NAMED = frozenset({b"host", b"content-length", b"transfer-encoding"})
_PASS = Treatment.PASS
_DROP = Treatment.DROP
_ALIAS = Treatment.ALIAS


class RequestHeadParser:
    """Parses one head after the other of one connection, and says of the last one what the data path must know."""

    __slots__ = (
        "_client",
        "_door",
        "_headers",
        "_known",
        "_learn",
        "_parser",
        "_peer",
        "_special",
        "_trusted",
        "aliased",
        "body",
        "expects_continue",
        "head",
        "keep_alive",
        "length",
        "takes_chunks",
    )

    head: RequestHead
    body: RequestBody | None
    """Reads the body; None: there is none."""
    length: int | None
    """Content-Length, where one was sent."""
    keep_alive: bool
    takes_chunks: bool
    """The client speaks HTTP/1.1."""
    expects_continue: bool
    aliased: bool
    """Some field's name holds `_` or `.`, which sloppy readers take for `-`."""

    def __init__(self, door: Door, peer: str) -> None:
        self._door = door
        self._known = door.names.known
        self._learn = door.names.learn
        self._client = door.addresses.peer(peer)
        self._peer = peer
        self._trusted = door.addresses.trusts(peer)
        self._parser: HttpRequestParser | None = None
        self._headers: list[Header] = []
        self._special: list[Header] = []
        self.aliased = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Callback of llhttp."""
        known = self._known.get(name)
        lower, kind = known if known is not None else self._learn(name)
        if kind is _PASS:
            self._headers.append((lower, value))
        elif kind is _ALIAS:
            self._headers.append((lower, value))
            self.aliased = True
        elif kind is not _DROP:
            self._special.append((lower, value))

    def parse(self, raw: bytes, correlation_id: str) -> RequestHead:
        """The request whose head is `raw`, its empty line included. Raises `Problem`; the connection then ends."""
        door = self._door
        limits = door.limits
        parts = raw[: raw.index(b"\r\n")].split(b" ")
        if len(parts) != 3:
            raise Problem(MALFORMED_REQUEST)
        method, target, version = parts
        if version != b"HTTP/1.1" and version != b"HTTP/1.0":
            raise Problem(VERSION_NOT_SUPPORTED if version[:5] == b"HTTP/" else MALFORMED_REQUEST)
        if method not in METHODS:
            raise Problem(METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"})
        if len(target) > limits.target:
            raise Problem(TARGET_TOO_LONG)
        headers: list[Header] = []
        special: list[Header] = []
        self._headers = headers
        self._special = special
        self.aliased = False
        self._feed(raw)
        if len(headers) + len(special) > limits.headers:
            raise Problem(HEAD_TOO_LARGE)

        host = length = coding = upgrade = None
        connection: list[bytes] = []
        forwarded_for: list[bytes] = []
        expects_continue = False
        for name, value in special:
            if name == b"host":
                if host is not None:
                    raise Problem(MALFORMED_REQUEST, "The request has more than one Host.")
                host = value.strip(b" \t")
                headers.append((name, host))
            elif name == b"connection":
                connection.append(value)
            elif name == b"content-length":
                length = self._length(value, doubled=length is not None)
            elif name == b"transfer-encoding":
                if coding is not None or value.strip(b" \t").lower() != b"chunked" or version != b"HTTP/1.1":
                    raise Problem(MALFORMED_REQUEST, "The only transfer coding is one `chunked`.")
                coding = value
            elif name == b"upgrade":
                upgrade = value.strip(b" \t").lower()
            elif name == b"x-forwarded-for":
                forwarded_for.append(value)
            elif value.strip(b" \t").lower() == b"100-continue":
                expects_continue = version == b"HTTP/1.1"
            else:
                raise Problem(EXPECTATION_FAILED)

        host_name = door.hosts.name(host) if host is not None else None
        if host_name is None:
            raise Problem(MALFORMED_REQUEST, "The request has no usable Host.")
        if coding is not None and length is not None:
            raise Problem(MALFORMED_REQUEST, "The request has two framings.")
        keep_alive = version == b"HTTP/1.1"
        wants_upgrade = False
        if connection:
            named = named_by_connection(connection)
            keep_alive = keep_alive and b"close" not in named
            wants_upgrade = upgrade == b"websocket" and b"upgrade" in named and version == b"HTTP/1.1"
            named -= _CONNECTION_OPTIONS
            if named:
                if not named.isdisjoint(_NEVER_NAMED):
                    raise Problem(MALFORMED_REQUEST, "Connection names a field that is not hop-by-hop.")
                headers = strip_named(headers, named)
        try:
            path, query = door.targets.split(target)
        except AmbiguousTarget as error:
            raise Problem(AMBIGUOUS_TARGET, private=str(error)) from None

        head = RequestHead(
            method,
            host_name,
            path,
            query,
            headers,
            door.addresses.forwarded(self._peer, forwarded_for) if self._trusted else self._client,
            door.scheme,
            wants_upgrade,
            correlation_id,
        )
        body: RequestBody | None = None
        if coding is not None:
            body = ChunkedBody()
        elif length:
            if length > limits.body:
                raise Problem(BODY_TOO_LARGE)
            body = SizedBody(length)
        if body is not None:
            self._parser = None  # it waits for a body that is counted elsewhere
        if wants_upgrade:
            _require_handshake(head, body)
        self.head = head
        self.body = body
        self.length = length
        self.keep_alive = keep_alive
        self.takes_chunks = version == b"HTTP/1.1"
        self.expects_continue = expects_continue and body is not None
        return head

    def _feed(self, raw: bytes) -> None:
        parser = self._parser
        if parser is None:
            self._parser = parser = HttpRequestParser(self)
        try:
            parser.feed_data(raw)
        except HttpParserUpgrade:
            pass  # an upgrade that is asked for is no error; the parser begins anew
        except HttpParserError as error:
            raise Problem(MALFORMED_REQUEST, private=str(error)) from None

    @staticmethod
    def _length(value: bytes, *, doubled: bool) -> int:
        value = value.strip(b" \t")
        if doubled or not value.isdigit() or len(value) > 15:
            raise Problem(MALFORMED_REQUEST, "Content-Length is not one number.")
        return int(value)


def _require_handshake(head: RequestHead, body: RequestBody | None) -> None:
    """RFC 6455, section 4.2.1."""
    if head.get(b"sec-websocket-version") != b"13":
        raise Problem(UPGRADE_REQUIRED, headers={"Sec-WebSocket-Version": "13"})
    key = head.get(b"sec-websocket-key")
    if head.method != b"GET" or body is not None or key is None or not is_handshake_key(key):
        raise Problem(MALFORMED_REQUEST, "The websocket handshake is not well-formed.")
