"""Errors as people and programs meet them: what happened, a stable code, what to do (RFC 9457).

What the client is told and what the log is told are two fields: `detail` and `private`. Both bear the correlation id.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

PROBLEM_JSON = "application/problem+json"
CORRELATION_HEADER = "Munjigi-Correlation-Id"
HELP_BEHIND_THE_GATEWAY = "/.munjigi/help"
"""Where the help pages are on every host of the gateway: the whole path, so that any reader resolves it alike."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of error, declared once as a constant beside the code that raises it."""

    code: str
    """Stable, unique in the product: `MJ-<ROOM>-<nnn>`, for example `MJ-IDP-001`."""
    status: HTTPStatus
    title: str
    """What happened, in one plain English sentence; pages translate by `code`."""
    remedy: str
    """What the caller can do about it."""


class Problem(Exception):
    """An error to be told to whoever asked."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str | None = None,
        *,
        private: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{kind.code}: {private or detail or kind.title}")
        self.kind = kind
        self.detail = detail
        self.private = private
        self.headers = headers or {}

    def document(self, correlation_id: str, help_at: str = HELP_BEHIND_THE_GATEWAY) -> dict[str, object]:
        """The body of the answer: never holds `private`. `type` is the address of a page that tells of this kind."""
        return {
            "type": f"{help_at}/{self.kind.code}",
            "title": self.kind.title,
            "status": self.kind.status.value,
            "detail": self.detail or self.kind.remedy,
            "code": self.kind.code,
            "correlation_id": correlation_id,
        }
