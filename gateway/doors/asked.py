"""What a proxy says of the request that it holds, read as strictly as a request of the gateway's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from config.problem import Problem
from gateway.doors.dialect import DIALECTS, Dialect, Tells
from gateway.doors.doors import Doors
from gateway.doors.problems import NOT_SAID, UNKNOWN_DOOR
from gateway.exchange import ClientCertificate, RequestHead
from gateway.header import Header
from gateway.inbound.canonical_path import AmbiguousTarget
from gateway.inbound.client_certificate import told_by_proxy
from gateway.inbound.header_hygiene import HOP_BY_HOP, Treatment, named_by_connection, plain_name
from gateway.proxy.problems import (
    AMBIGUOUS_TARGET,
    HEAD_TOO_LARGE,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    TARGET_TOO_LONG,
)
from gateway.proxy.request_head import METHODS
from gateway.telemetry.trace_context import TRACE, TRACE_FIELDS, believed

_HOST, _METHOD, _TARGET = b"x-forwarded-host", b"x-forwarded-method", b"x-forwarded-uri"
_NOT_ONWARD = frozenset({_HOST, _METHOD, _TARGET, b"client-cert"})
_CONNECTION_OPTIONS = frozenset({b"close", b"keep-alive", b"upgrade", b"te"})
_HANDSHAKE = (b"sec-websocket-key", b"sec-websocket-version")
_IN_THE_LINE, _BY_FIELDS = Tells.IN_THE_LINE, Tells.BY_FIELDS
_PASS, _ALIAS, _INSPECT = Treatment.PASS, Treatment.ALIAS, Treatment.INSPECT


@dataclass(slots=True, eq=False)
class Said:
    """What the header fields say, whatever the request line is."""

    host: bytes
    headers: list[Header]
    client: str
    whole: bool
    """Neither host nor client is missing."""
    keep_alive: bool
    upgrade: bool
    method: bytes = b""
    target: bytes = b""
    """Where fields tell method and target."""
    stopped: frozenset[bytes] = frozenset()
    """Names, in lower case, of the client's fields that may not go on."""
    notes: dict[str, Any] = field(default_factory=dict)
    certificate: ClientCertificate | None = None
    """The client's, where the asking proxy is believed to have seen it."""


class AskedParser:
    """Reads one question after the other of one connection.

    Of a question with the very same header fields only the request line is read.
    """

    said: Said

    def __init__(self, doors: Doors) -> None:
        self.dialect: Dialect | None = None
        """Of the last question, once its header fields were read; None: it was none."""
        self._doors = doors
        self._door = door = doors.door
        self._known = door.names.known
        self._learn = door.names.learn
        self._split = door.targets.split
        self._scheme = door.scheme
        self._longest_target = door.limits.target
        self._parser = HttpRequestParser(self)
        self._headers: list[Header] = []
        self._special: list[Header] = []
        self._stopped: list[bytes] = []
        self._seen = b""
        self._seen_by: Dialect | None = None
        self._seen_whole = b""
        """The last question, where it may be taken again for the same one."""
        self._asked = (b"", b"", b"")
        """Its method, path and query."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Callback of llhttp."""
        known = self._known.get(name)
        lower, kind = known if known is not None else self._learn(name)
        if kind is _PASS or kind is _ALIAS:
            self._headers.append((lower, value))
        elif kind is _INSPECT or lower in (_HOST, _METHOD, _TARGET):
            self._special.append((lower, value))
        elif plain_name(lower) not in HOP_BY_HOP:
            self._stopped.append(lower)

    def parse(self, raw: bytes, correlation_id: str) -> RequestHead:
        """The request that a proxy holds; `raw` is the head of its question, the empty line included.

        Raises `Problem`; where `dialect` is set, it is of the request, otherwise of the question itself.
        """
        if raw == self._seen_whole:
            self.dialect = self._seen_by
            return self._head(self.said, *self._asked, correlation_id)
        self.dialect = None
        self._seen_whole = b""
        end = raw.find(b"\r\n")
        following = raw[end:]
        parts = raw[:end].split(b" ")
        if len(parts) != 3 or (parts[2] != b"HTTP/1.1" and parts[2] != b"HTTP/1.0"):
            raise Problem(MALFORMED_REQUEST)
        method, asked, version = parts
        end = asked.find(b"/", 1)
        dialect = DIALECTS.get(asked if end < 0 else asked[:end])
        if dialect is None:
            raise Problem(UNKNOWN_DOOR)
        if following == self._seen and dialect is self._seen_by and version == b"HTTP/1.1":
            said = self.said
        else:
            self._seen = b""
            self.said = said = self._read(raw, dialect, version == b"HTTP/1.1")
            if version == b"HTTP/1.1":
                self._seen, self._seen_by = following, dialect
        self.dialect = dialect
        if dialect.tells is _IN_THE_LINE:
            target = asked[end:] if end > 0 else b""
        elif dialect.tells is _BY_FIELDS:
            method, target = said.method, said.target
        else:
            method, _, target = asked[end + 1 :].partition(b"/") if end > 0 else (b"", b"", b"")
            target = b"/" + target
        if method not in METHODS:
            raise Problem(METHOD_NOT_ALLOWED)
        if len(target) > self._longest_target:
            raise Problem(TARGET_TOO_LONG)
        if not said.whole:
            raise Problem(NOT_SAID)
        try:
            path, query = self._split(target)
        except AmbiguousTarget as error:
            raise Problem(AMBIGUOUS_TARGET, private=str(error)) from None
        if self._seen:
            self._seen_whole, self._asked = raw, (method, path, query)
        return self._head(said, method, path, query, correlation_id)

    def _head(self, said: Said, method: bytes, path: bytes, query: bytes, correlation_id: str) -> RequestHead:
        return RequestHead(
            method,
            said.host,
            path,
            query,
            said.headers,
            said.client,
            self._scheme,
            said.upgrade,
            correlation_id,
            said.notes,
            certificate=said.certificate,
        )

    def _read(self, raw: bytes, dialect: Dialect, takes_chunks: bool) -> Said:
        door = self._door
        headers: list[Header] = []
        special: list[Header] = []
        self._headers, self._special, self._stopped = headers, special, []
        self._feed(raw)
        if len(headers) + len(special) > door.limits.headers:
            raise Problem(HEAD_TOO_LARGE)
        fields: dict[bytes, list[bytes]] = {}
        for name, value in special:
            fields.setdefault(name, []).append(value.strip(b" \t"))
        if fields.get(b"content-length", [b"0"]) != [b"0"] or b"transfer-encoding" in fields:
            raise Problem(MALFORMED_REQUEST, "A question has no body.")
        options = named_by_connection(fields.get(b"connection", ()))
        if not options <= _CONNECTION_OPTIONS:
            raise Problem(MALFORMED_REQUEST, "Connection names a field.")
        trace = [header for header in special if header[0] in TRACE_FIELDS]
        by_fields = dialect.tells is _BY_FIELDS
        host = door.hosts.name(_only(fields, _HOST if by_fields else b"host")) or b""
        if host and (authority := self._doors.authority(host)) is not None:
            headers.append((b"host", authority.encode()))
        client = self._doors.client(fields.get(b"x-forwarded-for", ()))
        return Said(
            host=host,
            headers=headers,
            client=client,
            whole=bool(host and client),
            keep_alive=takes_chunks and b"close" not in options,
            # a proxy may keep `Upgrade` to itself; a browser's handshake cannot do without one of these (RFC 6455,
            # section 4.1; RFC 8441, section 5)
            upgrade=b"websocket" in (value.lower() for value in fields.get(b"upgrade", ()))
            or any(name in _HANDSHAKE for name, _ in headers),
            method=_only(fields, _METHOD) if by_fields else b"",
            target=_only(fields, _TARGET) if by_fields else b"",
            stopped=frozenset(self._stopped) | (fields.keys() & _NOT_ONWARD),
            notes={TRACE: believed(trace)[0]} if trace else {},
            certificate=told_by_proxy(_only(fields, b"client-cert")) if door.certificates else None,
        )

    def _feed(self, raw: bytes) -> None:
        try:
            self._parser.feed_data(raw)
        except HttpParserUpgrade:
            pass
        except HttpParserError as error:
            self._parser = HttpRequestParser(self)
            raise Problem(MALFORMED_REQUEST, private=str(error)) from None


def _only(fields: dict[bytes, list[bytes]], name: bytes) -> bytes:
    """The value of a field that stands exactly once; nothing otherwise."""
    values = fields.get(name, ())
    return values[0] if len(values) == 1 else b""
