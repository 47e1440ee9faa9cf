"""An explanation as whoever asks wants to read it: JSON, or text in their language."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pages.locale import choose_locale
from policy.admin.group import answer
from policy.explain import Explanation
from policy.explain.text import text


def told(request: Request, explanation: Explanation) -> Response:
    """By Accept and Accept-Language (RFC 9110, section 12.5); JSON where both are as welcome."""
    if not _wants_text(request.headers.get("accept", "")):
        return answer(explanation, headers={"Vary": "Accept"})
    locale = choose_locale(accept_language=request.headers.get("accept-language"))
    return PlainTextResponse(
        text(explanation, locale),
        headers={"Cache-Control": "no-store", "Content-Language": locale, "Vary": "Accept, Accept-Language"},
    )


def _wants_text(accept: str) -> bool:
    """Whether text is named, and more welcome than JSON."""
    weights = {"text/plain": 0.0, "application/json": 0.0}
    for part in accept.split(",")[:20]:
        kind, _, parameters = part.strip().partition(";")
        if kind.strip().lower() in weights:
            weights[kind.strip().lower()] = _weight(parameters)
    return weights["text/plain"] > weights["application/json"]


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
