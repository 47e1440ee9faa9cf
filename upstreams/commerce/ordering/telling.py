"""Whoever an order concerns is told: its buyer by mail, and by text where they named a number; its sellers by mail; and
the event stream. What is told is written with the change, and sent after its commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from config.connections import Transaction, Valkey
from events import outbox
from notifications import queue as mail
from notifications.notice import TEXTED, Notice, NoticeKind
from upstreams.commerce.ordering.purchase import Purchase, SellerOrder, called
from upstreams.commerce.sellers.desk import Sellers
from upstreams.trade.money import Money


@dataclass(frozen=True, slots=True)
class Telling:
    """How people are told of orders."""

    valkey: Valkey
    mails: mail.Queue
    sellers: Sellers
    origin: str
    """The shop as browsers know it: mails lead there."""

    async def happened(self, tx: Transaction, bought: Purchase, kind: str, now: datetime) -> None:
        """Write an event for the stream: what happened to whose order, and nothing more."""
        payload = {"order_id": str(bought.id), "sub": str(bought.person), "kind": kind, "at": now.timestamp()}
        await outbox.append(tx, "order", str(bought.id), payload)

    async def buyer(
        self,
        tx: Transaction,
        kind: NoticeKind,
        bought: Purchase,
        now: datetime,
        *,
        more: Mapping[str, str] | None = None,
        **sums: Money,
    ) -> None:
        """Queue a mail to whoever bought it, and a text where the kind has one and they named a number.

        `sums`: `goods`, `shipping`, `vat`, `paid`, `refund`; a 0 is not said.
        """
        facts = {
            "what_ko": called(bought, "ko"),
            "what_en": called(bought, "en"),
            "number": bought.number,
            "at": now.isoformat(),
            "order": f"{self.origin}/orders/{bought.id}",
            **{name: f"{money.minor} {money.currency}" for name, money in sums.items() if money.minor},
            **(more or {}),
        }
        await self.mails.put(
            tx, Notice(kind=kind, user_id=bought.person, to="", locale=bought.locale, name="", facts=facts)
        )
        number = bought.destination.phone if bought.destination else ""
        if kind in TEXTED and number:
            text = Notice(
                kind=kind, user_id=bought.person, to=number, locale=bought.locale, name="", facts=facts, channel="text"
            )
            await self.mails.put(tx, text)

    async def seller(
        self, tx: Transaction, kind: NoticeKind, bought: Purchase, order: SellerOrder, now: datetime
    ) -> None:
        """Queue a mail to everybody who acts for the seller of an order: what they have to send, not to whom."""
        part = Purchase(
            bought.id, bought.person, None, bought.placed_at, order.total, [order], bought.number, locale=bought.locale
        )
        facts = {
            "what_ko": called(part, "ko"),
            "what_en": called(part, "en"),
            "number": bought.number,
            "at": now.isoformat(),
            "order": f"{self.origin}/vendor/orders/{order.id}",
        }
        for person in await self.sellers.members(tx, order.seller):
            await self.mails.put(tx, Notice(kind=kind, user_id=person, to="", locale="ko", name="", facts=facts))

    async def poke(self) -> None:
        """Once the transaction is committed: have it go out at once."""
        await outbox.poke(self.valkey)
        await mail.poke(self.valkey)
