"""What `docs/how-to/take-payments.md` and `cancel-and-refund.md` say of settings, cards, terms, addresses and codes."""

from __future__ import annotations

import re

import msgspec
import pytest

from cli.services import SANDBOX, services_of
from config.settings import load_settings
from tests.docs.test_examples import PROJECT, blocks
from upstreams.reservation.cancelling import cancellation
from upstreams.reservation.cancelling.policy import Deadline, policy_of
from upstreams.reservation.endpoints.cancellations import AskedCancellation
from upstreams.trade.payments.choosing import provider_of
from upstreams.trade.payments.sandbox.cards import CARDS
from upstreams.trade.payments.toss import TossPayments

PAYMENTS = PROJECT / "docs" / "how-to" / "take-payments.md"
CANCELLING = PROJECT / "docs" / "how-to" / "cancel-and-refund.md"


@pytest.fixture
def as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    [(_, block)] = blocks(PAYMENTS, "")
    for line in block.splitlines():
        monkeypatch.setenv(*line.split("=", 1))


async def test_its_settings_set_toss_payments(as_the_page_says: None) -> None:
    settings = load_settings()
    provider = provider_of(settings)
    assert isinstance(provider, TossPayments)
    assert SANDBOX not in services_of(settings)
    text = PAYMENTS.read_text(encoding="utf-8")
    assert f"{settings.shop_origin}/reservations/payments/webhooks/{provider.name}" in text
    await provider.aclose()


def test_every_card_does_something_there() -> None:
    assert SANDBOX in services_of(load_settings())
    named = {found.replace(" ", "") for found in re.findall(r"`(4\d{3}(?: \d{4}){3})`", PAYMENTS.read_text())}
    assert named == set(CARDS)


def test_its_terms_and_its_request_are_understood() -> None:
    [(_, terms)] = blocks(CANCELLING, "json")
    policy = policy_of(msgspec.json.decode(terms, type=list[Deadline]))
    assert [one.fee for one in policy.deadlines] == [0, 3000, 5000]
    [(_, request)] = blocks(CANCELLING, "http")
    asked = msgspec.json.decode(request.rpartition("\n\n")[2], type=AskedCancellation)
    assert asked.lines[0].quantity == 1


def test_its_codes_are_those_of_cancelling() -> None:
    text = CANCELLING.read_text(encoding="utf-8")
    for kind in (cancellation.NOT_KEPT, cancellation.TOO_LATE, cancellation.ONLY_WHOLE):
        assert f"`{kind.code}`" in text
