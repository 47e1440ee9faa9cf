"""A policy of a hundred thousand rules at the console: found in, edited, checked and saved, and no tab stands still.

What is found is printed; `make proof ARGS=tests/browser/test_console_huge.py` repeats it.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person

pytestmark = [pytest.mark.browser, pytest.mark.proof]

RULES = 100_000
LONG = 240_000
"""Milliseconds for what the service does with all of it."""
STILL = 2_000
"""Milliseconds for which a tab may do nothing else, on a busy machine."""
WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration);
}).observe({ type: "longtask", buffered: true });
"""
DRAFT = """async (count) => {
  const current = await (await fetch("/api/policy/current")).json();
  const { version, signature, approvals, shadow, ...rest } = current;
  const lines = Array.from({ length: count }, (_, index) =>
    `p,${1000 + index},bulk.r${index},customer,*,shop,/bulk/${index}/:id,GET|POST,risk <= 70,allow,`);
  const answer = await fetch("/api/policy/drafts", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...rest, rules: `${current.rules}${lines.join("\\n")}\\n`, why: "a proof" }),
  });
  return (await answer.json()).version?.number ?? 0;
}"""


@contextmanager
def alive(page: Page, doing: str) -> Iterator[None]:
    """Whatever is done, the tab answers meanwhile."""
    page.evaluate("window.longest = 0")
    began = time.monotonic()
    yield
    longest = float(page.evaluate("window.longest"))
    sys.stdout.write(f"\n{doing}: {time.monotonic() - began:.1f} s, at most {longest:.0f} ms without a break")
    assert longest < STILL, doing


def test_a_huge_policy_is_edited(administrator: Person, console: str) -> None:
    page = administrator.page
    page.set_default_timeout(LONG)
    page.add_init_script(WATCH)
    page.goto(f"{console}/policy")
    number = page.evaluate(DRAFT, RULES)
    assert number, "it is drafted"
    page.goto(f"{console}/policy/{number}")
    expect(page.get_by_role("region", name="Rules").get_by_role("row").nth(1)).to_be_visible(timeout=LONG)
    assert page.locator("tbody tr").count() <= 200, "so many as one looks through"

    page.goto(f"{console}/policy/{number}/edit")
    find = page.get_by_label("Find rules (id, role, path)")
    expect(find).to_be_visible(timeout=LONG)
    with alive(page, "one rule is found"):
        find.fill(f"bulk.r{RULES - 1}")
        expect(page.locator("tbody tr")).to_have_count(1, timeout=LONG)
    dialog = page.get_by_role("dialog")
    with alive(page, "its condition is typed"):
        page.get_by_role("button", name=f"Edit bulk.r{RULES - 1}", exact=True).click()
        dialog.get_by_label("Condition").press("End")
        dialog.get_by_label("Condition").press_sequentially(" and device >= known")
    with alive(page, "and taken over"):
        dialog.get_by_role("button", name="Done").click()
        expect(page.locator("tbody tr")).to_contain_text("device >= known", timeout=LONG)
    with alive(page, "a line is gone to"):
        page.get_by_role("button", name="Text", exact=True).click()
        page.locator("#go-to-line").fill("90000")
        page.get_by_role("button", name="Go", exact=True).click()
        expect(page.get_by_role("textbox", name="One rule a line")).to_be_focused(timeout=LONG)
    with alive(page, "it is checked"):
        page.get_by_role("button", name="Check now").click()
        expect(page.locator("#check-state")).to_have_text(re.compile("Nothing to mend|mend"), timeout=LONG)
    with alive(page, "it is saved"):
        page.get_by_role("button", name="Save", exact=True).click()
        dialog.get_by_label("Reason").fill("a proof")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0, timeout=LONG)
    expect(page.locator("#said")).to_contain_text(f"Draft {number} is saved.")
    sys.stdout.write("\n")
