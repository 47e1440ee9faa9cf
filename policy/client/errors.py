"""What goes wrong between a program and the policy API."""

from __future__ import annotations

import httpx2
import msgspec

from policy.admin.problems import FaultEntry


class PolicyError(Exception):
    """Any of them."""


class Unreachable(PolicyError):
    """Nobody answered, or only somebody on the way did, after all that could be tried."""


class NoToken(PolicyError):
    """The identity provider gives no token; `error` is its word for why (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error


class _Told(msgspec.Struct):
    title: str = ""
    detail: str = ""
    code: str = ""
    correlation_id: str = ""
    errors: tuple[FaultEntry, ...] = ()


class ApiProblem(PolicyError):
    """The API, or the gateway before it, refused (RFC 9457)."""

    def __init__(self, status: int, told: _Told) -> None:
        said = f"{told.title}: {told.detail}" if told.detail else told.title or f"status {status}"
        super().__init__(f"{said} ({told.code or status}, {told.correlation_id})")
        self.status = status
        self.code = told.code
        """`MJ-POLICY-004`, for example; empty where whoever answered told none."""
        self.title = told.title
        self.detail = told.detail
        self.correlation_id = told.correlation_id
        self.errors = told.errors
        """The faults of a policy, where it was refused for them."""


def problem_of(answer: httpx2.Response) -> ApiProblem:
    """What an answer that is no success says."""
    try:
        told = msgspec.json.decode(answer.content, type=_Told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = _Told()
    return ApiProblem(answer.status_code, told)
