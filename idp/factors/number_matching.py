"""What both screens show, so that nobody approves by habit: a number, or the words that another screen shows.

Whoever approves picks it among three. A guess is right once in three times, and a wrong one ends the request; whoever
only wants the question to go away is stopped by it, which is what it is for (NIST SP 800-63B-4, section 3.1.3.1).
"""

from __future__ import annotations

import re
from typing import Final

from config.entropy import Entropy

CHOICES: Final = 3
_SHORT: Final = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9-]{2,12}", re.ASCII)
_DIGITS, _UPPER, _LOWER = "0123456789", "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz"


def two_digits(entropy: Entropy) -> tuple[str, tuple[str, ...]]:
    """A number from 10 to 99, and the three among which it is picked, in an order that chance gave."""
    found: list[str] = []
    while len(found) < CHOICES:
        number = entropy.digits(2)
        if number[0] != "0" and number not in found:
            found.append(number)
    return found[0], _in_any_order(found, entropy)


def like(words: str, entropy: Entropy) -> tuple[str, ...]:
    """Short words of another screen among two that look alike; nothing for longer ones, which are compared as read."""
    if not _SHORT.fullmatch(words):
        return ()
    found = [words]
    for _ in range(CHOICES * 8):
        other = "".join(_another(character, entropy) for character in words)
        if other not in found:
            found.append(other)
        if len(found) == CHOICES:
            return _in_any_order(found, entropy)
    return ()


def _another(character: str, entropy: Entropy) -> str:
    alphabet = next((known for known in (_DIGITS, _UPPER, _LOWER) if character in known), None)
    if alphabet is None:
        return character
    return alphabet[int(entropy.digits(6)) * len(alphabet) // 10**6]


def _in_any_order(found: list[str], entropy: Entropy) -> tuple[str, ...]:
    return tuple(sorted(found, key=lambda _: entropy.digits(12)))
