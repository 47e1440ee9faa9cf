"""What becomes of a payment and a refund, whatever a provider answers and wherever it is cut off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams.trade.money import Money
from upstreams.trade.payments import payment as payments
from upstreams.trade.payments import refund as refunds
from upstreams.trade.payments.payment import ABANDONED, GRACE, Payment
from upstreams.trade.payments.provider import RefundAtProvider, Refused, Stage, Standing, Uncertain, Untrusted
from upstreams.trade.payments.refund import Refund
from upstreams.trade.payments.retries import MOST_ATTEMPTS, pause_after
from upstreams.trade.payments.webhooks import TOLERANCE, sign, verify

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
ENDS = NOW + timedelta(minutes=15)
SECRET = b"a secret"


def payment(**more: object) -> Payment:
    made = Payment(UUID(int=1), UUID(int=2), UUID(int=3), Money(70000, "KRW"), "물레", "sandbox", "created", ENDS, ENDS)
    return replace(made, **more)  # type: ignore[arg-type]


def refund(**more: object) -> Refund:
    made = Refund(UUID(int=9), UUID(int=1), "cancelled", None, Money(5000, "KRW"), "requested", NOW)
    return replace(made, **more)  # type: ignore[arg-type]


AUTHORISED = Standing(Stage.AUTHORISED, "ref")
CAPTURED = Standing(Stage.CAPTURED, "ref", 70000)


def test_the_way_of_a_payment_that_goes_well() -> None:
    back = payments.returned(payment(), "ref", NOW)
    assert back.next_attempt_at == NOW
    looking, act = payments.claimed(back)
    assert act == "look"
    ready = payments.heard(looking, AUTHORISED, NOW, 0)
    assert (ready.state, ready.reference, ready.next_attempt_at) == ("confirming", "ref", NOW)
    taking, act = payments.claimed(ready)
    # before the provider is told, it is written down that it may be
    assert (taking.state, act) == ("unknown", "capture")
    done = payments.heard(taking, CAPTURED, NOW, 0)
    assert (done.state, done.captured, done.next_attempt_at) == ("captured", 70000, None)


def test_whoever_finds_it_half_way_asks_first() -> None:
    found, act = payments.claimed(payment(state="unknown", attempts=1))
    assert act == "look"
    again = payments.heard(found, AUTHORISED, NOW, 0)
    assert again.state == "confirming"
    assert again.next_attempt_at is not None
    assert again.next_attempt_at > NOW
    assert payments.claimed(again)[1] == "capture"


def test_what_nobody_authorised_in_time_is_over() -> None:
    waiting = payments.heard(payment(), None, NOW, 0)
    assert (waiting.state, waiting.next_attempt_at) == ("created", ENDS + GRACE)
    assert payments.heard(payment(), Standing(Stage.OPEN, "ref"), ENDS + GRACE - timedelta(seconds=1), 0).state == (
        "created"
    )
    over = payments.heard(payment(), Standing(Stage.OPEN, "ref"), ENDS + GRACE, 0)
    assert (over.state, over.failure) == ("voiding", ABANDONED)  # nobody may authorise it any more
    assert payments.heard(payment(), None, ENDS + GRACE, 0).state == "failed"  # it is not known there


def test_a_no_is_a_no() -> None:
    failed = payments.heard(payment(state="unknown"), Standing(Stage.FAILED, "ref", code="no"), NOW, 0)
    assert (failed.state, failed.failure, failed.next_attempt_at) == ("failed", "no", None)
    # a card that may not be charged may still hold what its person authorised
    refused = payments.heard(payment(state="unknown", attempts=2), Refused("no"), NOW, 0)
    assert (refused.state, refused.failure, refused.next_attempt_at, refused.attempts) == ("voiding", "no", NOW, 0)


@pytest.mark.parametrize("answer", [Standing(Stage.FAILED, "ref", code="voided"), Refused("not_found"), None])
def test_what_is_let_go_of_has_failed_for_its_first_reason(answer: payments.Answer) -> None:
    asked, act = payments.claimed(payment(state="voiding", failure="too_late"))
    assert (asked.state, asked.attempts, act) == ("voiding", 1, "void")
    done = payments.heard(asked, answer, NOW, 0)
    assert (done.state, done.failure, done.next_attempt_at) == ("failed", "too_late", None)


def test_letting_go_is_tried_until_a_person_has_to_look() -> None:
    one, at = payment(state="voiding", failure="too_late"), NOW
    for answer in [Uncertain("x"), AUTHORISED] * (MOST_ATTEMPTS // 2):
        assert one.next_attempt_at is not None
        at = max(at, one.next_attempt_at)
        one = payments.heard(payments.claimed(one)[0], answer, at, 0)
        assert (one.state, one.failure) == ("voiding", "too_late")
    assert one.dead
    assert payments.claimed(payments.again(one, at))[1] == "void"
    # somebody else's late confirmation: then the money is there, and goes back as a refund
    taken = payments.heard(payments.claimed(payment(state="voiding", failure="too_late"))[0], CAPTURED, NOW, 0)
    assert (taken.state, taken.captured, taken.failure) == ("captured", 70000, "")


@pytest.mark.parametrize(
    ("state", "after"),
    [("created", "voiding"), ("confirming", "voiding"), ("unknown", "unknown"), ("failed", "failed")],
)
def test_what_is_not_wanted_any_more(state: payments.State, after: payments.State) -> None:
    assert payments.unwanted(payment(state=state), "cancelled", NOW).state == after


@pytest.mark.parametrize("state", ["confirming", "unknown", "captured", "voiding", "failed"])
def test_coming_back_moves_nothing_that_is_under_way(state: payments.State) -> None:
    before = payment(state=state)
    assert payments.returned(before, "forged", NOW) == before


ANSWERS = st.sampled_from([AUTHORISED, Uncertain("x"), None, Standing(Stage.OPEN, "ref")])


@given(st.lists(ANSWERS, max_size=200))
def test_a_provider_that_never_says_is_left_to_a_person_in_the_end(answers: list[payments.Answer]) -> None:
    at, one = NOW, payment(state="confirming")
    for answer in answers:
        if one.next_attempt_at is None:
            assert one.dead or one.state == "failed"
            return
        at = max(at, one.next_attempt_at)
        one = payments.heard(payments.claimed(one)[0], answer, at, 0)
        assert one.state not in ("captured",)
    assert one.attempts <= MOST_ATTEMPTS + 1


@given(st.integers(1, 60), st.floats(0, 1))
def test_pauses_double_and_end(attempts: int, chance: float) -> None:
    pause = pause_after(attempts, chance)
    assert timedelta(seconds=1) <= pause <= timedelta(hours=3)
    assert pause_after(attempts + 1, chance) >= pause
    total = sum((pause_after(n, 0) for n in range(1, MOST_ATTEMPTS)), timedelta())
    assert timedelta(hours=6) < total < timedelta(days=2)


def known(key: UUID, stage: str = "succeeded") -> Standing:
    return Standing(Stage.CAPTURED, "ref", 70000, (RefundAtProvider(str(key), 5000, stage, "r-1"),))


def test_the_way_of_a_refund() -> None:
    sent, act = refunds.claimed(refund())
    assert (sent.state, act) == ("sent", "send")
    done = refunds.heard(sent, known(sent.id), NOW, 0)
    assert (done.state, done.reference, done.next_attempt_at) == ("succeeded", "r-1", None)


@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_a_refund_that_may_have_been_sent_is_asked_for(state: refunds.State) -> None:
    one, act = refunds.claimed(refund(state=state, attempts=1))
    assert act == "look"
    assert refunds.heard(one, known(one.id), NOW, 0).state == "succeeded"
    # somebody else's refund of the same payment is not ours
    again = refunds.heard(one, known(UUID(int=77)), NOW, 0)
    assert again.state == "requested"
    assert refunds.claimed(again)[1] == "send"


def test_a_refund_is_only_over_when_the_provider_says_so() -> None:
    one = refund(state="sent", attempts=1)
    assert refunds.heard(one, known(one.id, "pending"), NOW, 0).state == "unknown"
    assert refunds.heard(one, known(one.id, "failed"), NOW, 0).state == "failed"
    assert refunds.heard(one, Refused("NOT_CANCELABLE_PAYMENT"), NOW, 0).failure == "NOT_CANCELABLE_PAYMENT"
    assert refunds.heard(replace(one, attempts=MOST_ATTEMPTS), Uncertain("x"), NOW, 0).dead


def test_a_webhook_bears_the_signature_of_its_moment() -> None:
    header = sign(SECRET, b"{}", NOW)
    verify(SECRET, b"{}", header, NOW + TOLERANCE)
    for body, header_, at in (
        (b"{ }", header, NOW),
        (b"{}", sign(b"another", b"{}", NOW), NOW),
        (b"{}", header.replace("t=1", "t=2"), NOW),
        (b"{}", header, NOW + TOLERANCE + timedelta(seconds=1)),
        (b"{}", header, NOW - TOLERANCE - timedelta(seconds=1)),
        (b"{}", "", NOW),
        (b"{}", header + ",v1=" + "0" * 64, NOW),
    ):
        with pytest.raises(Untrusted):
            verify(SECRET, body, header_, at)
