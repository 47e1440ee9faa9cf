"""A request as it goes to its upstream."""

from __future__ import annotations

from gateway.exchange import Forward
from gateway.inbound.header_hygiene import Treatment, UnsafeHeader, may_trail, plain_name, treatment
from gateway.proxy.request_body import ChunkedBody
from gateway.proxy.request_head import Fields, RequestHeadParser

_COOKIE = frozenset({b"cookie"})
_KNOWN_BOUND = 256

_replaceable: dict[bytes, bool] = {}


def request_bytes(request: RequestHeadParser, verdict: Forward, own_lines: bytes, body: bytes) -> bytes:
    """Head and first piece of the body of the request that was just parsed.

    What the pipeline adds replaces what the client sent under the same name. Raises `UnsafeHeader` where the pipeline's
    headers would break the message.
    """
    head = request.head
    fields = request.fields
    if fields.sent_for is not verdict:
        says = (verdict.add, verdict.cookie, verdict.drop)
        if fields.sent_says != says:
            fields.sent = _lines(fields, verdict)
            fields.sent_says = says
        fields.sent_for = verdict
    target = head.path + b"?" + head.query if head.query else head.path
    start = b"%b %b HTTP/1.1\r\n%b%b\r\n" % (head.method, target, fields.sent, own_lines)
    if request.body is None and fields.length is None and not (fields.upgrade or fields.trailers):
        return start + b"\r\n"
    lines = [start]
    if fields.trailers and not fields.upgrade:
        lines.append(b"te: trailers\r\nconnection: TE\r\n")
    if request.body is not None or fields.length is not None or fields.upgrade:
        body = _framing(request, verdict, lines, body)
    return b"".join((*lines, b"\r\n", body))


def _lines(fields: Fields, verdict: Forward) -> bytes:
    """The client's fields that pass, then those of the verdict."""
    added = verdict.add if verdict.cookie is None else (*verdict.add, (b"cookie", verdict.cookie))
    drop = verdict.drop | _COOKIE  # the client's own Cookie never passes: what may pass of it comes in the verdict
    for name, value in added:
        if b"\n" in value or b"\r" in value or b"\0" in value:
            raise UnsafeHeader("a value holds CR, LF or NUL")
        if _replaceable.get(name) is not False and _learn_name(name):
            drop |= {plain_name(name)}
    if fields.aliased:
        drop |= {name for name, _ in fields.headers if plain_name(name) in drop}
    passing = [header for header in fields.headers if header[0] not in drop]
    return b"".join([b"%b: %b\r\n" % header for header in (*passing, *added)])


def _framing(request: RequestHeadParser, verdict: Forward, lines: list[bytes], body: bytes) -> bytes:
    incomplete = request.body is not None and not request.body.complete
    if request.fields.upgrade:
        lines.append(b"connection: Upgrade\r\nupgrade: websocket\r\n")
    elif request.body is not None and request.body.chunked:
        lines.append(b"transfer-encoding: chunked\r\n")
        body = chunk(body)
        if not incomplete:
            body += last_chunk(request, verdict)
    else:
        lines.append(b"content-length: %d\r\n" % (request.fields.length or 0))
    if request.fields.expects_continue and incomplete:
        lines.append(b"expect: 100-continue\r\n")
    return body


def chunk(payload: bytes) -> bytes:
    """A piece of a body as one chunk (RFC 9112, section 7.1); nothing for nothing, since an empty chunk is the last."""
    return b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""


def last_chunk(request: RequestHeadParser, verdict: Forward | None) -> bytes:
    """The end of a body in chunks. Behind it go the trailers of a client that says `TE: trailers`, but none that a
    reader who merges them into the headers could take for one that is the gateway's to say."""
    body = request.body
    if verdict is None or not isinstance(body, ChunkedBody) or not (body.trailers and request.fields.trailers):
        return b"0\r\n\r\n"
    drop = {plain_name(name) for name in (*verdict.drop, *(name for name, _ in verdict.add))}
    kept = [line for line in body.trailers if plain_name(line[0]) not in drop and may_trail(line[0])]
    return b"0\r\n%b\r\n" % b"".join([b"%b: %b\r\n" % line for line in kept])


def _learn_name(name: bytes) -> bool:
    """Whether a client's field of that name could have come as far as here."""
    if b"\n" in name or b"\r" in name or b":" in name or name != name.lower():
        raise UnsafeHeader("a name is not a lower-case field name")
    replaceable = treatment(name) not in (Treatment.DROP, Treatment.INSPECT)
    if len(_replaceable) < _KNOWN_BOUND:
        _replaceable[name] = replaceable
    return replaceable
