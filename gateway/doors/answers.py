"""A verdict as each kind of proxy understands it. Nothing but a `Forward` is ever told as 2xx."""

from __future__ import annotations

from config.problem import PROBLEM_JSON, Problem
from gateway.doors.asked import Said
from gateway.doors.dialect import Dialect
from gateway.doors.problems import NOT_AT_A_DOOR
from gateway.exchange import Answer, Forward
from gateway.inbound.header_hygiene import generated_lines, plain_name
from gateway.proxy.answer import CLOSE, CORRELATION, STATUS_LINE, answer_bytes, problem_answer

_PASSES = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"
_ASKS_PLAIN = b"accept-encoding"
"""Asked of upstreams whose pages the gateway's own proxy changes; at a door nobody does."""
_OF_THE_ANSWER = frozenset((b"content-type", b"content-length", b"cache-control", b"location", b"connection"))
_PERSON = b"munjigi-person: 1\r\n"
_LONGEST_DOCUMENT = 2048


def passing(dialect: Dialect, verdict: Forward, said: Said) -> bytes:
    """The head of the answer that lets the request pass, up to its correlation id: with the fields that take the place
    of what the client sent. Raises `UnsafeHeader`."""
    added = [header for header in verdict.add if header[0] != _ASKS_PLAIN]
    if verdict.cookie is not None:
        added.append((b"cookie", verdict.cookie))
    if dialect.removal and (removed := _removed(verdict, said)):
        added.append((dialect.removal, b",".join(removed)))
    return _PASSES + generated_lines(added)


def _removed(verdict: Forward, said: Said) -> list[bytes]:
    """The names of the client's fields that may not go on, as they were sent."""
    added = {name for name, _ in verdict.add}
    if verdict.cookie is not None:
        added.add(b"cookie")
    gone = added | verdict.drop | {b"cookie"}
    sent = {name for name, _ in said.headers if plain_name(name) in gone} | said.stopped
    return sorted(name for name in sent if name not in added and not name.startswith(b"x-envoy-"))


def refuses(
    dialect: Dialect | None, answer: Answer, *, correlation_id: str, keep_alive: bool, without_body: bool, person: bool
) -> bytes:
    """The request may not pass. `person`: somebody waits for a page. `dialect` None: the question was none."""
    if answer.status < 300:
        answer, person = problem_answer(Problem(NOT_AT_A_DOOR), correlation_id), False
    if dialect is None or dialect.passes_refusals:
        return answer_bytes(
            answer,
            correlation_id=correlation_id,
            keep_alive=keep_alive,
            without_body=without_body,
            default_headers=(),
        )
    return _said_in_fields(answer, correlation_id, keep_alive=keep_alive, person=person)


def _said_in_fields(answer: Answer, correlation_id: str, *, keep_alive: bool, person: bool) -> bytes:
    """Without a body, and with what the client's answer is to be made of in fields: `Munjigi-Person` where the gateway
    itself must answer, otherwise `Munjigi-Status` and `Munjigi-Problem`."""
    status = 401 if answer.status == 401 else 403
    lines = [STATUS_LINE[status], b"content-length: 0\r\n"]
    if person:
        lines.append(_PERSON)
    else:
        lines.append(b"munjigi-status: %d\r\n" % answer.status)
        lines.append(generated_lines([(b"munjigi-problem", _document(answer))]))
        told = [header for header in answer.headers if header[0] not in _OF_THE_ANSWER]
        lines.append(generated_lines([*told, (CORRELATION, correlation_id.encode("ascii"))]))
    lines.append(b"\r\n" if keep_alive else CLOSE + b"\r\n")
    return b"".join(lines)


def _document(answer: Answer) -> bytes:
    """RFC 9457, as long as it fits into a field; JSON has no bare CR or LF."""
    is_problem = (b"content-type", PROBLEM_JSON.encode()) in tuple(answer.headers)
    return answer.body if is_problem and len(answer.body) <= _LONGEST_DOCUMENT else b"{}"
