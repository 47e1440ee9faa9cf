"""What the inbox shows: the list, one mail, and the same as JSON for tests and scripts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body
from config.clock import Clock
from config.entropy import Entropy
from notifications.inbox.kept import CAPACITY, Inbox, Mail
from pages import Assets, Pages

HERE = Path(__file__).parent
KEEP_ALIVE = 15.0
"""Seconds after which a stream says that it is still there."""
LARGEST_TEXT = 8192
"""Bytes of a text message as it is handed over."""
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_OF_A_MAIL = {
    **_NO_STORE,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; "
        f"sandbox {_SANDBOX}"
    ),
    "Referrer-Policy": "no-referrer",
}
_LINK = re.compile(r"https?://[^\s<>\"]+")


class _Text(msgspec.Struct, rename={"sender": "from"}):
    sender: str
    to: str
    text: str


class InboxPages:
    """The endpoints of the inbox."""

    def __init__(
        self, inbox: Inbox, pages: Pages, assets: Assets, clock: Clock, entropy: Entropy, stop: asyncio.Event
    ) -> None:
        """Streams of news end when `stop` is set."""
        self._inbox = inbox
        self._pages = pages
        self._assets = assets
        self._clock = clock
        self._entropy = entropy
        self._stop = stop

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.list),
            Route("/mails/{id}", self.show),
            Route("/mails/{id}/html", self.html),
            Route("/news", self.news),
            Route("/clear", self.clear, methods=["POST"]),
            Route("/api/messages", self.api_list),
            Route("/api/messages/{id}", self.api_show),
            Route("/api/texts", self.take_text, methods=["POST"]),
            Mount("/assets", self._assets),
        ]

    async def list(self, request: Request) -> Response:
        """GET /?to=: the newest first."""
        to = request.query_params.get("to", "").strip()
        mails = self._inbox.newest(to=to)
        return self._pages.respond(
            request,
            "inbox.html",
            mails=[(mail, _title(mail)) for mail in mails],
            to=to,
            now=self._clock.now(),
            newest=next((mail.id for mail in self._inbox.newest(limit=1)), ""),
        )

    async def show(self, request: Request) -> Response:
        mail = self._inbox.find(request.path_params["id"])
        if mail is None:
            return self._pages.respond(request, "inbox_gone.html", status=404)
        page = self._pages.respond(
            request, "inbox_mail.html", mail=mail, title=_title(mail), text=_linked(mail.text), sandbox=_SANDBOX
        )
        page.headers["Content-Security-Policy"] += "; frame-src 'self'"
        return page

    async def html(self, request: Request) -> Response:
        """The HTML part alone, for the frame: no script, nothing from elsewhere, links in a tab of their own."""
        mail = self._inbox.find(request.path_params["id"])
        content = mail.html if mail else ""
        return HTMLResponse(
            content.replace("<head>", '<head><base target="_blank">', 1),
            status_code=200 if mail else 404,
            headers=_OF_A_MAIL,
        )

    async def clear(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return Response(status_code=403)
        self._inbox.clear()
        return RedirectResponse("/", status_code=303)

    async def news(self, request: Request) -> Response:
        """Server-sent `mail` for each mail after `Last-Event-ID`, or after `?after=`."""
        last = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return StreamingResponse(self._stream(last), media_type="text/event-stream", headers=_NO_STORE)

    async def api_list(self, request: Request) -> Response:
        """GET /api/messages?to=&limit=: the newest first, whole."""
        limit = request.query_params.get("limit", "")
        found = self._inbox.newest(
            to=request.query_params.get("to", "").strip(),
            limit=min(int(limit), CAPACITY) if limit.isdecimal() else CAPACITY,
        )
        return _json({"messages": [_document(mail) for mail in found]})

    async def api_show(self, request: Request) -> Response:
        mail = self._inbox.find(request.path_params["id"])
        if mail is None:
            return JSONResponse({"title": "There is no such mail"}, status_code=404, headers=_NO_STORE)
        return _json(_document(mail))

    async def take_text(self, request: Request) -> Response:
        """POST /api/texts: a text message that nobody carries. JSON alone, which no foreign page can send."""
        try:
            body = await read_body(request, media_type="application/json", most=LARGEST_TEXT)
            text = msgspec.json.decode(body, type=_Text)
        except (WrongMediaType, TooLarge, BrokenOff, msgspec.MsgspecError) as error:
            return JSONResponse({"title": f"No text: {type(error).__name__}"}, status_code=400, headers=_NO_STORE)
        taken = self._clock.now()
        mail = Mail(self._entropy.token(12), taken, text.sender, (text.to,), "", "", text.text, "", "text")
        self._inbox.keep(mail)
        return JSONResponse({"id": mail.id}, status_code=201, headers=_NO_STORE)

    async def _stream(self, last: str) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        while not self._stop.is_set():
            changed = self._inbox.changed()
            fresh = self._inbox.since(last)
            for mail in fresh:
                last = mail.id
                summary = msgspec.json.encode({"id": mail.id, "to": mail.to, "subject": _title(mail)})
                yield b"event: mail\nid: %s\ndata: %s\n\n" % (mail.id.encode(), summary)
            if not fresh:
                yield b": still here\n\n"
                with suppress(TimeoutError):
                    async with asyncio.timeout(KEEP_ALIVE):
                        await changed.wait()


def _linked(text: str) -> Sequence[tuple[str, bool]]:
    """The text in pieces, and whether each is an address."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for found in _LINK.finditer(text):
        pieces += [(text[end : found.start()], False), (found[0], True)]
        end = found.end()
    return [*pieces, (text[end:], False)]


def _title(mail: Mail) -> str:
    """What the list calls it: its subject, or what a text says before its last line."""
    return mail.subject if mail.channel == "mail" else mail.text.partition("\n")[0]


def _document(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "channel": mail.channel,
        "received_at": mail.received_at.isoformat(),
        "from": mail.sender,
        "to": mail.to,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "text": mail.text,
        "html": mail.html,
    }


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers=_NO_STORE)
