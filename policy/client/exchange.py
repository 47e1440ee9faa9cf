"""One request and its answer: who asks, under which precondition, and what is sent again when it came to nothing.

Whatever changes something bears an Idempotency-Key, so that it can be sent again and happens once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar
from uuid import uuid4

import httpx2
import msgspec

from policy.admin.problems import UNDER_WAY
from policy.client.errors import Unreachable, problem_of

BASE = "/api/policy"
Answer = TypeVar("Answer")
Query = Mapping[str, str | int | float | None]


class _Page(Protocol):
    @property
    def next(self) -> str | int | None: ...


Page = TypeVar("Page", bound=_Page)
_PASSING = (429, 502, 503, 504)
_WAITS = (0.1, 0.3, 1.0, 3.0)
"""Seconds before a request is sent again, where the answer names none."""
LONGEST_WAIT = 10.0


class Tokens(Protocol):
    """Gives access tokens."""

    def __call__(self, scope: str, *, anew: bool = False) -> str:
        """One for this scope; `anew`: the last one was refused."""

    def close(self) -> None:
        """Close what it holds."""


class Tagged(NamedTuple, Generic[Answer]):
    """An answer, and the tag of what it speaks of."""

    value: Answer
    tag: str
    """What a change of it names as `match`."""


class Exchange:
    """Speaks to one address by one program's tokens."""

    def __init__(
        self,
        address: str,
        tokens: Tokens,
        *,
        http: httpx2.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
        new_key: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._base = address.rstrip("/") + BASE
        self._tokens = tokens
        self._http = http or httpx2.Client(timeout=60)
        self._sleep = sleep
        self._new_key = new_key

    def close(self) -> None:
        """Close the connections, those for tokens too."""
        self._http.close()
        self._tokens.close()

    def get(self, kind: type[Answer], path: str, scope: str, query: Query | None = None) -> Tagged[Answer]:
        """Look at something. Raises `PolicyError`."""
        answer = self._send("GET", path, scope, query=query)
        return Tagged(_read(answer, kind), answer.headers.get("etag", ""))

    def pages(
        self, kind: type[Page], path: str, scope: str, query: Query | None = None, *, by: str = "after"
    ) -> Iterator[Page]:
        """Look through a list page by page, up to the one that names no next; `by`: where the next page is named.
        Raises `PolicyError`."""
        place: str | int | None = None
        while True:
            page = self.get(kind, path, scope, {**(query or {}), by: place}).value
            yield page
            if (place := page.next) is None:
                return

    def text(
        self,
        method: str,
        path: str,
        scope: str,
        *,
        body: msgspec.Struct | None = None,
        query: Query | None = None,
        accept: str = "text/plain",
    ) -> str:
        """The same as a text. Raises `PolicyError`."""
        return self._send(method, path, scope, body=body, query=query, accept=accept).text

    def act(
        self,
        kind: type[Answer],
        method: str,
        path: str,
        scope: str,
        *,
        body: msgspec.Struct | None = None,
        query: Query | None = None,
        match: str = "",
    ) -> Tagged[Answer]:
        """Do something, or ask something that needs a body. `match`: the tag that it is a change of.

        Raises `PolicyError`.
        """
        answer = self._send(method, path, scope, body=body, query=query, match=match, key=self._new_key())
        return Tagged(_read(answer, kind), answer.headers.get("etag", ""))

    def _send(
        self,
        method: str,
        path: str,
        scope: str,
        *,
        body: msgspec.Struct | None = None,
        query: Query | None = None,
        match: str = "",
        key: str = "",
        accept: str = "application/json",
    ) -> httpx2.Response:
        headers = {"Accept": f"{accept}, application/problem+json"}
        content = None
        if body is not None:
            content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        if match:
            headers["If-Match"] = match
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        params = {name: value for name, value in (query or {}).items() if value is not None}
        request = self._http.build_request(method, self._base + path, params=params, content=content, headers=headers)
        answer = self._answered(request, scope)
        if not answer.is_success:
            raise problem_of(answer)
        return answer

    def _answered(self, request: httpx2.Request, scope: str) -> httpx2.Response:
        token, renewed = self._tokens(scope), False
        for wait in (*_WAITS, None):
            request.headers["Authorization"] = f"Bearer {token}"
            try:
                answer = self._http.send(request)
            except httpx2.TransportError as error:
                if wait is None:
                    raise Unreachable(f"{request.url.host} does not answer: {error or type(error).__name__}") from error
                self._sleep(wait)
                continue
            if answer.status_code == 401 and wait is not None and not renewed:  # its session may have ended
                token, renewed = self._tokens(scope, anew=True), True
                continue
            if wait is None or not _worth_another(answer):
                return answer
            self._sleep(_told_wait(answer, wait))
        raise AssertionError("the last attempt ends it")


def _worth_another(answer: httpx2.Response) -> bool:
    """Whether the same request, sent again, may be answered otherwise."""
    return answer.status_code in _PASSING or (answer.status_code == 409 and problem_of(answer).code == UNDER_WAY.code)


def _told_wait(answer: httpx2.Response, otherwise: float) -> float:
    """Retry-After in seconds (RFC 9110, section 10.2.3), within reason."""
    told = answer.headers.get("retry-after", "")
    return min(float(told), LONGEST_WAIT) if told.isascii() and told.isdigit() else otherwise


def _read(answer: httpx2.Response, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreachable(f"{answer.request.url} answers what this client does not understand: {error}") from error
