import html
import re
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from config.problem import Problem
from config.sections.surroundings import SupportSettings
from config.web import UNEXPECTED, web_application
from pages import Assets, Pages
from pages.help.help_pages import HelpPages
from pages.help.support import Support, house_support
from pages.help.words import help_entries
from pages.locale import LOCALES, Locale

SUPPORT = SupportSettings(
    name="도움 창구", email="help+shop@example.com", phone="02-123 4567", url="https://help.example"
)


def application(support: SupportSettings = SUPPORT) -> httpx2.AsyncClient:
    assets = Assets(base="/assets")
    pages = Pages(assets=assets, help_at="/help")

    async def fail(_request: Request) -> Response:
        raise Problem(UNEXPECTED)

    routes = [*HelpPages(pages, house_support(support)).routes(), Route("/fail", fail), Mount("/assets", assets)]
    served = web_application(Router(routes), help_at="https://idp.example/help")
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url="https://idp.example")


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_code_has_a_page(locale: Locale) -> None:
    async with application() as client:
        for entry in help_entries().values():
            page = await client.get(f"/help/{entry.code}", headers={"Accept-Language": locale})
            assert page.status_code == 200
            told = html.unescape(page.text)
            assert [part for part, texts in entry.texts.items() if texts[locale] not in told] == []


async def test_the_index_leads_to_every_page() -> None:
    async with application() as client:
        index = await client.get("/help")
        assert re.findall(r'href="/help/(MJ-[A-Z]+-\d+)"', index.text) == list(help_entries())


async def test_the_support_mail_says_what_they_need_to_know() -> None:
    async with application() as client:
        page = await client.get("/help/MJ-IDP-102?ref=abcDEF123_-", headers={"Accept-Language": "ko"})
        (link,) = re.findall(r'href="(mailto:[^"]+)"', page.text)
        address = urlsplit(html.unescape(link))
        assert unquote(address.path) == "help+shop@example.com"
        mail = parse_qs(address.query)
        assert "MJ-IDP-102" in mail["subject"][0]
        assert "abcDEF123_-" in mail["subject"][0]
        assert "MJ-IDP-102 abcDEF123_-" in mail["body"][0]
        assert '<code id="help-reference">abcDEF123_-</code>' in page.text
        assert page.headers["munjigi-correlation-id"] not in page.text
        assert 'href="tel:02-1234567"' in page.text
        assert 'href="https://help.example"' in page.text


@pytest.mark.parametrize("reference", ["<b>bold</b>", "short", "a" * 65, "a b c d e f g h", "", "%0d%0aX"])
async def test_a_reference_that_is_none_is_not_repeated(reference: str) -> None:
    async with application() as client:
        page = await client.get("/help/MJ-IDP-102", params={"ref": reference})
        assert "help-reference" not in page.text
        assert "<b>bold</b>" not in page.text


async def test_a_code_is_found_however_it_is_written_and_an_unknown_one_leads_to_the_index() -> None:
    async with application() as client:
        assert "MJ-WEB-001" in (await client.get("/help/mj-web-001")).text
        unknown = await client.get("/help/MJ-NONE-1", headers={"Accept-Language": "en"})
        assert unknown.status_code == 404
        assert "We found nothing under that code" in unknown.text


async def test_support_without_an_address_is_not_offered() -> None:
    async with application(SupportSettings(email="", phone="", url="javascript:alert(1)")) as client:
        page = await client.get("/help/MJ-WEB-001")
        assert "mailto:" not in page.text
        assert "tel:" not in page.text
        assert "javascript:" not in page.text


def test_a_mail_cannot_be_given_further_recipients() -> None:
    link = Support("x", "a@example.com?bcc=b@example.com", "", "").mail(subject="s&bcc=c@example.com", body="b")
    assert list(parse_qs(urlsplit(link).query)) == ["subject", "body"]


async def test_a_problems_type_is_the_address_of_its_page() -> None:
    async with application() as client:
        problem = (await client.get("/fail")).json()
        assert problem["type"] == "https://idp.example/help/MJ-WEB-001"
        assert (await client.get(problem["type"])).status_code == 200
    assert Problem(UNEXPECTED).document("x")["type"] == "/.munjigi/help/MJ-WEB-001"
