"""Where the session's script goes into a page, which answers are pages, and what their policies must say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange import Forward
from gateway.injection.content_policy import forbids_scripts, opened
from gateway.injection.insertion import LOOK, Insertion
from gateway.injection.page_script import PageScript
from gateway.routes.route_file import load_route_table
from tests.gateway.rig import NAVIGATION, Rig, head, routes_file

MARK = b"<SCRIPT>"
ORIGIN = b"http://shop.localhost:8080"


def put(page: bytes, *, at: int | None = None) -> bytes:
    """The page with its script, fed in two pieces where `at` says."""
    insertion = Insertion(MARK)
    pieces = [page] if at is None else [page[:at], page[at:]]
    return b"".join([insertion.feed(piece) for piece in pieces]) + insertion.finish()


PLACES = [
    b"<!doctype html><html lang=ko><head>|<meta charset=utf-8><title>a</title></head><body>b</body></html>",
    b"\xef\xbb\xbf<!DOCTYPE html>\n<!-- <head> -->\n<html>\n<head data-a='>' b=\">\" c>|<title>a</title>",
    b'<!doctype html><html lang="en">|<title>A page</title><h1>A page</h1>',
    b"<!doctype html>|<body class=a>b",
    b"|<p>a fragment",
    b"|words alone",
    "<!doctype html><html><head>|<title>가나다 日本</title>".encode(),
    "<!doctype html><html><head>|<title>가나다</title>".encode("euc-kr"),
    "<!doctype html>|日本<p>".encode("shift_jis"),
    b'<?xml version="1.0"?><!doctype html><HTML><HEAD>|<TITLE>a</TITLE>',
    b'<html a=b"c><head>|x',
    b"<html><head/>|x",
    b"<html>|<header>x",
    b"<!-->|<p>x",
    b"<!--->|<p>x",
    b"<!-- a -- b --><html>|</html>",
    b"  \n |<script>'<head>'</script><head>",
]


@pytest.mark.parametrize("marked", PLACES)
def test_the_script_comes_first_of_what_is_no_prologue(marked: bytes) -> None:
    before, _, behind = marked.partition(b"|")
    assert put(before + behind) == before + MARK + behind


@pytest.mark.parametrize("marked", PLACES)
def test_however_the_page_is_cut_into_pieces(marked: bytes) -> None:
    before, _, behind = marked.partition(b"|")
    page = before + behind
    for at in range(len(page) + 1):
        assert put(page, at=at) == before + MARK + behind


@pytest.mark.parametrize(
    "page", [b"", b"   ", b"<!doctype html>", b"<html", b'<html a="', b"<!-- for ever", "<html>".encode("utf-16")]
)
def test_a_page_without_a_place_stays_as_it_is(page: bytes) -> None:
    assert put(page) == page


def test_no_more_than_a_bound_is_held_back() -> None:
    insertion = Insertion(MARK)
    page = b"<!--" + b"x" * (2 * LOOK)
    passed = b""
    for at in range(0, len(page), 1000):
        passed += insertion.feed(page[at : at + 1000])
        assert len(passed) >= at + 1000 - LOOK
    assert passed + insertion.finish() == page


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=200))
def test_nothing_of_a_page_is_lost_or_changed(page: bytes, at: int) -> None:
    made = put(page, at=min(at, len(page)))
    assert made == page or made.replace(MARK, b"", 1) == page


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    """A page that comes byte by byte, and of which nothing is told until the bound, costs what it is long."""
    for begin, filling in ((b"<!-- ", b">"), (b'<html a="', b">"), (b"<!doctype ", b"x"), (b"<html ", b"x=y ")):
        insertion = Insertion(MARK)
        page = begin + filling * ((LOOK - len(begin) - 1) // len(filling))
        began = time.process_time()
        for at in range(len(page)):
            insertion.feed(page[at : at + 1])
        assert time.process_time() - began < 1.5
        assert insertion.finish() == page


SCRIPT, ROOM = ORIGIN + b"/.munjigi/session.js " + ORIGIN + b"/.munjigi/told.js", ORIGIN + b"/.munjigi/"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"img-src 'self'", b"img-src 'self'"),
        (b"default-src 'self'", b"default-src 'self'"),
        (b"script-src *; connect-src *", b"script-src *; connect-src *"),
        (b"script-src 'none'", b"script-src " + SCRIPT),
        (b"script-src https://cdn.example", b"script-src https://cdn.example " + SCRIPT),
        (b"script-src 'unsafe-inline'", b"script-src 'unsafe-inline' " + SCRIPT),
        (b"script-src 'nonce-a'", b"script-src 'nonce-a' " + SCRIPT),
        (b"script-src 'nonce-a' 'strict-dynamic'", b"script-src 'nonce-a' 'strict-dynamic' 'nonce-n'"),
        (b"script-src 'self'; script-src-elem 'none'", b"script-src 'self'; script-src-elem " + SCRIPT),
        (
            b"default-src 'none'; style-src 'self'",
            b"default-src 'none'; style-src 'self'; script-src " + SCRIPT + b"; connect-src " + ROOM,
        ),
        (
            b"default-src https://cdn.example",
            b"default-src https://cdn.example; script-src https://cdn.example "
            + SCRIPT
            + b"; connect-src https://cdn.example "
            + ROOM,
        ),
        (b"connect-src 'none'", b"connect-src " + ROOM),
        (b"SCRIPT-SRC 'NONE';; ", b"SCRIPT-SRC " + SCRIPT),
        (
            b"script-src 'self', default-src 'none'",
            b"script-src 'self', default-src 'none'; script-src " + SCRIPT + b"; connect-src " + ROOM,
        ),
    ],
)
def test_a_policy_lets_our_script_in_and_nothing_else(before: bytes, after: bytes) -> None:
    assert opened(before, scripts=SCRIPT.split(), room=ROOM, nonce=b"n") == after


def test_a_page_in_a_sandbox_without_scripts_gets_none() -> None:
    assert forbids_scripts(b"default-src 'self', sandbox allow-forms")
    assert not forbids_scripts(b"sandbox allow-forms allow-scripts")


def begins(*lines: bytes, status: int = 200) -> tuple[Insertion | None, list[bytes]]:
    changed = [*lines]
    return PageScript(ORIGIN).begins(status, changed, b"n"), changed


def test_what_speaks_of_the_former_bytes_goes() -> None:
    insertion, lines = begins(
        b"content-type: text/html; charset=UTF-8",
        b'etag: "abc"',
        b"content-md5: x",
        b"digest: x",
        b"content-digest: x",
        b"repr-digest: x",
        b"accept-ranges: bytes",
        b"set-cookie: a=b: c",
    )
    assert insertion is not None
    assert lines == [
        b"content-type: text/html; charset=UTF-8",
        b'etag: W/"abc"',
        b"set-cookie: a=b: c",
        b"vary: Sec-Fetch-Mode, Sec-Fetch-Dest",
    ]


def test_an_etag_that_was_weak_stays_as_it_was() -> None:
    assert begins(b"content-type: text/html", b'etag: W/"abc"')[1][1] == b'etag: W/"abc"'


@pytest.mark.parametrize(
    "lines",
    [
        (b"content-type: application/json",),
        (b"content-type: text/htmlx",),
        (),
        (b"content-type: text/html", b"content-encoding: gzip"),
        (b"content-type: text/html", b"content-disposition: attachment; filename=a.html"),
        (b"content-type: text/html; charset=utf-16",),
        (b"content-type: text/html; charset=iso-2022-kr",),
        (b"content-type: text/html", b"content-security-policy: sandbox"),
    ],
)
def test_whatever_is_no_legible_page_passes_untouched(lines: tuple[bytes, ...]) -> None:
    insertion, after = begins(*lines)
    assert insertion is None
    assert after == [*lines]


def test_a_part_of_a_page_passes_untouched() -> None:
    assert begins(b"content-type: text/html", status=206)[0] is None


def test_the_script_bears_the_nonce_of_its_answer() -> None:
    insertion, lines = begins(b"content-type: text/html", b"content-security-policy: script-src 'strict-dynamic'")
    assert insertion is not None
    assert insertion.feed(b"<p>") == b'<script type="module" src="/.munjigi/session.js" nonce="n"></script><p>'
    assert lines[1] == b"content-security-policy: script-src 'strict-dynamic' 'nonce-n'"


LEDGER = """
[[routes]]
address = "shop.localhost:8080"
path = "/ledger"
zone = "shop"
upstream = "commerce"
session_script = true
"""


@pytest.mark.parametrize(("path", "stops"), [("/ledger", True), ("/page", False)])
async def test_a_page_that_gets_the_script_is_asked_for_anew_and_whole(
    rig: Rig, tmp_path: Path, path: str, stops: bool
) -> None:
    """A 304 would leave the browser with the policy that did not let the script in (RFC 9111, section 4.3.4)."""
    file = routes_file(tmp_path)
    file.write_text(file.read_text() + LEDGER)
    rig.pipeline.use_table(load_route_table(file, runtime=tmp_path, port=8080))
    await rig.project()
    conditions = [b"if-none-match", b"if-modified-since", b"if-range", b"range"]
    cookie = (b"cookie", await rig.cookie())
    verdict = await rig.ask(head(path, headers=[cookie, *NAVIGATION, *((name, b"x") for name in conditions)]))
    assert isinstance(verdict, Forward)
    assert set(conditions) <= verdict.drop if stops else not set(conditions) & verdict.drop
    assert (verdict.rewrite is not None) is stops
