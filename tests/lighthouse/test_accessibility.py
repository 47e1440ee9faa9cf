"""Lighthouse's accessibility score of the pages that people meet: 100, or the audits that failed are named.

Run by `make lighthouse`, which installs Lighthouse by its lock. What it looks at is a subset of what axe-core looks at
in `tests/axe.py`; it is here because its score is what people ask for.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.browser.conftest import Person
from tests.browser.provider import Relying
from tests.chromium import program
from tests.house import House, free_port, running_house

pytestmark = pytest.mark.lighthouse

LIGHTHOUSE = Path(__file__).parent / "node_modules" / ".bin" / "lighthouse"
ACCOUNT = ("", "/session", "/devices", "/history", "/apps", "/factors", "/places", "/password", "/notices", "/language",
           "/requests", "/links")  # fmt: skip
SHOP = ("", "reservations", "orders", ".munjigi/sign-out", ".munjigi/not-me", ".munjigi/help", ".munjigi/signed-out")
CONSOLE = ("", "people", "sessions", "organisations", "deliveries", "policy")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house() as house:
        yield house


class Auditor:
    """A Chromium with one profile, which Lighthouse shares."""

    def __init__(self, context: BrowserContext, port: int, folder: Path) -> None:
        self.context = context
        self._port = port
        self._report = folder / "report.json"
        self.scores: dict[str, float] = {}
        self.failed: dict[str, list[str]] = {}

    def look(self, address: str) -> None:
        """One page, as a phone shows it."""
        command = [
            str(LIGHTHOUSE), address, f"--port={self._port}", "--only-categories=accessibility", "--quiet",
            "--disable-storage-reset", "--output=json", f"--output-path={self._report}",
        ]  # fmt: skip
        subprocess.run(command, check=True, timeout=120)
        report = json.loads(self._report.read_text(encoding="utf-8"))
        assert "runtimeError" not in report, report["runtimeError"]
        asked = urlsplit(report["finalDisplayedUrl"])
        page = asked._replace(query="user_code" if "user_code=" in asked.query else "").geturl()
        self.scores[page] = report["categories"]["accessibility"]["score"]
        self.failed[page] = [name for name, audit in report["audits"].items() if audit["score"] == 0]

    def tell(self) -> None:
        """Every score, and what failed of those that are not whole."""
        for page, score in sorted(self.scores.items()):
            print(f"{score * 100:4.0f}  {page}")  # noqa: T201 - the table is what whoever runs it wants
        assert {page: self.failed[page] for page, score in self.scores.items() if score < 1} == {}


@pytest.fixture
def auditor(tmp_path: Path) -> Iterator[Auditor]:
    port = free_port()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=program(),
            args=["--no-sandbox", f"--remote-debugging-port={port}", "--lang=en-GB"],
            locale="en-GB",
        )
        yield Auditor(context, port, tmp_path)
        context.close()


def test_every_page_scores_100(house: House, auditor: Auditor) -> None:
    person = Person(house, auditor.context, auditor.context.new_page())
    auditor.look(house.shop)
    auditor.look(f"{house.issuer}/recover")
    auditor.look(f"{house.issuer}/help")
    auditor.look(f"{house.issuer}/help/MJ-IDP-001")
    _signed_in(person, house, auditor)
    for path in SHOP:
        auditor.look(f"{house.shop}{path}")
    for path in ACCOUNT:
        auditor.look(f"{house.issuer}/account{path}")
    for path in CONSOLE:
        auditor.look(f"http://console.localhost:{house.gateway_port}/{path}")
    auditor.tell()


def test_what_apps_of_others_ask_scores_100(house: House, auditor: Auditor) -> None:
    """Consent and its withdrawal, a device, a request behind one's back, links, signing out.

    The page of a request that cannot be trusted answers 400, at which Lighthouse looks at nothing: axe-core does.
    """
    house.end_all_sessions()  # that of the other test
    person = Person(house, auditor.context, auditor.context.new_page())
    _signed_in(person, house, auditor)
    relying, page = Relying(house), person.page
    relying.register()
    relying.link("admin")
    relying.ask("admin", "W4SCT")
    page.goto(relying.request())
    auditor.look(page.url)
    page.locator("button[value=allow]").click()
    page.wait_for_url(f"{relying.diary}?code=**")
    codes = relying.device()
    page.goto(f"{house.issuer}/account/links")
    removal = page.locator("a[href^='/account/links/remove']").get_attribute("href")
    for address in (
        f"{house.issuer}/account/apps/disconnect?id=diary",
        codes["verification_uri"],
        codes["verification_uri_complete"],
        f"{house.issuer}/account/requests",
        f"{house.issuer}{removal}",
        f"{house.issuer}/end-session",
    ):
        auditor.look(address)
    auditor.tell()


def _signed_in(person: Person, house: House, auditor: Auditor) -> None:
    """The administrator among the demo people, by way of every page of a login."""
    page: Page = person.page
    person.open_shop()
    person.give_password("admin", house.password("admin"))
    expect(page.locator("#code")).to_be_visible()
    auditor.look(page.url)
    person.give_code(pyotp.TOTP(house.totp_secret("admin")).now())
    person.is_in_the_shop()
