"""Pages in the language of the person whom the gateway asserts, with prices as that language writes them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency
from starlette.requests import Request
from starlette.responses import Response

from jose.assertion_middleware import assertion_of
from pages import Pages
from pages.locale import Locale
from upstreams.trade.money import Money


class PersonPages:
    """Pages for the person behind a request. Templates also read `price(money)`, `said(texts)` and `on_day(date)`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def respond(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        locale = self._pages.locale(request, ui_locales=assertion_of(request).subject.locale)
        return self._pages.respond(
            request,
            template,
            status=status,
            locale=locale,
            price=lambda money: price(money, locale),
            said=lambda texts: said(texts, locale),
            on_day=lambda date: on_day(date, locale),
            person=assertion_of(request).subject,
            **context,
        )


def price(money: Money, locale: Locale) -> str:
    """An amount with its currency, e.g. `₩12,900`."""
    return format_currency(money.amount, money.currency, locale=locale)


def on_day(date: datetime.date, locale: Locale) -> str:
    """A day of this year or the next, e.g. `Mon 30 Nov`."""
    return format_date(date, "M월 d일 (E)" if locale == "ko" else "E d MMM", locale=locale)


def said(texts: Mapping[str, str], locale: Locale) -> str:
    """What data says in this language; in Korean where it says nothing else."""
    return texts.get(locale) or texts["ko"]
