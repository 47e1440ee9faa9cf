"""A visitor light enough not to be what is measured: one connection, HTTP/1.1, cookies, and the way of a sign-in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from benchmarks.house import CALLBACK, CLIENT_ID, PASSWORD, House


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One keep-alive connection to one host; not a general client: an answer needs a Content-Length."""

    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self._host = host
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.cookies: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request and read its answer. A connection that the other side closed is opened anew."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if body:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        answer = await self._read(reader)
        if answer.headers.get("connection") == "close":
            await self.close()
        return answer

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            if name == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
            headers[name] = value
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split(" ")[1]), headers, body)

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def sign_in(house: House, name: str) -> dict[str, Any]:
    """The whole flow of a relying app's user, from `/authorize` to the tokens; a browser of its own each time."""
    browser = Connection(house.idp_port, "localhost")
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "scope": "openid profile",
        "state": "s",
        "nonce": "n",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    page, _ = await _follow(browser, await browser.ask("GET", "/authorize?" + urlencode(asked)))
    hop = parse_qs(urlsplit(page).query)["hop"][0]
    form = urlencode({"hop": hop, "failures": "0", "login": name, "password": PASSWORD}).encode()
    origin = {"Origin": f"http://localhost:{house.idp_port}", "Sec_Fetch_Site": "same-origin"}
    callback, _ = await _follow(browser, await browser.ask("POST", page, form, **origin))
    code = parse_qs(urlsplit(callback).query)["code"][0]
    basic = base64.b64encode(f"{CLIENT_ID}:{house.secret}".encode()).decode()
    redeemed = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    browser.cookies.clear()
    answer = await browser.ask("POST", "/token", urlencode(redeemed).encode(), Authorization=f"Basic {basic}")
    await browser.close()
    if answer.status != 200:
        raise RuntimeError(f"no tokens: {answer.status} {answer.body[:300]!r}")
    tokens: dict[str, Any] = msgspec.json.decode(answer.body)
    return tokens


async def _follow(browser: Connection, answer: Answer) -> tuple[str, Answer]:
    """Follow redirects within the identity provider; answers the last address and what came of it."""
    address = ""
    while answer.status in (302, 303, 307):
        address = answer.headers["location"]
        if address.startswith(CALLBACK):
            return address, answer
        parts = urlsplit(address)
        address = f"{parts.path}?{parts.query}"
        answer = await browser.ask("GET", address)
    if answer.status != 200:
        raise RuntimeError(f"{address}: {answer.status} {answer.body[:300]!r}")
    return address, answer
