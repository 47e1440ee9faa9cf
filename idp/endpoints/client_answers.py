"""How an answer is put on its way to the client: by a redirect, or by a page that posts itself; as parameters, or as
one signed JWT (JWT Secured Authorization Response Mode for OAuth 2.0, JARM)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.clock import Clock
from idp.authorization.answer import Answer
from jose.jws import sign
from jose.keys import KeyRing
from pages import Pages

TYP = "JWT"
"""The only one that libraries for JARM take. It has no `sub`, so that nobody takes it for an ID token."""


class ClientAnswers:
    """Sends them."""

    def __init__(self, pages: Pages, ring: Callable[[], KeyRing], clock: Clock) -> None:
        self._pages = pages
        self._ring = ring
        self._clock = clock

    def send(self, request: Request, answer: Answer) -> Response:
        """By a GET (303: RFC 9700, section 4.12), or by a form (OAuth 2.0 Form Post Response Mode 1.0).

        The form goes to the client's own origin and nowhere else; without scripts its button sends it.
        """
        answer = self._sealed(answer)
        if not answer.is_form:
            return RedirectResponse(answer.location, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
        return self._pages.respond(
            request,
            "form_post.html",
            locale=self._pages.locale(request, ui_locales=" ".join(answer.address.ui_locales)),
            form_action=(answer.origin,),
            forms_here=False,
            action=answer.address.redirect_uri,
            fields=answer.parameters,
        )

    def _sealed(self, answer: Answer) -> Answer:
        signed_for = answer.address.signed_for
        if signed_for is None:
            return answer
        key = self._ring().signer(signed_for.algorithm)
        token = sign(key, answer.claims(signed_for.client_id, int(self._clock.timestamp())), typ=TYP)
        return replace(answer, parameters=(("response", token),))
