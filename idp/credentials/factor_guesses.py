"""What is counted of a guess at a second factor: whose it is decides, as with passwords (`throttle.guesses`).

Whoever guesses here knows the password. Without an end, six digits would fall some day (NIST SP 800-63B-4, section
3.2.2, caps failures in a row at 100), so strangers wait longer and longer, and the person is told. A device where the
person got a session before is counted by itself: nobody who guesses elsewhere holds it off. Passkeys are not counted:
nobody guesses one.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from idp.credentials.throttle import Allowance, Limit, Slowdown, address_subject

FACTOR_OF_KNOWN_DEVICE: Final = Slowdown("factor-device", free=10, first=5, longest=900, memory=86400)
FACTOR_OF_ACCOUNT_HERE: Final = Slowdown("factor-account-here", free=10, first=30, longest=3600, memory=7 * 86400)
"""Room for two codes by mail, each of which has tries of its own."""
FACTOR_OF_ACCOUNT: Final = Slowdown("factor-account", free=30, first=30, longest=3600, memory=7 * 86400)
"""All strange devices together: after some 40 failures one an hour: that finds an app's code once in forty years."""
FACTOR_OF_ADDRESS: Final = Slowdown("factor-address", free=100, first=1, longest=60, memory=3600)
"""Many people may share an address, so its waits stay short."""
RECOVERY_FACTOR: Final = Slowdown("recovery-factor", free=10, first=5, longest=900, memory=86400)
"""Codes that are tried with a link of recovery. They are counted apart: guessing at a login does not close this way."""
TOLD_AFTER: Final = 3
"""Wrong factors from strange devices after which the person is told."""
TOLD: Final = Allowance("factor-told", 1, 3600)
"""Mails of that to one person: they know after the first."""


def factor_guesses(person: UUID, ip: str, known_device: UUID | None) -> list[tuple[Limit, str]]:
    """What is counted of a code that somebody types after this person's password.

    `known_device` is the device of the person where they got a session before.
    """
    if known_device is not None:
        return [(FACTOR_OF_KNOWN_DEVICE, f"{person}\0{known_device}")]
    address = address_subject(ip)
    return [
        (FACTOR_OF_ACCOUNT_HERE, f"{person}\0{address}"),
        (FACTOR_OF_ADDRESS, address),
        (FACTOR_OF_ACCOUNT, str(person)),
    ]
