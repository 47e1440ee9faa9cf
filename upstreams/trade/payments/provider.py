"""What is asked of a payment provider, and how it answers.

Every payment has a key of ours, and so has every refund: whatever is asked twice by the same key happens once, and
whatever became of it can be looked up by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from upstreams.trade.money import Money


class Refused(Exception):
    """The provider says no, and nothing was done. `code` is the provider's own word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code[:80]


class Uncertain(Exception):
    """No answer that says what became of it: it may have been done, or not. The message is for the log."""


class Untrusted(Exception):
    """A webhook that the provider did not send, or sent long ago."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody is to pay, before they do."""

    key: str
    """Ours, and the payment's for good."""
    amount: Money
    name: str
    """What the provider's page calls it."""
    success: str
    """Where the provider's page leads to once the payment is authorised."""
    failure: str
    """Where it leads to otherwise."""
    webhook: str
    """Where its webhooks go, where they can be sent anywhere."""
    method: str = "card"
    """How its person wants to pay, where a provider has several pages: `card`, or `wallet`."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """How a person gets to the provider's page."""

    url: str = ""
    """Its address; empty where a script of the provider opens it."""
    script: Mapping[str, str | float] | None = None
    """What that script is told, and its address as `src`; nothing in it is secret."""
    origins: tuple[str, ...] = ()
    """Where that script's window and all that belongs to it come from."""


class Stage(StrEnum):
    """How far a payment is at the provider."""

    OPEN = "open"
    """Nobody has authorised it."""
    AUTHORISED = "authorised"
    """Its person has; nothing is taken yet."""
    CAPTURED = "captured"
    """The money is taken."""
    FAILED = "failed"
    """It will never be."""


@dataclass(frozen=True, slots=True)
class RefundAtProvider:
    """A refund as the provider knows it."""

    key: str
    amount: int
    stage: str
    """`succeeded`, `failed` or `pending`."""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A payment as the provider knows it, amounts in minor units."""

    stage: Stage
    reference: str
    """The provider's own key of it."""
    captured: int = 0
    refunds: tuple[RefundAtProvider, ...] = ()
    code: str = ""
    """Why it failed."""

    def refund(self, key: str) -> RefundAtProvider | None:
        """The refund of this key of ours."""
        return next((one for one in self.refunds if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a webhook tells us to look at. It is never believed beyond that: the provider is asked."""

    event: str
    """Its id: the same one comes once only, however often it is sent."""
    key: str
    """Our key of the payment."""


class Provider(Protocol):
    """A payment provider. All but `hears` raise `Refused` and `Uncertain`."""

    name: str
    pages: tuple[str, ...]
    """The origins of its pages that people are led to by a form."""

    async def begin(self, order: Order) -> Checkout:
        """Let a person authorise a payment. Asked twice, it is the same payment."""

    async def capture(self, key: str, reference: str, amount: Money) -> Standing:
        """Take what was authorised. Asked twice, it is taken once."""

    async def void(self, key: str, reference: str) -> Standing | None:
        """Let go of what was authorised and not taken, and have nobody authorise it any more. Asked twice, it happens
        once; None where the provider knows of none. What was taken already is not touched: the answer says so."""

    async def refund(self, key: str, reference: str, amount: Money, *, refund: str, reason: str) -> Standing:
        """Give some of it back. Asked twice by the same key `refund`, it is given once."""

    async def look(self, key: str, reference: str) -> Standing | None:
        """What became of the payment of this key of ours; None where the provider knows of none."""

    def hears(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard | None:
        """What a webhook speaks of; None where it is nothing to us. Raises `Untrusted`. Names of `headers` are in
        lower case."""

    async def aclose(self) -> None:
        """Let its connections go."""
