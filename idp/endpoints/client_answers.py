"""How an answer is put on its way to the client: by a redirect, or by a page that posts itself."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.authorization.answer import Answer
from pages import Pages


class ClientAnswers:
    """Sends them."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def send(self, request: Request, answer: Answer) -> Response:
        """By a GET (303: RFC 9700, section 4.12), or by a form (OAuth 2.0 Form Post Response Mode 1.0).

        The form goes to the client's own origin and nowhere else; without scripts its button sends it.
        """
        if answer.address.mode == "query":
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
