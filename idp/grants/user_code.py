"""What a person types to name their device (RFC 8628, section 6.1): eight consonants, so that no word comes of them."""

from __future__ import annotations

from typing import Final

from config.entropy import Entropy

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
_ALL: Final = len(LETTERS) ** LENGTH
"""2.56e10: whoever guesses ten times a quarter of an hour finds one of a thousand waiting ones in 70 years."""


def new_user_code(entropy: Entropy) -> str:
    """One of all, each as likely as the others (but for 1e-19)."""
    number = int(entropy.digits(30)) % _ALL
    letters = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return "".join(letters)


def shown(user_code: str) -> str:
    """As a screen shows it: `WDJB-MJHT`."""
    return f"{user_code[:4]}-{user_code[4:]}"


def typed(text: str) -> str | None:
    """The code that somebody typed: case, spaces and punctuation are nothing to it. None: it cannot be one."""
    if len(text) > 64:
        return None
    letters = "".join(letter for letter in text.upper() if letter.isalnum())
    return letters if len(letters) == LENGTH and set(letters) <= set(LETTERS) else None
