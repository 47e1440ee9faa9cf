"""Test cards, and how the sandbox behaves for each: every way in which a provider fails has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fault = Literal["", "lost", "broken", "dropped", "refused"]
"""What becomes of a call: it is done and answered; done, but no answer comes for as long as anybody waits; done, but
answered with 500; not done and never answered; refused."""
Posting = Literal["once", "twice", "late", "forged", "never"]
"""How its webhooks come: once, twice at once, later than everything else, also once with a wrong signature, or not."""


@dataclass(frozen=True, slots=True)
class Card:
    """One card's behaviour."""

    number: str
    about: str
    declined: str = ""
    """Why its bank says no, on the page already."""
    capture: Fault = ""
    refund: Fault = ""
    void: Fault = ""
    times: int = 1
    """How many calls of a kind meet the fault; those that follow go well."""
    posting: Posting = "once"


ALWAYS = 1_000_000
CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242", "goes well"),
        Card("4000000000000002", "is declined by its bank", declined="card_declined"),
        Card("4000000000009995", "has not enough on it", declined="insufficient_funds"),
        Card("4000000000000341", "is declined when the money is taken", capture="refused", times=ALWAYS),
        Card("4000000000000101", "is charged, and the answer is lost", capture="lost"),
        Card("4000000000000119", "is charged, and the answer is an error", capture="broken"),
        Card("4000000000000127", "is not charged at first, without an answer", capture="dropped"),
        Card("4000000000000200", "is refunded, and the answer is lost", refund="lost"),
        Card("4000000000000218", "is refunded, and the answer is an error", refund="broken"),
        Card("4000000000000226", "is not refunded at first, without an answer", refund="dropped"),
        Card("4000000000000234", "cannot be refunded", refund="refused", times=ALWAYS),
        Card("4000000000000416", "is let go of, and the answer is lost", void="lost"),
        Card("4000000000000424", "is let go of, and the answer is an error", void="broken"),
        Card("4000000000000309", "sends every webhook twice", posting="twice"),
        Card("4000000000000317", "sends its webhooks late", posting="late"),
        Card("4000000000000325", "sends forged webhooks, too", posting="forged"),
        Card("4000000000000333", "sends no webhooks", posting="never"),
    )
}
