"""The sandbox's page: where a person types a card, and nowhere else."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from babel.numbers import format_currency
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body
from pages import Assets, Pages
from upstreams.trade.money import Money
from upstreams.trade.payments.sandbox.bank import Bank, Held, No
from upstreams.trade.payments.sandbox.cards import CARDS
from upstreams.trade.payments.sandbox.posting import Posting
from upstreams.trade.payments.sandbox.toss_api import success_address

HERE = Path(__file__).parent
LEFT = "left_by_person"
"""The code of a payment whose person went back."""


class PayPages:
    """The endpoints of the page."""

    def __init__(self, bank: Bank, posting: Posting, pages: Pages, assets: Assets) -> None:
        self._bank = bank
        self._posting = posting
        self._pages = pages
        self._assets = assets

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/pay/{reference}", self.show, methods=["GET"]),
            Route("/pay/{reference}", self.pay, methods=["POST"]),
            Mount("/assets", self._assets),
        ]

    async def show(self, request: Request) -> Response:
        """GET /pay/{reference}."""
        try:
            return self._page(request, self._bank.find(request.path_params["reference"]))
        except No:
            return self._pages.respond(request, "pay_gone.html", status=HTTPStatus.NOT_FOUND)

    async def pay(self, request: Request) -> Response:
        """POST /pay/{reference}: a card, or the way back."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return Response(status_code=HTTPStatus.FORBIDDEN)
        try:
            body = await read_body(request, media_type="application/x-www-form-urlencoded", most=4096)
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        except (WrongMediaType, TooLarge, BrokenOff, ValueError):
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        try:
            held = self._bank.find(request.path_params["reference"])
            if form.get("act") == "leave":
                return self._leave(self._bank.decline(held.reference, LEFT))
            card = CARDS.get("".join(form.get("card", "").split()))
            if card is None:
                return self._page(request, held, wrong=True)
            held = self._bank.authorise(held.reference, card)
        except No:
            return self._pages.respond(request, "pay_gone.html", status=HTTPStatus.CONFLICT)
        self._posting.tell(held)
        return self._leave(held)

    def _page(self, request: Request, held: Held, *, wrong: bool = False) -> Response:
        if held.stage != "open":
            return self._pages.respond(request, "pay_gone.html", status=HTTPStatus.CONFLICT)
        locale = self._pages.locale(request)
        return self._pages.respond(
            request,
            "pay.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
            form_action=[_origin(held.success), _origin(held.failure)],
            held=held,
            amount=format_currency(Money(held.amount, held.currency).amount, held.currency, locale=locale),
            cards=list(CARDS.values()),
            wrong=wrong,
        )

    def _leave(self, held: Held) -> Response:
        if held.stage == "authorised":
            address = success_address(held)
        else:
            words = urlencode({"code": held.code, "orderId": held.key})
            address = f"{held.failure}{'&' if '?' in held.failure else '?'}{words}"
        return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
