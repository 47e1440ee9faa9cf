"""How strongly somebody was authenticated: `acr` (OpenID Connect Core 1.0, section 2) from `amr` (RFC 8176).

The mapping is closed: which methods may stand for which `acr` is said here alone (docs/reference/assurance.md), and an
organisation may let fewer of them count, never more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

ACR_ONE = "urn:munjigi:acr:1"
"""One factor."""
ACR_TWO = "urn:munjigi:acr:2"
"""Two factors, or a passkey with user verification."""
ACR_THREE = "urn:munjigi:acr:3"
"""A passkey with user verification whose key does not leave its device: phishing-resistant and bound to hardware."""
ACR_VALUES = (ACR_ONE, ACR_TWO, ACR_THREE)

MULTIPLE_FACTORS = "mfa"
"""The `amr` value (RFC 8176, section 2) that whoever verified a second factor, or a passkey, adds to the others."""
ATTESTED = "attested"
"""The `amr` value of a passkey whose maker vouches for its model. Of our own: RFC 8176 has none."""
FEDERATED = "fed"
"""The `amr` value of a sign-in at an upstream. RFC 8176 has none; this one is in common use."""

Method = Literal[
    "attested_passkey", "device_passkey", "synced_passkey", "push", "totp", "sms", "email", "upstream"
]  # fmt: skip
"""What may make an authentication one of several factors. `totp` is whatever has the `amr` value `otp`: digits of an
app, and saved recovery codes, too."""
METHODS: Final[tuple[Method, ...]] = (
    "attested_passkey", "device_passkey", "synced_passkey", "push", "totp", "sms", "email", "upstream",
)  # fmt: skip
SATISFIES: Final[Mapping[int, frozenset[Method]]] = {
    2: frozenset(METHODS),
    3: frozenset(("attested_passkey", "device_passkey")),
}
"""Which methods may serve each level above the first, which any one factor reaches."""
Way = Literal["passkey", "push", "totp", "sms", "email", "link"]
"""What an organisation may forbid. `email` is a code by mail, `link` a link by mail that signs in."""
WAYS: Final[tuple[Way, ...]] = ("passkey", "push", "totp", "sms", "email", "link")
_OF_WAY: Final[Mapping[Way, frozenset[Method]]] = {
    "passkey": frozenset(("attested_passkey", "device_passkey", "synced_passkey")),
    "push": frozenset(("push",)),
    "totp": frozenset(("totp",)),
    "sms": frozenset(("sms",)),
    "email": frozenset(("email",)),
    "link": frozenset(),
}
_NAMED: Final[Mapping[str, Method]] = {"otp": "totp", "sms": "sms", "email": "email", FEDERATED: "upstream"}
_OF_DEVICE: Final = frozenset(("hwk", "user", ATTESTED))


@dataclass(frozen=True, slots=True)
class Counting:
    """Which methods count for which level: the house's mapping, or what an organisation lets stand of it."""

    two: frozenset[Method] = SATISFIES[2]
    three: frozenset[Method] = SATISFIES[3]

    def of(self, level: int) -> frozenset[Method]:
        """Those that reach a level above the first."""
        return self.three if level >= 3 else self.two

    def without(self, forbidden: Collection[Way]) -> Counting:
        """What is left of it where these ways are forbidden: what may not be used counts for nothing."""
        gone = frozenset(one for way in forbidden for one in _OF_WAY[way])
        return Counting(self.two - gone, self.three - gone) if gone else self


HOUSE: Final = Counting()
"""The mapping as it is where no organisation narrows it."""


def methods_of(amr: Iterable[str]) -> frozenset[Method]:
    """By which methods beyond a password somebody was authenticated."""
    values = frozenset(amr)
    found: set[Method] = {_NAMED[value] for value in values if value in _NAMED}
    if "user" in values and "hwk" in values and (FEDERATED not in values or ATTESTED in values):
        # `hwk` of an upstream is its word alone; nobody but this house says that a key is attested
        found.update(("device_passkey", "attested_passkey") if ATTESTED in values else ("device_passkey",))
    if "user" in values and "swk" in values:
        found.add("synced_passkey")
    if "mca" in values and "swk" in values:
        found.add("push")
    return frozenset(found)


def assurance(amr: Iterable[str], counting: Counting = HOUSE) -> int:
    """3 where a passkey that stays in its device was used, 2 where several factors were, 1 where one was, 0 where none
    was; as far as they count."""
    values = frozenset(amr)
    if MULTIPLE_FACTORS not in values:
        return 1 if values else 0
    used = methods_of(values)
    if used & counting.three:
        return 3
    return 2 if counting.two == SATISFIES[2] or used & counting.two else 1


def acr(amr: Iterable[str], counting: Counting = HOUSE) -> str:
    """The `acr` of an authentication by these methods; empty where there was none."""
    return ("", *ACR_VALUES)[assurance(amr, counting)]


def level_of(reached: str) -> int:
    """The level that an `acr` stands for; 0 for anything else."""
    return ACR_VALUES.index(reached) + 1 if reached in ACR_VALUES else 0


def proven_again(before: Iterable[str], anew: Collection[str]) -> tuple[str, ...]:
    """The `amr` of a session whose person proved again who they are: its moment is that of the newer proof, so an older
    key in a device is named no longer where something weaker was given now."""
    kept = [value for value in before if "hwk" in anew or value not in _OF_DEVICE]
    return tuple(dict.fromkeys((*kept, *anew)))


def shown_acr(reached: str, asked: Iterable[str]) -> str:
    """The `acr` that an ID token shows: of the values that were asked for the strongest that was reached (OpenID
    Connect Core 1.0, section 5.5.1.1), since whoever reached more also reached less; otherwise what was reached."""
    wanted = frozenset(asked)
    within = ACR_VALUES[: level_of(reached)]
    return next((value for value in reversed(within) if value in wanted), reached)


def demanded_assurance(acr_values: Iterable[str]) -> int:
    """The least assurance that satisfies a request's `acr_values`; 0 where it names none that we know."""
    return min((level for level in map(level_of, acr_values) if level), default=0)
