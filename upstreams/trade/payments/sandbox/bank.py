"""The sandbox's books: what it holds of payments, and what each call does to them. No network, no clock of its own.

Calls are idempotent by the caller's key: the same key gives the first answer again. The books are a list of entries
that is only ever added to; read again from the beginning they give the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from upstreams.trade.payments.sandbox.cards import CARDS, Card

Stage = Literal["open", "authorised", "captured", "failed"]
VOIDED = "voided"
"""The code of a payment that its caller let go of."""


class No(Exception):
    """Refused, with a code; nothing was done."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Entry(msgspec.Struct, frozen=True, tag_field="entry"):
    """Something that happened."""

    payment: str


class Opened(Entry, frozen=True, tag="opened"):
    key: str
    amount: int
    currency: str
    name: str
    success: str
    failure: str
    webhook: str
    method: str = "card"


class Authorised(Entry, frozen=True, tag="authorised"):
    card: str


class Declined(Entry, frozen=True, tag="declined"):
    code: str


class Captured(Entry, frozen=True, tag="captured"):
    amount: int


class Refunded(Entry, frozen=True, tag="refunded"):
    key: str
    amount: int
    reason: str
    reference: str


AnyEntry = Opened | Authorised | Declined | Captured | Refunded
Keep = Callable[[AnyEntry], None]
"""Writes an entry down before it counts."""


@dataclass(slots=True)
class Held:
    """A payment as the sandbox knows it."""

    reference: str
    key: str
    amount: int
    currency: str
    name: str
    success: str
    failure: str
    webhook: str
    method: str = "card"
    stage: Stage = "open"
    code: str = ""
    card: Card = field(default_factory=lambda: CARDS["4242424242424242"])
    captured: int = 0
    refunds: dict[str, Refunded] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """What can still be refunded."""
        return self.captured - sum(one.amount for one in self.refunds.values())

    def document(self) -> dict[str, Any]:
        """As the API shows it; of the card it shows the last four digits."""
        return {
            "reference": self.reference,
            "key": self.key,
            "amount": self.amount,
            "currency": self.currency,
            "stage": self.stage,
            "code": self.code,
            "captured": self.captured,
            "refunds": [
                {"key": one.key, "amount": one.amount, "stage": "succeeded", "reference": one.reference}
                for one in self.refunds.values()
            ],
        }


class Bank:
    """Every payment there is."""

    def __init__(self, keep: Keep, name: Callable[[], str]) -> None:
        """`name`: makes a reference that nobody guesses."""
        self._keep = keep
        self._name = name
        self._payments: dict[str, Held] = {}
        self._by_key: dict[str, str] = {}

    def read(self, entry: AnyEntry) -> None:
        """Take up an entry of the books."""
        if isinstance(entry, Opened):
            self._payments[entry.payment] = Held(
                entry.payment,
                entry.key,
                entry.amount,
                entry.currency,
                entry.name,
                entry.success,
                entry.failure,
                entry.webhook,
                entry.method,
            )
            self._by_key[entry.key] = entry.payment
            return
        held = self._payments[entry.payment]
        match entry:
            case Authorised():
                held.stage, held.card = "authorised", CARDS[entry.card]
            case Declined():
                held.stage, held.code = "failed", entry.code
            case Captured():
                held.stage, held.captured = "captured", entry.amount
            case Refunded():
                held.refunds[entry.key] = entry

    def find(self, reference: str) -> Held:
        """Raises `No`."""
        try:
            return self._payments[reference]
        except KeyError:
            raise No("not_found") from None

    def by_key(self, key: str) -> Held | None:
        """The payment of a caller's key."""
        reference = self._by_key.get(key)
        return None if reference is None else self._payments[reference]

    def open(
        self,
        *,
        key: str,
        amount: int,
        currency: str,
        name: str,
        success: str,
        failure: str,
        webhook: str = "",
        method: str = "card",
    ) -> Held:
        """A payment that its person may authorise; of one that is there already, that one. Raises `No`."""
        held = self.by_key(key)
        if held is None:
            if amount < 1:
                raise No("amount")
            return self._add(Opened(self._name(), key, amount, currency, name, success, failure, webhook, method))
        if (held.amount, held.currency) != (amount, currency):
            raise No("key_reused")
        return held

    def authorise(self, reference: str, card: Card) -> Held:
        """Its person typed a card. Raises `No`."""
        held = self.find(reference)
        if held.stage != "open":
            raise No("not_open")
        return self._add(Declined(reference, card.declined) if card.declined else Authorised(reference, card.number))

    def decline(self, reference: str, code: str) -> Held:
        """It will never be paid. Raises `No`."""
        if self.find(reference).stage not in ("open", "authorised"):
            raise No("not_open")
        return self._add(Declined(reference, code))

    def void(self, reference: str) -> Held:
        """Let go of what was authorised; what was taken, or will never be, stays as it is. Raises `No`."""
        held = self.find(reference)
        return held if held.stage in ("captured", "failed") else self._add(Declined(reference, VOIDED))

    def capture(self, reference: str, amount: int) -> Held:
        """Take the money, once. Raises `No`."""
        held = self.find(reference)
        if held.stage == "captured":
            return held
        if held.stage != "authorised":
            raise No(held.code or "not_authorised")
        if amount != held.amount:
            raise No("amount")
        return self._add(Captured(reference, amount))

    def refund(self, reference: str, key: str, amount: int, reason: str) -> Held:
        """Give some of it back, once for each key. Raises `No`."""
        held = self.find(reference)
        if (done := held.refunds.get(key)) is not None:
            if done.amount != amount:
                raise No("key_reused")
            return held
        if held.stage != "captured" or not 0 < amount <= held.left:
            raise No("amount" if held.stage == "captured" else "not_captured")
        return self._add(Refunded(reference, key, amount, reason, self._name()))

    def _add(self, entry: AnyEntry) -> Held:
        self._keep(entry)
        self.read(entry)
        return self._payments[entry.payment]
