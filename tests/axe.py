"""axe-core over a page in a real browser: what it finds fails the test, with everything needed to mend it.

Give it the page as it stands (`assert_accessible(page)`), in each theme, language and width that matters; axe-core
looks at what is shown. The rules are those of WCAG 2.0 to 2.2, levels A and AA, and its best practices.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.async_api import Page as AsyncPage
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": TAGS}}
RUN = """(options) => Promise.race([axe.run(options), new Promise((_, reject) => {
  setTimeout(() => reject(new Error("axe-core gave no answer")), 60_000);
})])"""
"""Playwright waits for an answer without an end."""


def assert_accessible(page: Page) -> None:
    """Fail with what axe-core finds on a page of Playwright's synchronous API."""
    page.evaluate(AXE_SCRIPT)
    _assert_none(page.url, AxeResults(page.evaluate(RUN, OPTIONS)))


async def assert_accessible_async(page: AsyncPage) -> None:
    """Fail with what axe-core finds on a page of Playwright's asynchronous API."""
    await page.evaluate(AXE_SCRIPT)
    _assert_none(page.url, AxeResults(await page.evaluate(RUN, OPTIONS)))


def _assert_none(url: str, results: AxeResults) -> None:
    found = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(
            f"    {' '.join(map(str, node['target']))}: {node['failureSummary']}" for node in violation["nodes"]
        )
        for violation in results.response["violations"]
    ]
    assert not found, f"{url}\n" + "\n".join(found)
