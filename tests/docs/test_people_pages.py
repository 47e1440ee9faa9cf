"""`docs/people` says what the help pages say, in both languages, and the help pages show it."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from pages.help.ways import WAYS
from pages.locale import LOCALES
from tests.docs import people_pages
from tests.idp.conftest import provider
from tests.idp.provider import Provider

__all__ = ["provider"]


def test_the_pages_are_what_is_made_of_the_words() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in people_pages.FOLDER.glob("*.md")}
    assert written == people_pages.pages(), "run `python -m tests.docs.people_pages`"


@pytest.mark.parametrize("locale", LOCALES)
async def test_people_find_them_among_the_help_pages(provider: Provider, locale: str) -> None:
    browser = provider.browser()
    index = await browser.get(f"/help?locale={locale}")
    before = REGISTRY.get_sample_value("munjigi_help_pages_total", {"entry": "passkey"}) or 0
    for name in WAYS:
        assert f'/help/{name}"' in index.text
        page = await browser.get(f"/help/{name}?locale={locale}")
        assert page.status_code == 200
        assert page.text.count("<li>") >= 4
    assert REGISTRY.get_sample_value("munjigi_help_pages_total", {"entry": "passkey"}) == before + 1
    assert (await browser.get("/help/pigeon")).status_code == 404
