"""What became of one attempt to hand a message over, whatever the channel."""

from __future__ import annotations


class Refused(Exception):
    """It will never be taken."""


class Deferred(Exception):
    """It was not taken now, or nobody knows whether it was: it is tried again later."""


class Away(Exception):
    """Nothing goes there now: it cannot be reached, is not who it should be, does not know us, or has had enough."""

    def __init__(self, why: str, *, wait: float = 0.0) -> None:
        """`wait`: the seconds for which it asked to be left alone."""
        super().__init__(why)
        self.wait = wait


class WrongAddress(Exception):
    """Not an address that a message can go to; the message does not show it."""
