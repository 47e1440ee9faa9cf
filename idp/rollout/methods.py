"""How somebody signed in, told from `amr` (RFC 8176), and why an attempt came to nothing: closed vocabularies.

Both are rules as data, so that SQL counts by the very rules by which one sign-in is named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from idp.devices.sign_in_history import Outcome
from idp.rollout.phases import Method as Demanded

Method = Literal[
    "passkey",
    "push",
    "password_passkey",
    "password_push",
    "password_app",
    "password_sms",
    "password_mail",
    "mail_link",
    "sms",
    "password",
    "other",
]
"""`password_app`: also with a saved recovery code, which RFC 8176 names alike (`otp`). `mail_link`: mail alone.
`other`: by another provider, which said nothing of this kind."""
METHODS: tuple[Method, ...] = get_args(Method)
Strength = Literal["phishing_resistant", "several_factors", "one_factor", "unknown"]
"""`phishing_resistant`: a key that answers this site alone. `unknown`: another provider answers for it."""
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
Failure = Literal[
    "wrong_password",
    "wrong_code_of_app",
    "wrong_code_by_mail",
    "wrong_code_by_sms",
    "passkey_refused",
    "push_refused",
    "not_let_in",
    "left_at_second_factor",
    "left",
    "kept_other_session",
    "other",
]
"""Why somebody did not get in. `not_let_in`: what they proved did not suffice. `kept_other_session` is no failure: they
were somebody, and stayed where they were."""
FAILURES: tuple[Failure, ...] = get_args(Failure)
Enrolled = Literal["passkey", "push", "totp", "sms"]
"""What somebody has set up beside a password: those of `idp.factors.requirement`, and those that may join them."""
Readiness = Literal["phishing_resistant", "several_factors", "password_alone", "nothing"]
"""The strongest way that somebody could sign in by today. `nothing`: neither password nor factor is kept here."""
READINESS: tuple[Readiness, ...] = get_args(Readiness)

STRENGTH_OF: dict[Method, Strength] = {
    "passkey": "phishing_resistant",
    "password_passkey": "phishing_resistant",
    "push": "several_factors",
    "password_push": "several_factors",
    "password_app": "several_factors",
    "password_sms": "several_factors",
    "password_mail": "several_factors",
    "mail_link": "one_factor",
    "sms": "one_factor",
    "password": "one_factor",
    "other": "unknown",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What `amr` must hold: all of `every`, and one of `some` where any are named."""

    name: str
    every: tuple[str, ...] = ()
    some: tuple[str, ...] = ()

    def holds(self, amr: Collection[str]) -> bool:
        """Whether it does."""
        return all(one in amr for one in self.every) and (not self.some or any(one in amr for one in self.some))


_KEYS = ("hwk", "swk")
METHOD_RULES: tuple[Rule, ...] = (
    Rule("password_push", ("pwd", "mca")),
    Rule("push", ("mca",)),
    Rule("password_passkey", ("pwd",), _KEYS),
    Rule("passkey", (), _KEYS),
    Rule("password_app", ("pwd", "otp")),
    Rule("password_sms", ("pwd", "sms")),
    Rule("password_mail", ("pwd", "email")),
    Rule("password", ("pwd",)),
    Rule("sms", ("sms",)),
    Rule("mail_link", ("email",)),
)
"""The first one that holds names the method; none: `other`."""
FAILED_RULES: tuple[Rule, ...] = (
    Rule("push_refused", ("mca",)),
    Rule("passkey_refused", (), _KEYS),
    Rule("wrong_code_of_app", ("otp",)),
    Rule("wrong_code_by_sms", ("sms",)),
    Rule("wrong_code_by_mail", ("email",)),
    Rule("wrong_password", ("pwd",)),
)
"""Likewise of an attempt that `failed`, whose `amr` is what was tried."""


def method_of(amr: Collection[str]) -> Method:
    """The method of a sign-in by these."""
    return _first(METHOD_RULES, amr)  # type: ignore[return-value] # a test holds names against the vocabulary


def why_not(outcome: Outcome, amr: Collection[str]) -> Failure | None:
    """Why an attempt came to nothing; None: it did not."""
    if outcome == "failed":
        return _first(FAILED_RULES, amr)  # type: ignore[return-value] # likewise
    if outcome == "refused":
        return "not_let_in"
    if outcome == "kept":
        return "kept_other_session"
    if outcome == "abandoned":
        return "left_at_second_factor" if tuple(amr) == ("pwd",) else "left"
    return None


def readiness(enrolled: Collection[Enrolled], *, has_password: bool) -> Readiness:
    """The strongest way that somebody could sign in by today."""
    if "passkey" in enrolled:
        return "phishing_resistant"
    if enrolled:
        return "several_factors"
    return "password_alone" if has_password else "nothing"


def _first(rules: Collection[Rule], amr: Collection[str]) -> str:
    return next((rule.name for rule in rules if rule.holds(amr)), "other")


MARKS: Mapping[Demanded, tuple[str, ...]] = {
    "passkey": _KEYS,
    "push": ("mca",),
    "totp": ("otp",),
    "sms": ("sms",),
    "link": ("email",),
}
"""What attempts by a method that phases ask for bear; of those by a key that approves elsewhere (`mca`) none is a
passkey's."""
WAYS: Mapping[Demanded, tuple[Method, ...]] = {
    "passkey": ("passkey", "password_passkey"),
    "push": ("push", "password_push"),
    "totp": ("password_app",),
    "sms": ("password_sms", "sms"),
    "link": ("mail_link", "password_mail"),
}
"""The ways in that a method makes."""


def by_one_of(methods: Collection[Demanded], amr: Collection[str]) -> bool:
    """Whether an attempt was by one of the methods that a phase asks for."""
    return any(
        any(mark in amr for mark in MARKS[method]) and (method != "passkey" or "mca" not in amr) for method in methods
    )


def ways(methods: Collection[Demanded]) -> tuple[Method, ...]:
    """The ways in that these methods make."""
    return tuple(way for method in methods for way in WAYS[method])
