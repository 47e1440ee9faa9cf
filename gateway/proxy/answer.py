"""Answers that the gateway gives itself, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from config.problem import CORRELATION_HEADER, PROBLEM_JSON, Problem
from gateway.exchange import Answer
from gateway.header import Header
from gateway.inbound.header_hygiene import generated_lines

CORRELATION = CORRELATION_HEADER.lower().encode("ascii")
CLOSE = b"connection: close\r\n"
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


STATUS_LINE = [_status_line(status) for status in range(600)]


def answer_bytes(
    answer: Answer, *, correlation_id: str, keep_alive: bool, without_body: bool, default_headers: Sequence[Header]
) -> bytes:
    """A whole response. `without_body`: the request was HEAD. Raises `UnsafeHeader`."""
    status = answer.status
    lines = [STATUS_LINE[status], generated_lines(default_headers)]
    lines.append(generated_lines([header for header in answer.headers if header[0].lower() not in _FRAMING]))
    bodiless = status in (204, 304) or status < 200
    if not bodiless:
        lines.append(b"content-length: %d\r\n" % len(answer.body))
    lines.append(generated_lines([(CORRELATION, correlation_id.encode("ascii"))]))
    if not keep_alive:
        lines.append(CLOSE)
    lines.append(b"\r\n")
    if not (without_body or bodiless):
        lines.append(answer.body)
    return b"".join(lines)


def problem_answer(problem: Problem, correlation_id: str) -> Answer:
    """A problem as an answer that no cache keeps."""
    headers: list[Header] = [
        (b"content-type", PROBLEM_JSON.encode("ascii")),
        (b"cache-control", b"no-store"),
        *((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in problem.headers.items()),
    ]
    if problem.kind.status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" not in problem.headers:
        headers.append((b"retry-after", b"1"))
    return Answer(problem.kind.status, headers, msgspec.json.encode(problem.document(correlation_id)))
