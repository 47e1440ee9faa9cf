import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from config.web import web_application
from pages import Assets, Pages
from pages.assets import OWN
from pages.renderer import _moment


@pytest.fixture
def client(tmp_path: Path) -> httpx2.AsyncClient:
    (tmp_path / "messages.toml").write_text('[hello.title]\nko = "안녕하세요"\nen = "Hello"\n', encoding="utf-8")
    (tmp_path / "hello.html").write_text(
        '{% extends "base.html" %}{% block title %}{{ t("hello.title") }}{% endblock %}'
        '{% block content %}<h1>{{ t("hello.title") }} {{ name }}</h1>{% endblock %}'
        '{% block scripts %}<script nonce="{{ nonce }}" type="module"></script>{% endblock %}'
    )
    assets = Assets(base="/assets")
    pages = Pages(tmp_path, assets=assets)

    async def hello(request: Request) -> Response:
        return pages.respond(request, "hello.html", name="<b>", form_action=["https://app.example"])

    app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"]), Mount("/assets", assets)])
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(web_application(app)), base_url="https://idp.example")


async def test_a_page_speaks_the_readers_language_and_says_so(client: httpx2.AsyncClient) -> None:
    async with client:
        korean = await client.get("/", headers={"Accept-Language": "ko"})
        assert '<html lang="ko">' in korean.text
        assert "안녕하세요 &lt;b&gt;" in korean.text
        chosen = await client.get("/?locale=en&next=1", headers={"Accept-Language": "ko"})
        assert '<html lang="en">' in chosen.text
        assert 'href="?next=1&amp;locale=ko"' in chosen.text
        remembered = await client.get("/", headers={"Accept-Language": "ko"})
        assert '<html lang="en">' in remembered.text


async def test_a_page_allows_only_its_own_script(client: httpx2.AsyncClient) -> None:
    async with client:
        first, second = await client.get("/"), await client.get("/")
        policy = first.headers["content-security-policy"]
        (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
        assert f'nonce="{nonce}"' in first.text
        assert nonce not in second.text
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "form-action 'self' https://app.example" in policy
        assert first.headers["cache-control"] == "no-store"
        assert first.headers["munjigi-correlation-id"] in first.text


async def test_assets_are_kept_for_good_only_under_their_own_content(client: httpx2.AsyncClient) -> None:
    async with client:
        page = await client.get("/")
        (url,) = re.findall(r'href="(/assets/munjigi\.css[^"]*)"', page.text)
        fresh = await client.get(url)
        assert fresh.headers["cache-control"].endswith("immutable")
        assert fresh.headers["content-type"].startswith("text/css")
        assert (await client.get("/assets/munjigi.css?v=other")).headers["cache-control"] == "no-cache"
        assert (await client.get("/assets/../renderer.py")).status_code == 404


def test_a_moment_is_told_in_the_readers_words() -> None:
    at = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
    assert _moment(at, "Asia/Seoul", "ko") == "2026년 11월 22일 저녁 6:05"
    assert _moment(at, "Asia/Seoul", "en") == "22 Nov 2026, 18:05"


def test_the_stylesheet_stays_small() -> None:
    assert len(gzip.compress((OWN / "munjigi.css").read_bytes())) <= 15 * 1024


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back"),
    [
        *((text, ground) for text in ("text", "muted", "accent") for ground in ("ground", "surface", "raised")),
        ("on-accent", "accent"),
        *((kind, f"{kind}-ground") for kind in ("danger", "warning", "success", "information")),
        ("danger", "surface"),
    ],
)
def test_every_pair_of_colours_can_be_read(theme: int, front: str, back: str) -> None:
    """WCAG 2.2, success criterion 1.4.3: a contrast of at least 4.5."""
    tokens = dict(re.findall(r"--([a-z-]+): light-dark\(([^)]+)\)", (OWN / "munjigi.css").read_text()))
    light, dark = (_luminance(tokens[name].split(", ")[theme]) for name in (front, back))
    ratio = (max(light, dark) + 0.05) / (min(light, dark) + 0.05)
    assert ratio >= 4.5
