"""From a notice to what its person reads: pure, from the words in `templates/messages.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_datetime, get_timezone_name
from babel.numbers import format_currency, get_currency_precision

from notifications.notice import Notice, NoticeKind
from pages.catalogue import Catalogue
from pages.locale import Locale
from pages.place_name import place_name

HOME = "Asia/Seoul"
"""The time zone of a notice that names none."""
LONGEST_FACT = 120
"""Characters that are shown of a fact."""
FEW_CODES = 2
"""So many recovery codes left are worth a warning."""
_TOLD_UNTIL = (NoticeKind.ROLE, NoticeKind.RECOVERY_READY, NoticeKind.RESET_AGREED, NoticeKind.ORDER_DEPOSIT)
_SUMS = ("goods", "shipping", "paid", "vat", "fee", "refund")
"""The facts that are sums of money, in the order in which they are shown."""
LONGEST_WORDS = 2000
"""Characters of what an organisation writes in its own words."""
_VARIANTS: Mapping[NoticeKind, tuple[str, tuple[str, ...]]] = {
    NoticeKind.ATTEMPT: ("outcome", ("kept", "abandoned", "refused")),
    NoticeKind.ROLE: ("what", ("granted", "refused", "over")),
    NoticeKind.FACTOR_CHANGED: ("change", ("enrolled", "removed")),
    NoticeKind.RESERVATION_CANCELLED: ("extent", ("whole", "part")),
    NoticeKind.RESERVATION_NOT_PAID: ("payment", ("refused", "too_late", "returned")),
    NoticeKind.ORDER_CANCELLED: ("extent", ("whole", "part")),
    NoticeKind.ORDER_NOT_PAID: ("payment", ("refused", "too_late", "returned")),
}
"""The fact that chooses among the words of a kind, and what it may be."""


class WrongNotice(Exception):
    """A notice that cannot be put into words; the message names the fact, never its value."""


@dataclass(frozen=True, slots=True)
class Action:
    """The one button of a mail."""

    label: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a person reads, in one language."""

    locale: Locale
    subject: str
    greeting: str
    lead: str
    code: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    action: Action | None = None
    note: str = ""
    footer: str
    reference: str = ""


def write(notice: Notice, catalogue: Catalogue, support: str) -> Letter:
    """The letter of a notice; `support`: whom its person can ask. Raises `WrongNotice`."""
    return _Writer(notice, catalogue, support).letter()


class _Writer:
    def __init__(self, notice: Notice, catalogue: Catalogue, support: str) -> None:
        self._kind = notice.kind
        self._raw = notice.facts
        self._locale: Locale = "en" if notice.locale == "en" else "ko"
        self._catalogue = catalogue
        self._notice = notice
        self._support = support

    def letter(self) -> Letter:
        variant = self._variant()
        arguments = self._arguments()
        action, note = self._action_and_note()
        return Letter(
            locale=self._locale,
            subject=self._subject(variant),
            greeting=self._say("greeting", name=one_line(self._notice.name) or self._notice.to),
            lead=self._lead(variant, arguments),
            code=self._fact("code") if self._kind is NoticeKind.SIGN_IN_CODE else "",
            facts=self._shown(),
            action=action,
            note=note,
            footer=self._say("footer", support=self._support),
            reference=self._say("reference", correlation_id=self._notice.correlation_id)
            if self._notice.correlation_id
            else "",
        )

    def _subject(self, variant: str) -> str:
        if self._kind is NoticeKind.PROGRAMME:
            return self._fact("subject")
        return self._first_of((f"{self._kind}{variant}.subject", f"{self._kind}.subject"), {})

    def _lead(self, variant: str, arguments: Mapping[str, str]) -> str:
        if self._kind is NoticeKind.PROGRAMME:  # an organisation's own words, longer than any fact
            return one_line(self._raw.get("text", ""), LONGEST_WORDS)
        return self._first_of((f"{self._kind}{variant}.lead", f"{self._kind}.other.lead"), arguments)

    def _variant(self) -> str:
        """The part of a message's name that a fact decides."""
        if self._kind in _VARIANTS:
            name, known = _VARIANTS[self._kind]
            if (variant := self._fact(name)) not in known:
                raise WrongNotice(name)
            return f".{variant}"
        if self._kind is NoticeKind.RECOVERY_CODE_USED:
            left = self._fact("left")
            return ".few" if left.isdecimal() and int(left) <= FEW_CODES else ""
        return f".{self._fact('reason')}" if self._kind is NoticeKind.SESSION_ENDED else ""

    def _arguments(self) -> Mapping[str, str]:
        if self._kind is NoticeKind.FACTOR_CHANGED:
            factor = self._fact("factor")
            key = f"mail.factor.{factor}"
            return {"factor": self._catalogue.text(key, self._locale) if key in self._catalogue else factor}
        return {name: self._fact(name) for name in ("minutes", "left", "app", "role", "passkey") if name in self._raw}

    def _shown(self) -> tuple[tuple[str, str], ...]:
        """The facts that are listed, as far as they are known."""
        rows = []
        if "at" in self._raw:
            rows.append(("when", self._moment("at")))
        if place := self._raw.get("place"):
            where = one_line(place_name(place, self._locale, self._catalogue))
            network = one_line(self._raw.get("network", ""))
            rows.append(("where", f"{where} ({network})" if network else where))
        if self._is_of_a_service():
            named = ("ordered", "order_number") if self._is_of_an_order() else ("what", "number")
            rows += [(named[0], self._fact(f"what_{self._locale}")), (named[1], self._fact("number"))]
            rows += [(name, self._sum(name)) for name in _SUMS if self._raw.get(name)]
            rows += [(name, self._fact(name)) for name in ("account", "carrier", "tracking") if self._raw.get(name)]
        rows += [(name, self._fact(name)) for name in ("device", "browser", "message") if self._raw.get(name)]
        if self._kind is NoticeKind.ROLE:
            rows += [(name, self._fact(name)) for name in ("by", "why") if self._raw.get(name)]
        if self._kind in _TOLD_UNTIL and "until" in self._raw:
            rows.append(("until", self._moment("until")))
        if self._kind is NoticeKind.RECOVERY_WAITING:
            rows.append(("ready", self._moment("ready")))
        return tuple((self._say(f"fact.{name}"), value) for name, value in rows)

    def _action_and_note(self) -> tuple[Action | None, str]:
        match self._kind:
            case NoticeKind.SIGN_IN_CODE:
                return None, self._say("sign_in_code.note")
            case NoticeKind.RECOVERY:
                return Action(self._say("recovery.action"), self._address("recovery")), self._say("recovery.note")
            case NoticeKind.RECOVERY_READY:
                return Action(self._say("recovery.action"), self._address("recovery")), self._say("recovery_ready.note")
            case NoticeKind.RECOVERY_WAITING | NoticeKind.RESET_AGREED:
                return Action(self._say("not_me"), self._address("stop")), self._say(f"{self._kind}.note")
            case NoticeKind.SIGN_IN_LINK:
                return Action(self._say("sign_in_link.action"), self._address("link")), self._say("sign_in_link.note")
            case NoticeKind.SIGN_IN_REQUEST:
                action = Action(self._say("sign_in_request.action"), self._address("requests"))
                return action, self._say("sign_in_request.note")
            case NoticeKind.ROLE:
                return Action(self._say("role.action"), self._address("roles")), self._say("role.note")
            case NoticeKind.PROGRAMME:
                how = f" {self._say('programme.how', help=self._address('help'))}" if self._raw.get("help") else ""
                action = Action(self._say("programme.action"), self._address("account"))
                return action, self._say("programme.note") + how
            case NoticeKind.ACCOUNT_LOCKED:
                if not self._raw.get("recovery"):
                    return None, self._say("account_locked.ask")
                action = Action(self._say("account_locked.action"), self._address("recovery"))
                return action, self._say("account_locked.note")
        if self._is_of_an_order():
            return Action(self._say("order.action"), self._address("order")), self._say("order.note")
        if self._is_of_a_service():
            return Action(self._say("reservation.action"), self._address("reservation")), self._say("reservation.note")
        if not self._raw.get("not_me"):
            return None, self._say("unasked")
        return Action(self._say("not_me"), self._address("not_me")), self._say("not_me_note")

    def _is_of_a_service(self) -> bool:
        return self._kind.startswith(("reservation_", "order_"))

    def _is_of_an_order(self) -> bool:
        return self._kind.startswith("order_")

    def _moment(self, name: str) -> str:
        """This fact on the clock of the fact `time_zone`, which is named: the mail may be read anywhere."""
        try:
            at = datetime.fromisoformat(self._raw[name])
        except ValueError as error:
            raise WrongNotice(name) from error
        if at.tzinfo is None:
            raise WrongNotice(name)
        zone = _zone(self._raw.get("time_zone", HOME))
        # CLDR's Korean writes AM and PM in Latin letters, so its day periods are used
        pattern = "y년 M월 d일 B h:mm" if self._locale == "ko" else "d MMM y, HH:mm"
        local = at.astimezone(zone)
        return (
            f"{format_datetime(local, pattern, locale=self._locale)} ({get_timezone_name(local, locale=self._locale)})"
        )

    def _sum(self, name: str) -> str:
        """A sum of money, given in minor units (ISO 4217), as the language writes it."""
        minor, _, currency = self._raw[name].partition(" ")
        if not currency:
            raise WrongNotice(name)
        try:
            digits = get_currency_precision(currency)
            return str(format_currency(Decimal(int(minor)).scaleb(-digits), currency, locale=self._locale))
        except ValueError as error:
            raise WrongNotice(name) from error

    def _address(self, name: str) -> str:
        address = self._raw.get(name, "")
        if not address.startswith(("https://", "http://")) or any(c.isspace() or not c.isprintable() for c in address):
            raise WrongNotice(name)
        return address

    def _fact(self, name: str) -> str:
        try:
            return one_line(self._raw[name])
        except KeyError:
            raise WrongNotice(name) from None

    def _say(self, key: str, **arguments: str) -> str:
        return self._catalogue.text(f"mail.{key}", self._locale, **arguments)

    def _first_of(self, keys: tuple[str, ...], arguments: Mapping[str, str]) -> str:
        found = next(key for key in keys if f"mail.{key}" in self._catalogue)
        return self._say(found, **arguments)


def one_line(value: str, longest: int = LONGEST_FACT) -> str:
    """What came from outside, as one line of what can be printed, not longer than it should be."""
    printable = "".join(c if c.isprintable() else " " for c in value)
    return " ".join(printable.split())[:longest]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(HOME)
