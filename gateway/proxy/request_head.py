"""A request's head: parsed strictly, judged, made clean.

llhttp (strict) refuses bare LF and CR, obs-fold, controls, malformed names and lengths, and Content-Length beside
Transfer-Encoding. What it takes leniently is refused here: other versions and methods, absolute and asterisk forms,
spaces, codings other than `chunked`, a missing or doubled Host, and all that `canonical_path` calls ambiguous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from config.problem import Problem
from gateway.exchange import ClientCertificate, RequestHead
from gateway.header import Header
from gateway.inbound.canonical_path import AmbiguousTarget
from gateway.inbound.client_certificate import told_by_proxy
from gateway.inbound.header_hygiene import Treatment, named_by_connection, strip_named
from gateway.proxy.door import Door
from gateway.proxy.problems import (
    AMBIGUOUS_TARGET,
    EXPECTATION_FAILED,
    HEAD_TOO_LARGE,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    TARGET_TOO_LONG,
    UPGRADE_REQUIRED,
    UPGRADE_UNKNOWN,
    VERSION_NOT_SUPPORTED,
)
from gateway.proxy.request_body import ChunkedBody, RequestBody, SizedBody
from gateway.proxy.websocket import is_handshake_key
from gateway.telemetry.trace_context import TRACE, TRACE_FIELDS, believed

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"})
_CONNECTION_OPTIONS = frozenset({b"close", b"keep-alive", b"upgrade", b"te", b"http2-settings"})
_IGNORED_UPGRADES = frozenset({b"websocket", b"h2c", b"tls/1.0", b"tls/1.2", b"tls/1.3"})
"""Offers beside websockets that a server may leave lie: the answer comes as HTTP/1.1 (RFC 9110, section 7.8)."""
_NEVER_NAMED = frozenset({b"host", b"content-length", b"transfer-encoding"})
_PASS = Treatment.PASS
_DROP = Treatment.DROP
_ALIAS = Treatment.ALIAS


@dataclass(slots=True)
class Fields:
    """What the header fields of a request say, whatever its request line is."""

    host: bytes
    headers: list[Header]
    aliased: bool
    """Some field's name holds `_` or `.`, which sloppy readers take for `-`."""
    client: str
    length: int | None
    """Content-Length, where one was sent."""
    chunked: bool
    keep_alive: bool
    upgrade: bool
    """A websocket is asked for."""
    expects_continue: bool
    trailers: bool
    """The client takes trailers, and may send some."""
    notes: dict[str, Any]
    """What the pipeline worked out of them before."""
    certificate: ClientCertificate | None
    sent_for: object = None
    """The last verdict."""
    sent_says: object = None
    """What it said of them."""
    sent: bytes = b""
    """What `forwarding` made of them by it: they and what it adds, as lines."""


class RequestHeadParser:
    """Parses one head after the other of one connection, and says of the last one what the data path must know.

    Of a client that sends the very same header fields again, as programs and pages do, only the request line is read.
    """

    head: RequestHead
    fields: Fields
    body: RequestBody | None
    """Reads the body; None: there is none."""
    takes_chunks: bool
    """The client speaks HTTP/1.1."""

    def __init__(
        self, door: Door, peer: str, *, secure: bool = False, certificate: ClientCertificate | None = None
    ) -> None:
        """`secure`: TLS ends here, where `certificate` was shown; then nobody is believed who tells of another one."""
        self._door = door
        self._certificate = certificate
        self._believes_proxies = door.certificates and not secure
        self._known = door.names.known
        self._learn = door.names.learn
        self._client = door.addresses.peer(peer)
        self._peer = peer
        self._trusted = door.addresses.trusts(peer)
        self._parser: HttpRequestParser | None = None
        self._headers: list[Header] = []
        self._special: list[Header] = []
        self._aliased = False
        self._seen = b""
        """The version and the header fields that `fields` says; empty: they may not be taken again."""
        self._seen_whole = b""
        """All that `head` says, where it may be taken again."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Callback of llhttp."""
        known = self._known.get(name)
        lower, kind = known if known is not None else self._learn(name)
        if kind is _PASS:
            self._headers.append((lower, value))
        elif kind is _ALIAS:
            self._headers.append((lower, value))
            self._aliased = True
        elif kind is not _DROP:
            self._special.append((lower, value))

    def repeats(self, raw: bytes) -> bool:
        """Whether this head is well-formed and without a body, as its fields are those of the last one."""
        if raw == self._seen_whole:
            return True
        line, _, following = raw.partition(b"\r\n")
        return bool(self._seen) and following == self._seen and line.endswith(b" HTTP/1.1") and self.takes_chunks

    def parse(self, raw: bytes, correlation_id: str) -> RequestHead:
        """The request whose head is `raw`, its empty line included. Raises `Problem`; the connection then ends."""
        door = self._door
        if raw == self._seen_whole:
            head, fields = self.head, self.fields
            self.head = head = RequestHead(
                head.method,
                fields.host,
                head.path,
                head.query,
                fields.headers,
                fields.client,
                door.scheme,
                False,
                correlation_id,
                fields.notes,
                fields.certificate,
            )
            return head
        limits = door.limits
        self._seen_whole = b""
        line, _, following = raw.partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) != 3:
            raise Problem(MALFORMED_REQUEST)
        method, target, version = parts
        if version != b"HTTP/1.1" and version != b"HTTP/1.0":
            raise Problem(VERSION_NOT_SUPPORTED if version[:5] == b"HTTP/" else MALFORMED_REQUEST)
        if method not in METHODS:
            raise Problem(METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"})
        if len(target) > limits.target:
            raise Problem(TARGET_TOO_LONG)
        if following == self._seen and self.takes_chunks is (version == b"HTTP/1.1"):
            fields = self.fields
        else:
            self.takes_chunks = version == b"HTTP/1.1"
            self._seen = b""
            self.fields = fields = self._read(raw)
            if fields.length is None and not (fields.chunked or fields.upgrade):
                self._seen = following
        try:
            path, query = door.targets.split(target)
        except AmbiguousTarget as error:
            raise Problem(AMBIGUOUS_TARGET, private=str(error)) from None
        self.head = head = RequestHead(
            method,
            fields.host,
            path,
            query,
            fields.headers,
            fields.client,
            door.scheme,
            fields.upgrade,
            correlation_id,
            fields.notes,
            fields.certificate,
        )
        self.body = None
        if fields.chunked:
            self.body = ChunkedBody()
        elif fields.length:
            self.body = SizedBody(fields.length)
        if self.body is not None:
            self._parser = None  # it waits for a body that is counted elsewhere
        if fields.upgrade:
            _require_handshake(head, self.body)
        if self._seen:
            self._seen_whole = raw
        return head

    def _read(self, raw: bytes) -> Fields:
        door = self._door
        headers: list[Header] = []
        special: list[Header] = []
        self._headers = headers
        self._special = special
        self._aliased = False
        self._feed(raw)
        if len(headers) + len(special) > door.limits.headers:
            raise Problem(HEAD_TOO_LARGE)
        host: bytes | None = None
        length: int | None = None
        upgrade = b""
        chunked = expects_continue = trailers = False
        connection: list[bytes] = []
        forwarded_for: list[bytes] = []
        certificates: list[bytes] = []
        trace: list[Header] = []
        for name, value in special:
            if name == b"host":
                if host is not None:
                    raise Problem(MALFORMED_REQUEST, "The request has more than one Host.")
                host = value.strip(b" \t")
                headers.append((name, host))
            elif name == b"connection":
                connection.append(value)
            elif name == b"content-length":
                length = _length(value, doubled=length is not None)
            elif name == b"transfer-encoding":
                if chunked or value.strip(b" \t").lower() != b"chunked" or not self.takes_chunks:
                    raise Problem(MALFORMED_REQUEST, "The only transfer coding is one `chunked`.")
                chunked = True
            elif name == b"upgrade":
                upgrade = value.strip(b" \t").lower()
            elif name == b"x-forwarded-for":
                forwarded_for.append(value)
            elif name == b"client-cert":
                certificates.append(value)
            elif name in TRACE_FIELDS:
                trace.append((name, value))
            elif name == b"te":
                trailers = trailers or (self.takes_chunks and b"trailers" in named_by_connection([value]))
            elif name != b"expect":
                raise Problem(MALFORMED_REQUEST, "A field looks like one that says where the body ends.")
            elif value.strip(b" \t").lower() == b"100-continue":
                expects_continue = self.takes_chunks
            else:
                raise Problem(EXPECTATION_FAILED)
        host_name = door.hosts.name(host) if host is not None else None
        if host_name is None:
            raise Problem(MALFORMED_REQUEST, "The request has no usable Host.")
        if chunked and length is not None:
            raise Problem(MALFORMED_REQUEST, "The request has two framings.")
        notes: dict[str, Any] = {}
        if self._trusted and trace:
            parent, passing = believed(trace)
            notes[TRACE] = parent
            headers += passing if door.telemetry.tracing is None else passing[1:]
        certificate = self._certificate
        if self._believes_proxies and self._trusted and len(certificates) == 1:
            certificate = told_by_proxy(certificates[0])
        options: set[bytes] = set()
        if connection:
            options = named_by_connection(connection)
            named = options - _CONNECTION_OPTIONS
            if not named.isdisjoint(_NEVER_NAMED):
                raise Problem(MALFORMED_REQUEST, "Connection names a field that is not hop-by-hop.")
            if named:
                headers = strip_named(headers, named)
        if (
            upgrade
            and b"upgrade" in options
            and self.takes_chunks
            and not _IGNORED_UPGRADES.issuperset(named_by_connection([upgrade]))
        ):
            raise Problem(UPGRADE_UNKNOWN)
        return Fields(
            host=host_name,
            headers=headers,
            aliased=self._aliased,
            client=door.addresses.forwarded(self._peer, forwarded_for) if self._trusted else self._client,
            length=length,
            chunked=chunked,
            keep_alive=self.takes_chunks and b"close" not in options,
            upgrade=self.takes_chunks and upgrade == b"websocket" and b"upgrade" in options,
            expects_continue=expects_continue and (chunked or bool(length)),
            trailers=trailers,
            notes=notes,
            certificate=certificate,
        )

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
