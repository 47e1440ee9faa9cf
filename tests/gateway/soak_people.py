"""Who visits in the soak: each by a session of their own, until it ends, and then by another one."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import websockets
from websockets.exceptions import ConnectionClosed, WebSocketException

from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from gateway.callers.token_check import AUDIENCE
from gateway.relying_party.cookie_session import Contents, CookieSession, seal
from gateway.storage.cookie_sessions import CookieSessions
from jose import jws
from jose.keys import SigningKey
from tests.gateway.proxy.rig import Client
from tests.gateway.test_cut_off_under_load import tell

LIFETIME = 3600.0
"""Seconds that a token lives: longer than the soak."""
AROUND_A_DEATH = frozenset(("502 MJ-GATEWAY-133", "503 MJ-GATEWAY-131", "503 MJ-GATEWAY-132"))
"""What may be told while the service behind dies, is away, and comes back (docs/reference/errors.md)."""
PAUSE = 0.1
"""Seconds between two requests of a visitor."""
NEVER = float("inf")


@dataclass
class Session:
    """One of a visitor's."""

    sid: str
    header: bytes
    """What shows it: a cookie or a bearer token."""
    ending: bool = False
    """Its end is on its way: it may be refused before whoever ends it knows that it is done."""
    ended: float = NEVER
    """Epoch seconds of the moment at which its end was acknowledged."""


@dataclass
class Findings:
    """What is held against the promises at the end."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """Of each session that ended: seconds after its end at which the last request was sent that was let through, or at
    which what stood was closed; 0 where there was none."""

    def is_wrong(self, what: str) -> None:
        """Keep the first few."""
        if len(self.wrong) < 50:
            self.wrong.append(what)


@dataclass
class Sessions:
    """Begins sessions as the identity provider does, with its keys, and ends them."""

    settings: Settings
    key: SigningKey
    idp: Database
    gateway: Database
    valkey: Valkey
    living: list[Session] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._entropy = SystemEntropy()
        self._envelope = Envelope.load(self.settings)
        self._cookies = CookieSessions()

    def _token(self, sid: str) -> tuple[str, dict[str, Any]]:
        now = time.time()
        claims: dict[str, Any] = {
            "iss": self.settings.idp.issuer,
            "sub": str(self._entropy.uuid()),
            "aud": AUDIENCE,
            "exp": now + LIFETIME,
            "iat": now,
            "jti": self._entropy.token(8),
            "client_id": "munjigi-gateway",
            "sid": sid,
            "org": "",
            "roles": ["customer"],
            "acr": "urn:munjigi:acr:2",
            "auth_time": now,
            "device": {"id": sid, "trust": "registered"},
        }
        return jws.sign(self.key, claims, typ="at+jwt"), claims

    async def begin(self, *, lasting: bool = False) -> Session:
        """By turns a cookie's and a bearer token's. `lasting`: nobody ends it."""
        sid = self._entropy.token(16)
        await tell(self.idp, self.valkey, sid, 1, "live")
        token, claims = self._token(sid)
        if next(self.numbers) % 2:
            header = b"Authorization: Bearer " + token.encode()
        else:
            header = b"Cookie: __Host-munjigi=" + await self._cookie(sid, token, claims)
        session = Session(sid, header)
        if not lasting:
            self.living.append(session)
        return session

    async def _cookie(self, sid: str, token: str, claims: dict[str, Any]) -> bytes:
        secret, now = self._entropy.token(), datetime.now(UTC)
        digest = hashlib.sha256(secret.encode()).digest()
        contents = Contents(token, "refresh", "id-token", claims, "Kim", "ko", "127.0.0.1", "")
        async with self.gateway.begin() as tx:
            await self._cookies.begin(
                tx,
                CookieSession(
                    cookie_sha256=digest,
                    sid=sid,
                    contents_sealed=seal(contents, self._envelope, digest),
                    access_expires_at=now + timedelta(seconds=LIFETIME),
                    begun_at=now,
                    expires_at=now + timedelta(hours=12),
                ),
            )
        return secret.encode()

    async def end_one(self, random: Random) -> None:
        """End somebody's."""
        if self.living:
            session = self.living.pop(random.randrange(len(self.living)))
            session.ending = True
            session.ended = await tell(self.idp, self.valkey, session.sid, 2, "ended")


@dataclass
class World:
    """What all visitors share."""

    sessions: Sessions
    port: int
    findings: Findings
    may_fail: Callable[[float], bool]
    """Whether a request of the mortal service that was under way since a moment may have met its death."""
    random: Random = field(default_factory=lambda: Random(7))

    async def visit(self, wait: Callable[[], bool]) -> None:
        """Ask again and again as one person, then as another, until `wait` says that it is over."""
        while not wait():
            session = await self.sessions.begin()
            client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
            try:
                self.findings.late.append(await self._as(session, client, wait))
            except (OSError, EOFError, asyncio.IncompleteReadError) as error:
                self.findings.is_wrong(f"the connection broke: {error!r}")
            finally:
                client.writer.close()

    async def _as(self, session: Session, client: Client, wait: Callable[[], bool]) -> float:
        let_through = 0.0
        while not wait():
            mortal = self.random.random() < 0.3
            body = b"x" * (4096 if self.random.random() < 0.3 else 0)
            way = b"grace" if mortal else self.random.choice((b"strict", b"read_only"))
            asked = time.time()
            answer = await client.ask(
                b"%b /%b/page HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Site: same-origin\r\n%b\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (b"POST" if body else b"GET", way, session.header, len(body), body)
            )
            said = _said(answer.status, answer.body)
            self.findings.answers[said] += 1
            if answer.status == 200:
                let_through = asked
            elif answer.status == 401 and session.ending:
                return max(0.0, let_through - await _known(session))
            elif not (mortal and said in AROUND_A_DEATH and self.may_fail(asked)):
                since = time.time() - session.ended
                self.findings.is_wrong(f"{said} at /{way.decode()}, session ended {since:.3f} s ago")
            await asyncio.sleep(PAUSE)
        return 0.0

    async def keep_a_websocket(self, wait: Callable[[], bool]) -> None:
        """Hold one open, say something now and then, and see it closed when the session ends."""
        while not wait():
            session = await self.sessions.begin()
            name, _, value = session.header.decode().partition(": ")
            try:
                async with websockets.connect(
                    f"ws://shop.localhost:{self.port}/strict/live",
                    host="127.0.0.1",
                    port=self.port,
                    additional_headers={name: value},
                    origin=websockets.Origin("http://shop.localhost:8080"),
                    compression=None,
                    proxy=None,
                ) as socket:
                    self.findings.late.append(await self._echoes(socket, session, wait))
            except (OSError, WebSocketException) as error:
                if not session.ending:
                    self.findings.is_wrong(f"a websocket did not open: {error!r}")
                await asyncio.sleep(PAUSE)

    async def _echoes(self, socket: websockets.ClientConnection, session: Session, wait: Callable[[], bool]) -> float:
        try:
            while not wait():
                await socket.send("on")
                assert await socket.recv() == "on"
                with suppress(TimeoutError):
                    await asyncio.wait_for(socket.recv(), 1.0)  # nothing comes, unless it is closed
        except ConnectionClosed as error:
            closed = None if error.rcvd is None else (error.rcvd.code, error.rcvd.reason)
            if closed != (4401, "administrator"):
                self.findings.is_wrong(f"a websocket was closed by {closed}")
            return max(0.0, time.time() - await _known(session))
        return 0.0

    async def keep_a_stream(self, wait: Callable[[], bool]) -> None:
        """Read events until the session ends: then the stream is cut."""
        while not wait():
            session = await self.sessions.begin()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(
                b"GET /read_only/events HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Site: same-origin\r\n%b\r\n\r\n"
                % session.header
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                if not session.ending:
                    self.findings.is_wrong(f"an event stream did not begin: {head[:60]!r}")
                writer.close()
                await asyncio.sleep(PAUSE)
                continue
            with suppress(OSError):
                while not wait() and await reader.read(4096):
                    pass
            if not wait():
                self.findings.late.append(max(0.0, time.time() - await _known(session)))
            writer.close()


async def _known(session: Session) -> float:
    """When its end was acknowledged: what is closed at once may be so before the commit has returned here."""
    for _ in range(100):
        if session.ended != NEVER:
            return session.ended
        await asyncio.sleep(0.01)
    return NEVER if session.ended == NEVER else session.ended


def _said(status: int, body: bytes) -> str:
    code = re.search(rb'"code":"([^"]+)"', body)
    return str(status) if code is None else f"{status} {code[1].decode()}"
