"""A notice as a value, and the closed vocabulary of its kinds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

Channel = Literal["mail", "text"]
"""By what a notice reaches its person: a mail, or a text message to their phone."""


class NoticeKind(StrEnum):
    """What a person is told; each has its words in both languages."""

    SIGN_IN_CODE = "sign_in_code"
    """`code`, `minutes`; by text also `host`: a one-time code for a login that faces another session, for a
    step-up, or to prove a number."""
    SIGN_IN_LINK = "sign_in_link"
    """`link` (address), `minutes`, `device`, `browser`, `place`, `at`: a link that signs in."""
    TAKEOVER = "takeover"
    """`device`, `browser`, `place`, `at`, `not_me` (address): the session was taken over."""
    ATTEMPT = "attempt"
    """`outcome` (kept, abandoned, refused), `device`, `browser`, `place`, `at`, `not_me`: it changed nothing."""
    SESSION_ENDED = "session_ended"
    """`reason`, `at`, `not_me`: an end by an administrator, a response, a lock."""
    NEW_DEVICE = "new_device"
    """`device`, `browser`, `place`, `at`, `not_me`: the first sign-in on a device."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a notice
    """`at`, `not_me`."""
    FACTOR_CHANGED = "factor_changed"
    """`change` (enrolled, removed), `factor`, `at`, `not_me`."""
    ACCOUNT_LOCKED = "account_locked"
    """`at`, `recovery` (address)."""
    RECOVERY = "recovery"
    """`recovery` (address), `minutes`: somebody asked to get back in."""
    REMEMBERED_STOLEN = "remembered_stolen"
    """`at`, `not_me`: a remembered browser's secret was used twice."""
    FACTOR_GUESSED = "factor_guessed"
    """`device`, `browser`, `place`, `at`, `not_me`: somebody who has the password guesses at the second factor."""
    RECOVERY_CODE_USED = "recovery_code_used"
    """`left`, `device`, `browser`, `place`, `at`, `not_me`: one of the saved codes was used."""
    PASSKEY_COPIED = "passkey_copied"
    """`passkey` (its name), `device`, `browser`, `place`, `at`, `not_me`: there may be two copies of a passkey."""

    PASSWORD_BREACHED = "password_breached"  # noqa: S105 - the name of a notice
    """`at`, `not_me`: the password was found among those that leaked from other services."""
    RECOVERY_WAITING = "recovery_waiting"
    """`ready` (a moment), `stop` (address), `device`, `browser`, `place`, `at`: somebody who says that they lost every
    factor gets in at that moment, unless they are stopped."""
    RECOVERY_READY = "recovery_ready"
    """`recovery` (address), `until`, `at`: the waiting is over."""
    RECOVERY_STOPPED = "recovery_stopped"
    """`at`: somebody stopped it."""
    RESET_AGREED = "reset_agreed"
    """`stop` (address), `until`, `at`: two administrators agreed to take the factors away."""

    ROLE = "role"
    """`what` (granted, refused, over), `role`, `roles` (address), `at`; `by`, `why`, `until` as far as there are any:
    what became of a role that was asked for, for a time."""
    SIGN_IN_REQUEST = "sign_in_request"
    """`app`, `message`, `at`, `minutes`, `requests` (address): an app asks for a sign-in from elsewhere."""

    PROGRAMME = "programme"
    """`subject`, `text`, `account` (address): how people of an organisation sign in changes by a date."""

    RESERVATION_CONFIRMED = "reservation_confirmed"
    """As all of reservations: `what_ko`, `what_en`, `number`, `at`, `reservation` (address), and sums as they apply:
    `paid`, `fee`, `refund`, in minor units with the currency (`70000 KRW`)."""
    RESERVATION_CANCELLED = "reservation_cancelled"
    """`extent` (whole, part): it was cancelled, and how much goes back."""
    RESERVATION_REFUNDED = "reservation_refunded"
    """The money is back."""
    RESERVATION_NOT_PAID = "reservation_not_paid"
    """`payment` (refused, too_late, returned): nothing was taken, or all of it goes back."""
    RESERVATION_REFUND_STUCK = "reservation_refund_stuck"
    """The provider does not give the money back: people see to it."""

    ORDER_CONFIRMED = "order_confirmed"
    """As all of orders: `what_ko`, `what_en`, `number`, `at`, `order` (address), and sums as they apply: `goods`,
    `shipping`, `vat`, `paid`, `refund`, in minor units with the currency. It is paid: this is its receipt."""
    ORDER_NOT_PAID = "order_not_paid"
    """`payment` (refused, too_late, returned): nothing was taken, or all of it goes back."""
    ORDER_DEPOSIT = "order_deposit"
    """`account`, `until`: where to send the money, and by when."""
    ORDER_SHIPPED = "order_shipped"
    """`carrier`, `tracking`: a parcel of it is on its way."""
    ORDER_DELIVERED = "order_delivered"
    """All that one seller had of it has arrived; how was it?"""
    ORDER_CANCELLED = "order_cancelled"
    """`extent` (whole, part): it was cancelled, and how much goes back."""
    ORDER_REFUNDED = "order_refunded"
    """The money is back."""
    ORDER_REFUND_STUCK = "order_refund_stuck"
    """The provider does not give the money back: people see to it."""
    ORDER_FOR_SELLER = "order_for_seller"
    """To whoever acts for a seller: something is to be sent."""
    ORDER_SENT_BACK = "order_sent_back"
    """To whoever acts for a seller: somebody wants to send something back."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person. Its facts may hold a secret (a code, a link): it is kept sealed, and never logged."""

    kind: NoticeKind
    user_id: UUID | None
    to: str
    """The mail address. Empty: whatever it is of the person when the mail goes, in their language: for services that
    know people by their id alone."""
    locale: str
    """`ko` or `en`."""
    name: str
    """How the person is called."""
    facts: Mapping[str, str] = {}
    """What the words of its kind need; moments as ISO 8601 with offset."""
    correlation_id: str = ""
    channel: Channel = "mail"
    """By text `to` is a number (E.164), and the kind is one of `TEXTED`."""


_SERVICE = ("what_ko", "what_en", "number", "at", "reservation")
_ORDER = ("what_ko", "what_en", "number", "at", "order")
_WHERE = ("device", "browser", "place")
NEEDED: Mapping[NoticeKind, tuple[str, ...]] = {
    NoticeKind.SIGN_IN_CODE: ("code", "minutes"),
    NoticeKind.SIGN_IN_LINK: ("link", "minutes", *_WHERE, "at"),
    NoticeKind.TAKEOVER: (*_WHERE, "at"),
    NoticeKind.ATTEMPT: ("outcome", *_WHERE, "at"),
    NoticeKind.SESSION_ENDED: ("reason", "at"),
    NoticeKind.NEW_DEVICE: (*_WHERE, "at"),
    NoticeKind.PASSWORD_CHANGED: ("at",),
    NoticeKind.FACTOR_CHANGED: ("change", "factor", "at"),
    NoticeKind.ACCOUNT_LOCKED: ("at",),
    NoticeKind.RECOVERY: ("recovery", "minutes"),
    NoticeKind.REMEMBERED_STOLEN: ("at",),
    NoticeKind.FACTOR_GUESSED: (*_WHERE, "at"),
    NoticeKind.RECOVERY_CODE_USED: ("left", *_WHERE, "at"),
    NoticeKind.PASSWORD_BREACHED: ("at",),
    NoticeKind.RECOVERY_WAITING: ("ready", "stop", *_WHERE, "at"),
    NoticeKind.RECOVERY_READY: ("recovery", "until", "at"),
    NoticeKind.RECOVERY_STOPPED: ("at",),
    NoticeKind.RESET_AGREED: ("stop", "until", "at"),
    NoticeKind.PASSKEY_COPIED: ("passkey", *_WHERE, "at"),
    NoticeKind.ROLE: ("what", "role", "roles", "at"),
    NoticeKind.SIGN_IN_REQUEST: ("app", "message", "at", "minutes", "requests"),
    NoticeKind.PROGRAMME: ("subject", "text", "account"),
    NoticeKind.RESERVATION_CONFIRMED: _SERVICE,
    NoticeKind.RESERVATION_CANCELLED: (*_SERVICE, "extent"),
    NoticeKind.RESERVATION_REFUNDED: _SERVICE,
    NoticeKind.RESERVATION_NOT_PAID: (*_SERVICE, "payment"),
    NoticeKind.RESERVATION_REFUND_STUCK: _SERVICE,
    NoticeKind.ORDER_CONFIRMED: _ORDER,
    NoticeKind.ORDER_NOT_PAID: (*_ORDER, "payment"),
    NoticeKind.ORDER_DEPOSIT: (*_ORDER, "account", "until"),
    NoticeKind.ORDER_SHIPPED: (*_ORDER, "carrier", "tracking"),
    NoticeKind.ORDER_DELIVERED: _ORDER,
    NoticeKind.ORDER_CANCELLED: (*_ORDER, "extent"),
    NoticeKind.ORDER_REFUNDED: _ORDER,
    NoticeKind.ORDER_REFUND_STUCK: _ORDER,
    NoticeKind.ORDER_FOR_SELLER: _ORDER,
    NoticeKind.ORDER_SENT_BACK: _ORDER,
}
"""The facts that the words of a kind cannot do without; the addresses `not_me` and `recovery` are shown where given."""


TEXTED: Mapping[NoticeKind, tuple[str, ...]] = {
    NoticeKind.SIGN_IN_CODE: ("code", "minutes", "host"),
    NoticeKind.ORDER_CONFIRMED: ("number",),
}
"""The kinds that have words for a text message, and the facts that these need."""


def missing_facts(notice: Notice) -> list[str]:
    """Which facts the words of this notice lack. Raises `KeyError` for a text of a kind that has no words for one."""
    needed = TEXTED[notice.kind] if notice.channel == "text" else NEEDED[notice.kind]
    return [name for name in needed if name not in notice.facts]
