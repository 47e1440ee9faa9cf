"""A request as it goes to its upstream."""

from __future__ import annotations

from gateway.exchange import Forward
from gateway.inbound.header_hygiene import Treatment, UnsafeHeader, may_trail, plain_name, treatment
from gateway.proxy.request_body import ChunkedBody
from gateway.proxy.request_head import Fields, RequestHeadParser

_COOKIE = frozenset({b"cookie"})
_KNOWN_BOUND = 256

_drops: dict[frozenset[bytes], frozenset[bytes]] = {}
_replaceable: dict[bytes, bool] = {}


def request_bytes(request: RequestHeadParser, verdict: Forward, correlation_line: bytes, body: bytes) -> bytes:
    """Head and first piece of the body of the request that was just parsed.

    What the pipeline adds replaces what the client sent under the same name. Raises `UnsafeHeader` where the pipeline's
    headers would break the message.
    """
    head = request.head
    drop = _drops.get(verdict.drop) or _learn_drop(verdict.drop)
    added = verdict.add if verdict.cookie is None else (*verdict.add, (b"cookie", verdict.cookie))
    values = b" ".join([value for _, value in added])
    if b"\n" in values or b"\r" in values or b"\0" in values:
        raise UnsafeHeader("a value holds CR, LF or NUL")
    for name, _ in added:
        if _replaceable.get(name) is not False and _learn_name(name):
            drop |= {plain_name(name)}
    fields = request.fields
    sent = fields.lines.get(drop)
    if sent is None:
        sent = fields.lines[drop] = _lines(fields, drop)
    line = b": ".join
    target = head.path + b"?" + head.query if head.query else head.path
    lines = [b"%b %b HTTP/1.1" % (head.method, target)]
    if sent:
        lines.append(sent)
    lines += [line(header) for header in added]
    lines.append(correlation_line)
    if fields.trailers and not fields.upgrade:
        lines += (b"te: trailers", b"connection: TE")
    if request.body is not None or fields.length is not None or fields.upgrade:
        body = _framing(request, verdict, lines, body)
    lines += (b"", body)
    return b"\r\n".join(lines)


def _lines(fields: Fields, drop: frozenset[bytes]) -> bytes:
    if fields.aliased:
        drop |= {name for name, _ in fields.headers if plain_name(name) in drop}
    return b"\r\n".join([b": ".join(header) for header in fields.headers if header[0] not in drop])


def _framing(request: RequestHeadParser, verdict: Forward, lines: list[bytes], body: bytes) -> bytes:
    incomplete = request.body is not None and not request.body.complete
    if request.fields.upgrade:
        lines += (b"connection: Upgrade", b"upgrade: websocket")
    elif request.body is not None and request.body.chunked:
        lines.append(b"transfer-encoding: chunked")
        body = chunk(body)
        if not incomplete:
            body += last_chunk(request, verdict)
    else:
        lines.append(b"content-length: %d" % (request.fields.length or 0))
    if request.fields.expects_continue and incomplete:
        lines.append(b"expect: 100-continue")
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
    drop = {*verdict.drop, *(name for name, _ in verdict.add)}
    kept = [line for line in body.trailers if line[0] not in drop and may_trail(line[0])]
    return b"0\r\n%b\r\n" % b"".join([b"%b: %b\r\n" % line for line in kept])


def _learn_drop(drop: frozenset[bytes]) -> frozenset[bytes]:
    # the client's own Cookie never passes: what may pass of it comes in the verdict
    known = drop | _COOKIE
    if len(_drops) < _KNOWN_BOUND:
        _drops[drop] = known
    return known


def _learn_name(name: bytes) -> bool:
    """Whether a client's field of that name could have come as far as here."""
    if b"\n" in name or b"\r" in name or b":" in name or name != name.lower():
        raise UnsafeHeader("a name is not a lower-case field name")
    replaceable = treatment(name) not in (Treatment.DROP, Treatment.INSPECT)
    if len(_replaceable) < _KNOWN_BOUND:
        _replaceable[name] = replaceable
    return replaceable
