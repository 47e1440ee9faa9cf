"""From a template to an answer: language, nonce, security headers, correlation id."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from config.problem import HELP_BEHIND_THE_GATEWAY
from config.web import correlation_id
from pages.assets import Assets
from pages.catalogue import Catalogue
from pages.help.ways import MESSAGES as WAYS_MESSAGES
from pages.help.words import help_messages
from pages.korean import towards
from pages.locale import COOKIE, LOCALES, Locale, choose_locale
from pages.look import Look
from pages.place_name import place_name
from pages.security_headers import page_headers

OWN = Path(__file__).parent


class Pages:
    """The pages of one service: its own template folders (each with a `messages.toml`) over the house's base.

    `help_at` is where this service's people find the help pages; behind the gateway they are the gateway's.
    `account_of` says where whoever asks finds their account, if they are signed in here; empty: nowhere.
    """

    def __init__(
        self,
        *folders: Path,
        assets: Assets,
        help_at: str = HELP_BEHIND_THE_GATEWAY,
        account_of: Callable[[Request], str] = lambda _request: "",
    ) -> None:
        house = (OWN / "templates", OWN / "help" / "templates")
        self.catalogue = Catalogue.load(
            *(folder / "messages.toml" for folder in (*house, *folders)), WAYS_MESSAGES, beside=help_messages()
        )
        self._help_at = help_at
        self._account_of = account_of
        self._assets = assets
        self._environment = Environment(
            loader=FileSystemLoader([*folders, *house]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["asset"] = assets.url

    def locale(self, request: Request, *, ui_locales: str | None = None) -> Locale:
        """The language of the person who asks."""
        return choose_locale(
            chosen=request.query_params.get("locale") or request.cookies.get(COOKIE),
            ui_locales=ui_locales,
            accept_language=request.headers.get("accept-language"),
        )

    def help_url(self, request: Request, code: str) -> str:
        """Where help is on a code, with the reference of the answer to this request."""
        return f"{self._help_at}/{code}?ref={correlation_id(request)}"

    def respond(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        locale: Locale | None = None,
        form_action: Iterable[str] = (),
        forms_here: bool = True,
        connect: Iterable[str] = (),
        window: Iterable[str] = (),
        look: Look | None = None,
        repeatable: bool = True,
        **context: Any,
    ) -> HTMLResponse:
        """One page as an answer. Templates read `context`, `t`, `ago`, `moment`, `place_name`, `towards`, `locale`
        and `nonce`.

        `look` is how the pages of an organisation look; without one, the product's own. `repeatable` is whether the
        address shows the same page once more, in another language.
        """
        spoken = locale or self.locale(request)
        reference = correlation_id(request)
        nonce = secrets.token_urlsafe(16)
        html = self._environment.get_template(template).render(
            t=self._speaker(spoken),
            towards=lambda name: towards(name, spoken),
            ago=lambda then, now: _ago(then, now, spoken),
            moment=lambda at, zone="Asia/Seoul": _moment(at, zone, spoken),
            place_name=lambda code: place_name(code, spoken, self.catalogue),
            section=lambda prefix: self.catalogue.section(prefix, spoken),
            locale=spoken,
            nonce=nonce,
            correlation_id=reference,
            help_index=self._help_at,
            account_at=self._account_of(request),
            help_url=lambda code: self.help_url(request, code),
            languages=_languages(request, spoken) if repeatable else [],
            look=look,
            **context,
        )
        response = HTMLResponse(
            html,
            status_code=status,
            headers=page_headers(
                nonce=nonce,
                form_action=form_action,
                forms_here=forms_here,
                connect=connect,
                window=window,
                own_style=look is not None and bool(look.accent),
            ),
        )
        if request.query_params.get("locale") == spoken:
            response.set_cookie(COOKIE, spoken, max_age=365 * 86400, samesite="lax", secure=True, httponly=True)
        return response

    def _speaker(self, locale: Locale) -> Any:
        def t(key: str, **arguments: object) -> str:
            return self.catalogue.text(key, locale, **arguments)

        return t


def _ago(then: datetime, now: datetime, locale: Locale) -> str:
    return format_timedelta(then - now, add_direction=True, locale=locale, threshold=1.2)


def _languages(request: Request, spoken: Locale) -> list[tuple[Locale, str]]:
    """The same page in the other languages; none after a POST, which a link cannot repeat."""
    if request.method != "GET":
        return []
    return [
        (
            locale,
            "?"
            + urlencode(
                [
                    *((k, v) for k, v in request.query_params.multi_items() if k != "locale"),
                    ("locale", locale),
                ]
            ),
        )
        for locale in LOCALES
        if locale != spoken
    ]


def _moment(at: datetime, zone: str, locale: Locale) -> str:
    """A moment on the clock of `zone`. CLDR's Korean writes AM and PM in Latin letters, so its day periods are used."""
    pattern = "y년 M월 d일 B h:mm" if locale == "ko" else "d MMM y, HH:mm"
    return format_datetime(at.astimezone(ZoneInfo(zone)), pattern, locale=locale)
