"""What `docs/how-to/approve-on-another-device.md` signs is what a browser signs: it approves a login."""

from __future__ import annotations

from dataclasses import asdict

from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.account.conftest import app, arrive
from tests.idp.approvals.conftest import Approving, approving
from tests.idp.approvals.devices import ORIGIN, number

__all__ = ["app", "approving", "arrive"]

PAGE = PROJECT / "docs" / "how-to" / "approve-on-another-device.md"


async def test_a_program_approves_by_the_lines_of_the_page(approving: Approving) -> None:
    page, phone = defined_by(PAGE), approving.phone
    browser, shown = await approving.elsewhere()
    shown = await approving.ask(browser, shown)
    question = await approving.question()
    form = page["answer"](phone.private, phone.name, ORIGIN, asdict(question), "approve", number(shown))
    answered = await phone.browser.post(f"/approvals/{question.id}", form)
    assert answered.headers["location"] == "/approvals?done=approved"
