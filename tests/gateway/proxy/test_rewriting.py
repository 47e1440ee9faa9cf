"""A page is changed while it streams by: framing, back-pressure and everybody else's answers stay as they were."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.exchange import Forward, RequestHead, Verdict
from gateway.injection.insertion import LOOK
from gateway.injection.page_script import ASK_PLAIN, PageScript
from tests.gateway.proxy.rig import Asked, rigged, says

GET = b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\n\r\n"
PAGE = "<!doctype html><html><head><title>가나다</title></head><body>b</body></html>".encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"


def told(head: RequestHead) -> Verdict:
    return Forward("origin", add=(ASK_PLAIN,), rewrite=PageScript(b"http://a"))


def sized(body: bytes) -> bytes:
    return HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body)


def chunked(*bodies: bytes) -> bytes:
    return (
        HEAD
        + b"transfer-encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(body), body) for body in bodies)
        + b"0\r\n\r\n"
    )


@pytest.mark.parametrize("answer", [sized(PAGE), chunked(PAGE), chunked(*(PAGE[i : i + 1] for i in range(len(PAGE))))])
async def test_a_page_gets_its_script_whatever_its_framing(folder: Path, answer: bytes) -> None:
    async with rigged(folder, behaviour=says(answer), pipeline=told) as rig:
        client = await rig.client()
        for _ in range(2):  # the connections are in step afterwards
            answered = await client.ask(GET)
            assert answered.values(b"transfer-encoding") == [b"chunked"]
            assert answered.values(b"content-length") == []
            before, script, behind = answered.body.partition(b"<script")
            assert script
            assert before + behind.partition(b"</script>")[2] == PAGE
            assert before.endswith(b"<head>")
        assert rig.origin.connections == 1


async def test_a_page_that_ends_with_its_connection(folder: Path) -> None:
    async with rigged(folder, behaviour=says(HEAD + b"\r\n" + PAGE, close=True), pipeline=told) as rig:
        assert b"/.munjigi/session.js" in (await rig.ask(GET)).body


async def test_a_page_without_a_place_arrives_whole(folder: Path) -> None:
    async with rigged(folder, behaviour=says(sized(b"<!-- never ending")), pipeline=told) as rig:
        assert (await rig.ask(GET)).body == b"<!-- never ending"


async def test_an_empty_page(folder: Path) -> None:
    async with rigged(folder, behaviour=says(sized(b"")), pipeline=told) as rig:
        assert (await rig.ask(GET)).body == b""


async def test_the_upstream_is_asked_for_plain_bytes(folder: Path) -> None:
    async with rigged(folder, behaviour=says(sized(PAGE)), pipeline=told) as rig:
        await rig.ask(GET)
        assert rig.origin.asked[0].values(b"accept-encoding") == [b"identity"]


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 304 Not Modified\r\ncontent-type: text/html\r\netag: "a"\r\n\r\n',
        b"HTTP/1.1 204 No Content\r\n\r\n",
        HEAD + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\nzzzz",
        b"HTTP/1.1 206 Partial Content\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p>x",
        b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 4\r\n\r\n<p>x",
    ],
)
async def test_other_answers_are_the_same_with_and_without(folder: Path, answer: bytes) -> None:
    async with rigged(folder, behaviour=says(answer), pipeline=told) as rig:
        changed = await rig.ask(GET)
    async with rigged(folder, behaviour=says(answer)) as rig:
        plain = await rig.ask(GET)

    def kept(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        return [header for header in headers if header[0] != b"munjigi-correlation-id"]

    assert (changed.status, kept(changed.headers), changed.body) == (plain.status, kept(plain.headers), plain.body)


async def test_an_answer_to_head_is_untouched(folder: Path) -> None:
    async with rigged(folder, behaviour=says(HEAD + b"content-length: 70\r\n\r\n"), pipeline=told) as rig:
        answered = await rig.ask(GET.replace(b"GET", b"HEAD"), without_body=True)
        assert answered.values(b"content-length") == [b"70"]


async def test_an_old_client_gets_the_page_as_it_is(folder: Path) -> None:
    async with rigged(folder, behaviour=says(sized(PAGE)), pipeline=told) as rig:
        client = await rig.client()
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert (await client.rest()).endswith(PAGE)


async def test_the_first_piece_does_not_wait_for_the_last(folder: Path) -> None:
    proceed = asyncio.Event()

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n6\r\n<head>\r\n")
        await proceed.wait()
        writer.write(b"3\r\n<p>\r\n0\r\n\r\n")

    async with rigged(folder, behaviour=behave, pipeline=told) as rig:
        client = await rig.client()
        client.send(GET)
        await client.reader.readuntil(b"</script>\r\n")
        proceed.set()
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"3\r\n<p>\r\n0\r\n\r\n"


async def test_a_page_that_breaks_off_is_not_made_whole(folder: Path) -> None:
    async with rigged(
        folder, behaviour=says(HEAD + b"content-length: 500\r\n\r\n<p>", close=True), pipeline=told
    ) as rig:
        client = await rig.client()
        client.send(GET)
        assert not (await client.rest()).endswith(b"0\r\n\r\n")


async def test_little_is_held_of_a_page_without_end(folder: Path) -> None:
    """What is held back is bounded, and a reader who does not read slows the upstream."""
    sent = 0

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(HEAD + b"\r\n<!--")
        while True:
            writer.write(b"x" * LOOK)
            await writer.drain()
            sent += LOOK

    async with rigged(folder, behaviour=behave, pipeline=told) as rig:
        client = await rig.client()
        client.send(GET)
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        assert LOOK < sent < 8 << 20
