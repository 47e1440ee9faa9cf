"""Whatever is asked twice happens once (draft-ietf-httpapi-idempotency-key-header).

A request that changes something and bears an `Idempotency-Key` runs in one transaction with the note of its answer:
whatever the endpoint does in transactions of its own joins that one, so that it happened and its answer is known, or
neither. Only what succeeded is noted: a refused request leaves its key unused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from config.body import BrokenOff, TooLarge, read_body
from config.clock import Clock
from config.connections import Transaction, Valkey
from config.problem import Problem
from events import outbox
from policy.admin import problems
from policy.admin.group import MAX_BODY, Endpoint
from policy.admin.joined import JoinedDatabase

HEADER: Final = "Idempotency-Key"
KEPT: Final = timedelta(hours=24)
"""How long an answer is given again."""
_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([A-Za-z0-9._~:-]{1,255})')
"""A String of RFC 9651, section 3.3.3, without escapes; or bare, as most clients send it."""


class Answer(msgspec.Struct, frozen=True):
    """What was answered, and to which request."""

    fingerprint: bytes
    """SHA-256 of the request."""
    status: int
    headers: Mapping[str, str]
    body: bytes


class Answers(Protocol):
    """Where answers are kept; `policy.storage.answers` is it. All within the caller's transaction."""

    async def claim(self, tx: Transaction, who: str, key: str) -> bool:
        """Hold a caller's key until the transaction ends; False: another one holds it."""

    async def find(self, tx: Transaction, who: str, key: str, since: datetime) -> Answer | None:
        """What was answered since then."""

    async def keep(self, tx: Transaction, who: str, key: str, answer: Answer, at: datetime) -> None:
        """Keep it, in the place of an older one."""

    async def forget(self, tx: Transaction, before: datetime) -> None:
        """Delete some of what is older, and wait for nobody."""


class Once:
    """Runs an endpoint, once for each key of a caller's."""

    def __init__(self, database: JoinedDatabase, valkey: Valkey, answers: Answers, clock: Clock) -> None:
        self._database = database
        self._valkey = valkey
        self._answers = answers
        self._clock = clock

    async def __call__(self, request: Request, who: str, endpoint: Endpoint) -> Response:
        """The endpoint's answer to a request that was let in, or the one that it gave before.

        Raises `WRONG_KEY`, `KEY_REUSED` where another request had the key, `UNDER_WAY` where this one is at work.
        """
        key = _key(request)
        if key is None:
            return await endpoint(request)
        body = await _body(request)
        fingerprint, now, refusal = _fingerprint(request, body), self._clock.now(), None
        async with self._database.joining() as tx:
            if not await self._answers.claim(tx, who, key):
                raise Problem(problems.UNDER_WAY, headers={"Retry-After": "1"})
            found = await self._answers.find(tx, who, key, now - KEPT)
            if found is not None:
                return _again(found, fingerprint)
            try:
                response = await endpoint(_with_body(request, body))
            except Problem as problem:
                refusal = problem  # what the endpoint had committed, a record of the refusal say, stands
            else:
                if response.status_code < 300:
                    await self._answers.keep(tx, who, key, _answer(response, fingerprint), now)
                    await self._answers.forget(tx, now - KEPT)
        if refusal is not None:
            raise refusal
        await outbox.poke(self._valkey)  # the endpoint did so too early: nothing was committed then
        return response


def _key(request: Request) -> str | None:
    sent = request.headers.getlist(HEADER)
    if not sent:
        return None
    found = _KEY.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if found is None:
        raise Problem(problems.WRONG_KEY)
    return str(found[1] or found[2])


async def _body(request: Request) -> bytes:
    """The body, whatever its type; the endpoint is to judge that."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        return await read_body(request, media_type=kind, most=MAX_BODY)
    except TooLarge:
        raise Problem(problems.TOO_LARGE) from None
    except BrokenOff:
        raise Problem(problems.NOT_UNDERSTOOD, "it broke off") from None


def _with_body(request: Request, body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def _fingerprint(request: Request, body: bytes) -> bytes:
    told = hashlib.sha256()
    precondition = ", ".join(request.headers.getlist("if-match"))
    for part in (request.method, request.url.path, request.url.query, precondition):
        piece = part.encode()
        told.update(len(piece).to_bytes(8, "big") + piece)
    told.update(body)
    return told.digest()


def _answer(response: Response, fingerprint: bytes) -> Answer:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Answer(fingerprint, response.status_code, headers, bytes(response.body))


def _again(found: Answer, fingerprint: bytes) -> Response:
    if found.fingerprint != fingerprint:
        raise Problem(problems.KEY_REUSED)
    return Response(found.body, found.status, dict(found.headers))
