"""The script as it is served: small, compressed, not sent again to whoever has it; and its words."""

from __future__ import annotations

import gzip
import string
from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.session_pages.script import FOLDER, MODULES
from tests.gateway.rig import Rig

LIMIT = 6 * 1024


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[httpx2.AsyncClient]:
    async with rig.browser() as browser:
        yield browser


async def travelled(client: httpx2.AsyncClient, name: str) -> bytes:
    """The bytes of a module as they go over the wire."""
    async with client.stream("GET", f"/.munjigi/{name}", headers={"accept-encoding": "gzip, br"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        return b"".join([chunk async for chunk in answer.aiter_raw()])


async def test_no_page_loads_more_than_six_kilobytes(client: httpx2.AsyncClient) -> None:
    assert len(await travelled(client, "session.js")) <= LIMIT
    assert len(await travelled(client, "told.js")) <= LIMIT


@pytest.mark.parametrize("name", MODULES)
async def test_it_is_what_stands_in_its_file_without_comments_and_indentation(
    client: httpx2.AsyncClient, name: str
) -> None:
    plain = await client.get(f"/.munjigi/{name}", headers={"accept-encoding": "identity"})
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(await travelled(client, name)) == plain.content
    written = [line.strip() for line in (FOLDER / name).read_text().splitlines()]
    assert plain.text.splitlines() == [line for line in written if line and not line.startswith("//")]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("*", "gzip"), ("gzip;q=0", None), ("br", None), ("gzip;q=0.5", "gzip")],
)
async def test_it_is_compressed_for_whoever_takes_it(
    client: httpx2.AsyncClient, accepted: str, encoding: str | None
) -> None:
    answer = await client.get("/.munjigi/session.js", headers={"accept-encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_whoever_has_it_is_not_sent_it_again(client: httpx2.AsyncClient) -> None:
    first = await client.get("/.munjigi/session.js", headers={"accept-encoding": "gzip"})
    tag = first.headers["etag"]
    headers = {"accept-encoding": "gzip", "if-none-match": f'"other", W/{tag}'}
    again = await client.get("/.munjigi/session.js", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    plain = await client.get("/.munjigi/session.js", headers={"accept-encoding": "identity", "if-none-match": tag})
    assert plain.status_code == 200


@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_every_word_that_it_says_is_there(client: httpx2.AsyncClient, locale: str) -> None:
    said = (await client.get(f"/.munjigi/session/texts?locale={locale}")).json()
    source = "".join((FOLDER / name).read_text() for name in MODULES)
    used = {part.split("texts.")[1] for part in _words(source) if "texts." in part}
    assert used
    assert used <= set(said["texts"]), used - set(said["texts"])
    assert {"idle", "takeover", "administrator", ""} <= set(said["ends"])
    assert said["ends"]["idle"]["code"] == "MJ-SESSION-001"


def _words(source: str) -> list[str]:
    allowed = set(string.ascii_lowercase + "_.")
    return "".join(letter if letter in allowed else " " for letter in source).split()
