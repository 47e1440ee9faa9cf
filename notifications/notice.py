"""A notice as a value, and the closed vocabulary of its kinds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

import msgspec


class NoticeKind(StrEnum):
    """What a person is told; each has its words in both languages."""

    SIGN_IN_CODE = "sign_in_code"
    """`code`, `minutes`: a one-time code for a login that faces another session, or for a step-up."""
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


_SERVICE = ("what_ko", "what_en", "number", "at", "reservation")
_WHERE = ("device", "browser", "place")
NEEDED: Mapping[NoticeKind, tuple[str, ...]] = {
    NoticeKind.SIGN_IN_CODE: ("code", "minutes"),
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
    NoticeKind.ROLE: ("what", "role", "roles", "at"),
    NoticeKind.SIGN_IN_REQUEST: ("app", "message", "at", "minutes", "requests"),
    NoticeKind.PROGRAMME: ("subject", "text", "account"),
    NoticeKind.RESERVATION_CONFIRMED: _SERVICE,
    NoticeKind.RESERVATION_CANCELLED: (*_SERVICE, "extent"),
    NoticeKind.RESERVATION_REFUNDED: _SERVICE,
    NoticeKind.RESERVATION_NOT_PAID: (*_SERVICE, "payment"),
    NoticeKind.RESERVATION_REFUND_STUCK: _SERVICE,
}
"""The facts that the words of a kind cannot do without; the addresses `not_me` and `recovery` are shown where given."""


def missing_facts(notice: Notice) -> list[str]:
    """Which facts the words of this notice lack."""
    return [name for name in NEEDED[notice.kind] if name not in notice.facts]
