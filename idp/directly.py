"""What programs ask for most is answered ahead of the router and of the layers around it, which cost as much as some of
the answers: the layers' own functions are called instead, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from config.problem import Problem
from config.public_http import WHOLE, Headers
from config.web import MARK, WebApplication, fault, new_correlation_id, problem_response
from idp.endpoints.client_certificate import FromCertificate
from idp.endpoints.cross_origin import OPEN, READABLE
from idp.endpoints.problem_page import ProblemPage
from idp.endpoints.response_headers import ResponseHeaders
from idp.endpoints.whereabouts import FromWhere
from idp.routes import Endpoint


@runtime_checkable
class Document(Protocol):
    """An endpoint that waits for nothing."""

    def document(self) -> Response:
        """The answer to everybody, another one only where it says something else."""


class Around(NamedTuple):
    """The layers around the application."""

    web: WebApplication
    headers: ResponseHeaders
    certificates: FromCertificate
    where: FromWhere


class Directly:
    """Pure ASGI: finds an endpoint by method and path to the letter; all else is the application's behind it."""

    def __init__(
        self, app: ASGIApp, endpoints: Mapping[tuple[str, str], Endpoint], problems: ProblemPage, around: Around
    ) -> None:
        """`app` has the layers `around` it; `endpoints` answer with no streams."""
        self._app = app
        self._endpoints = endpoints
        self._problems = problems
        self._around = around
        self._documents: dict[bytes, tuple[str, Document]] = {}
        for (method, path), endpoint in endpoints.items():
            document = _document(endpoint)
            if method == "GET" and document is not None:
                self._documents[path.encode()] = path, document
        self._written: dict[bytes, tuple[Response, bytes]] = {}

    def at_hand(self, target: bytes) -> bytes | None:
        """A document as `config.public_http` takes it."""
        found = self._documents.get(target)
        if found is None:
            return None
        path, endpoint = found
        document, written = endpoint.document(), self._written.get(target)
        if written is None or written[0] is not document:
            lines = (b"%b: %b\r\n" % field for field in self._headers(path, document))
            written = self._written[target] = document, b"".join(lines) + MARK + b": "
        return b"".join((written[1], new_correlation_id().encode(), b"\r\n\r\n", document.body))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        whole = scope.get("extensions", {}).get(WHOLE)
        ident = self._around.web.mark(scope)
        self._around.certificates.note(scope)
        request = Request(self._around.where.placed(scope), receive)
        structlog.contextvars.bind_contextvars(correlation_id=ident)  # of this task alone, which ends with the answer
        response = await self._response(endpoint, request)
        headers = [*self._headers(scope["path"], response), (MARK, ident.encode())]
        body = bytes(response.body)
        if whole is None or not whole(response.status_code, headers, body):
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _response(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            try:
                return await endpoint(request)
            except Problem as problem:
                return await self._problems.answer(request, problem)
            except Exception as error:
                return await self._problems.answer(request, fault(error))
        except Exception as error:  # of the page that was to tell of it
            return problem_response(request, fault(error))

    def _headers(self, path: str, response: Response) -> Headers:
        shown = READABLE if path in OPEN else ()
        return self._around.headers.with_them((*response.raw_headers, *shown))


def _document(endpoint: object) -> Document | None:
    return endpoint if isinstance(endpoint, Document) else None
