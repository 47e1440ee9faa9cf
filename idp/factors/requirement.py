"""Which factors a person can be asked for, best first, and whether every login of theirs needs one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from idp.protocol.assurance import Method, Way

FactorKind = Literal["passkey", "push", "totp", "sms"]
BEST_FIRST: tuple[FactorKind, ...] = ("passkey", "push", "totp", "sms")
METHODS: Mapping[FactorKind, frozenset[Method]] = {
    "passkey": frozenset(("attested_passkey", "device_passkey", "synced_passkey")),
    "push": frozenset(("push",)),
    "totp": frozenset(("totp",)),
    "sms": frozenset(("sms",)),
}
"""What a kind of factor may be to the mapping of assurance."""
DEMANDING_ROLES = frozenset({"administrator"})
"""Roles whose people give a second factor at every login, once they have one."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the login must know of a person's factors."""

    usable: tuple[FactorKind, ...]
    """Best first."""
    always: bool
    """A second factor belongs to every login of this person."""
    by_mail: bool = False
    """They have nothing better than a code by mail, and a mail address; nobody with an app or a passkey gets one."""


ASKED_ALWAYS: frozenset[FactorKind] = frozenset({"push", "totp", "sms"})
"""What people enrol to be asked for."""


def requirement(
    enrolled: Iterable[FactorKind],
    roles: Collection[str],
    *,
    has_mail: bool = False,
    out_of_reach: Collection[FactorKind] = (),
) -> Requirement:
    """The factors of an account, and whether each login needs one.

    Whoever enrolled an app, a number for codes, or a device that approves, did so to be asked for it. Whoever has only
    a passkey signs in by it; after a password it is asked of roles that can do harm (and before a takeover from
    elsewhere, which is not decided here). `out_of_reach` are kinds that they have and that this browser cannot be let
    in by: no device approves its own login.
    """
    have = frozenset(enrolled)
    usable = tuple(kind for kind in BEST_FIRST if kind in have and kind not in out_of_reach)
    askable = bool(usable) or (bool(have) and has_mail)
    always = askable and (not ASKED_ALWAYS.isdisjoint(have) or demands_factor(roles))
    return Requirement(usable, always, by_mail=has_mail and not usable)


def taken(
    enrolled: Iterable[FactorKind], forbidden: Collection[Way], *, verified_approvals: bool = False
) -> tuple[FactorKind, ...]:
    """The kinds that an organisation takes. Where approvals must verify their user, it takes them of those alone who
    have a passkey to do that by."""
    have = tuple(kind for kind in enrolled if kind not in forbidden)
    if verified_approvals and "passkey" not in have:
        return tuple(kind for kind in have if kind != "push")
    return have


def serving(enrolled: Iterable[FactorKind], counting: Collection[Method] | None) -> tuple[FactorKind, ...]:
    """The kinds that a login can be raised by, where only these methods count; None: all of them."""
    return tuple(kind for kind in enrolled if counting is None or METHODS[kind] & frozenset(counting))


def offered(enrolled: Iterable[FactorKind], counting: Collection[Method]) -> tuple[FactorKind, ...]:
    """The kinds that a login offers which demands no level: those that count where its person belongs, and of whoever
    has no such one all of them, since nobody is locked out by what others count."""
    have = tuple(enrolled)
    return serving(have, counting) or have


def demands_factor(roles: Collection[str]) -> bool:
    """Whether somebody of these roles may not be left without a second factor once they have one."""
    return not DEMANDING_ROLES.isdisjoint(roles)
