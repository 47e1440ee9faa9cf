"""What a client asks behind a person's back (CIBA) is asked on their devices, too, and settled by a signed answer."""

from __future__ import annotations

from typing import Any

import pytest

from idp.factors.number_matching import CHOICES
from idp.protocol.assurance import ACR_TWO
from tests.clock import FakeClock
from tests.idp.approvals.conftest import Approving
from tests.idp.grants.backchannel import answer, begin, error, poll, till_of
from tests.idp.provider import App, Provider


@pytest.fixture
async def till(provider: Provider, approving: Approving) -> App:
    return await till_of(provider)


async def test_the_words_of_the_other_screen_allow_it(
    provider: Provider, approving: Approving, till: App, clock: FakeClock
) -> None:
    begun = await begin(provider, till, binding_message="W4SCT")
    question = await approving.question()
    assert "W4SCT" in question.choices
    assert len(set(question.choices)) == CHOICES
    assert {len(choice) for choice in question.choices} == {5}
    page = (await approving.phone.browser.get(f"/approvals/{question.id}")).text
    assert "Pick what the other screen shows" in page
    assert await approving.phone.answer(question, "approve", "W4SCT") == "approved"
    tokens = await poll(provider, till, begun)
    assert tokens.status_code == 200, tokens.text
    kinds = [kind for kind, _ in await approving.records()]
    assert "backchannel_allowed" in kinds
    assert "approval_given" in kinds


async def test_long_words_are_compared_by_reading(provider: Provider, approving: Approving, till: App) -> None:
    words = "Pay 12,000 KRW to the Moonlight shop"
    begun = await begin(provider, till, binding_message=words)
    question = await approving.question()
    assert (question.choices, question.message) == ((), words)
    assert words in (await approving.phone.browser.get(f"/approvals/{question.id}")).text
    assert await approving.phone.answer(question, "approve") == "approved"
    assert (await poll(provider, till, begun)).status_code == 200


@pytest.mark.parametrize(("decision", "picked"), [("deny", ""), ("approve", "XXXXX")])
async def test_a_no_and_the_wrong_words_refuse_it(
    provider: Provider, approving: Approving, till: App, decision: str, picked: str
) -> None:
    begun = await begin(provider, till, binding_message="W4SCT")
    await approving.phone.answer(await approving.question(), decision, picked)
    assert await error(provider, till, begun) == "access_denied"


async def test_the_page_of_requests_and_the_device_answer_once(
    provider: Provider, approving: Approving, till: App
) -> None:
    begun = await begin(provider, till, binding_message="W4SCT")
    question = await approving.question()
    await answer(approving.person)
    assert await approving.phone.questions() == [], "it was answered elsewhere"
    assert await approving.phone.answer(question, "deny") == "over"
    assert (await poll(provider, till, begun)).status_code == 200


async def test_a_device_begins_no_session_and_raises_none(provider: Provider, approving: Approving, till: App) -> None:
    strict = await begin(provider, till, binding_message="W4SCT", acr_values=ACR_TWO)
    assert await approving.phone.answer(await approving.question(), "approve", "W4SCT") == "stronger"
    assert await error(provider, till, strict) == "authorization_pending"
    assert await approving.phone.answer(await approving.question(), "deny") == "denied"


async def test_whoever_is_signed_in_nowhere_allows_nothing(provider: Provider, approving: Approving, till: App) -> None:
    begun: dict[str, Any] = await begin(provider, till, binding_message="W4SCT")
    await approving.person.post("/account/session/end")
    question = await approving.question()
    assert await approving.phone.answer(question, "approve", "W4SCT") == "not_signed_in"
    assert await error(provider, till, begun) == "authorization_pending"


async def test_nobody_is_worn_down_by_clients(provider: Provider, approving: Approving, till: App) -> None:
    for _ in range(5):
        await begin(provider, till, binding_message="W4SCT")
    assert len(await approving.phone.questions()) == 3, "the others are on the page of requests, and in the mail"
    shown = (await approving.person.get("/account/requests")).text
    assert shown.count("data-request=") == 5
