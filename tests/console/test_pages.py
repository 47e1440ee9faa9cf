"""The console's shell, behind its entrance."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from config.clock import SystemClock
from config.connections import Database
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from console.app import SERVICE, application
from console.pages import STATIC, TEMPLATES, sections
from console.views import KEYS, LISTS, VIEWS, View
from jose.assertion import HEADER, AssertionSigner, Subject
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from pages.catalogue import Catalogue

ADMINISTRATOR = Subject(sid="s" * 22, sub="1", roles=("administrator",), name="관리 <b>자</b>", locale="ko")


@pytest.fixture
async def console(settings: Settings, database: Callable[[Role], Database]) -> AsyncIterator[httpx2.AsyncClient]:
    """The console, asked by an administrator whom the gateway asserts."""
    clock, keys = SystemClock(), SigningKeys(Envelope.load(settings))
    async with database("gateway").begin() as tx:
        signer = AssertionSigner(await keys.ensure_active(tx, "assertion", clock.now()))
    entrance = await Entrance.open(SERVICE, database(SERVICE), keys.assertion_keys, clock)
    transport = httpx2.ASGITransport(entrance.around(application()))
    headers = {
        HEADER: signer.sign(SERVICE, ADMINISTRATOR, zone="admin", now=clock.timestamp()),
        "Accept": "text/html",
    }
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.localhost", headers=headers) as client:
        yield client


async def test_nobody_comes_in_past_the_gateway(console: httpx2.AsyncClient) -> None:
    del console.headers[HEADER]
    answer = await console.get("/sessions")
    assert answer.status_code == 401
    assert answer.json()["code"] == "MJ-JOSE-001"


async def test_home_leads_to_what_is_looked_for_most(console: httpx2.AsyncClient) -> None:
    assert (await console.get("/")).headers["location"] == "/sessions"


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
async def test_every_view_has_a_page_and_a_module(console: httpx2.AsyncClient, view: View) -> None:
    path = view.path.replace("{id}", "0196f3a0-0000-7000-8000-000000000001")
    page = await console.get(path)
    assert page.status_code == 200
    assert '<html lang="ko" data-theme="system">' in page.text
    assert page.text.count('aria-current="page"') >= 1
    assert "관리 &lt;b&gt;자&lt;/b&gt; 님" in page.text
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
    assert len(re.findall(r"<script ", page.text)) == page.text.count(f'nonce="{nonce}"')
    for module in re.findall(r'<script type="module" src="(/assets/[^"]+)"', page.text):
        assert (await console.get(module)).headers["content-type"].startswith("text/javascript")


async def test_everything_that_the_modules_import_is_there(console: httpx2.AsyncClient) -> None:
    page = await console.get("/people")
    (found,) = re.findall(r'<script type="importmap"[^>]*>(.*?)</script>', page.text)
    imports = json.loads(found)["imports"]
    wanted = {
        name
        for folder in STATIC
        for file in folder.glob("*.js")
        for name in re.findall(r'from "([^"]+)"', file.read_text(encoding="utf-8"))
    }
    assert wanted <= set(imports)
    for address in imports.values():
        assert (await console.get(address)).headers["cache-control"].endswith("immutable")


async def test_the_reader_chooses_language_and_theme(console: httpx2.AsyncClient) -> None:
    dark = await console.get("/people?theme=dark&locale=en")
    assert '<html lang="en" data-theme="dark">' in dark.text
    assert "Live sessions" in dark.text
    console.cookies.set("mj-theme", "dark")
    console.cookies.set("mj-locale", "en")
    assert '<html lang="en" data-theme="dark">' in (await console.get("/people")).text
    assert 'data-theme="dark"' in (await console.get("/people?theme=pink")).text


@pytest.mark.parametrize("path", ["/nowhere", "/people/a%22b", "/people/" + "a" * 65, "/policy/1.2"])
async def test_what_is_not_there_is_said_on_a_page(console: httpx2.AsyncClient, path: str) -> None:
    answer = await console.get(path)
    assert answer.status_code == 404
    assert "/.munjigi/help/MJ-CONSOLE-001?ref=" in answer.text
    program = await console.get(path, headers={"Accept": "application/json"})
    assert program.json()["type"] == "/.munjigi/help/MJ-CONSOLE-001"


async def test_words_cannot_end_the_script_that_carries_them(console: httpx2.AsyncClient) -> None:
    page = await console.get("/people")
    (data,) = re.findall(r'<script type="application/json" id="console-data"[^>]*>(.*?)</script>', page.text)
    told = json.loads(data)
    assert told["locale"] == "ko"
    assert told["codes"]["MJ-IDENTITY-008"][0] == "여기에서 자신에게는 할 수 없어요"
    assert "<" not in data


def test_every_word_of_the_modules_is_written_and_every_written_word_is_said() -> None:
    written = set(Catalogue.load(*(folder / "messages.toml" for folder in TEMPLATES)).section("script", "en"))
    source = "".join(file.read_text(encoding="utf-8") for file in _modules())
    assert set(re.findall(r'\bt\("([a-z_0-9]+)"', source)) - written == set()
    families = tuple(re.findall(r"\bt\(`([a-z_]+_)\$", source)) + tuple(
        f"{family}_" for family in re.findall(r'\bword\("([a-z_]+)"', source)
    )
    assert [name for name in written if f'"{name}"' not in source and not name.startswith(families)] == []


def test_every_list_has_a_key_of_its_own() -> None:
    assert sorted(KEYS) == sorted(view.name for view in LISTS)
    assert len(set(KEYS.values())) == len(KEYS)


def test_no_module_writes_markup() -> None:
    """Trusted Types refuse it anyway; this names the file."""
    sinks = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
    assert [file.name for file in _modules() if sinks.search(file.read_text(encoding="utf-8"))] == []


def _modules() -> list[Path]:
    return [file for folder in STATIC for file in sorted(folder.glob("*.js"))]


def test_who_supports_people_is_shown_nothing_else() -> None:
    assert [view.name for view in sections(("support",))] == ["support"]
    assert sections(("administrator", "support")) == sections(()) == LISTS
