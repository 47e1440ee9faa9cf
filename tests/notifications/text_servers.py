"""Local servers that speak the protocols of those who carry texts, and check what they are sent as those do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.sections.messages import TextSettings
from config.serving import listener

ACCOUNT, TOKEN, SERVICE = "AC" + "0a" * 16, "a token of Twilio", "MG" + "0b" * 16
KEY, SECRET = "NCS0000000000000", "a secret of SOLAPI"
APP_KEY, NHN_SECRET = "appkey0123", "a secret of NHN"
Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Provider:
    """What a provider took, and what it answers next; when that list is empty it takes what comes."""

    origin: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    salts: set[str] = field(default_factory=set)
    hangs: bool = False
    on_taken: Callable[[], None] = lambda: None

    async def twilio(self, request: Request) -> Response:
        """`POST /2010-04-01/Accounts/{AccountSid}/Messages.json`."""
        wanted = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}" or request.path_params["account"] != ACCOUNT:
            self.refused.append("authorization")
            return JSONResponse({"code": 20003, "message": "Authenticate", "status": 401}, 401)
        form = dict(parse_qsl((await request.body()).decode(), strict_parsing=True))
        if not form.get("To") or not form.get("Body") or not (form.get("From") or form.get("MessagingServiceSid")):
            return JSONResponse({"code": 21604, "message": "'To' is required", "status": 400}, 400)
        if not re.fullmatch(r"\+[1-9]\d{6,14}", form["To"]):
            return JSONResponse({"code": 21211, "message": f"Invalid 'To' {form['To']}", "status": 400}, 400)
        return await self._answer(
            form, (201, {"sid": f"SM{len(self.taken):032x}", "status": "queued", "error_code": None}, {})
        )

    async def solapi(self, request: Request) -> Response:
        """`POST /messages/v4/send-many/detail`."""
        given = re.fullmatch(
            r"HMAC-SHA256 apiKey=(\S+), date=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ), salt=(\S{12,64}), "
            r"signature=([0-9a-f]{64})",
            request.headers.get("authorization", ""),
        )
        if given is None or given[1] != KEY:
            return JSONResponse({"errorCode": "InvalidAPIKey", "errorMessage": "no"}, 403)
        signature = hmac.new(SECRET.encode(), (given[2] + given[3]).encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, given[4]) or given[3] in self.salts:
            self.refused.append("signature")
            return JSONResponse({"errorCode": "SignatureDoesNotMatch", "errorMessage": "no"}, 403)
        self.salts.add(given[3])
        [message] = msgspec.json.decode(await request.body())["messages"]
        yes = {"failedMessageList": [], "groupInfo": {"groupId": f"G4V{len(self.taken)}", "count": {"total": 1}}}
        return await self._answer(message, (200, yes, {}))

    async def nhn(self, request: Request) -> Response:
        """`POST /sms/v3.0/appKeys/{appKey}/sender/auth/sms`."""
        if request.headers.get("x-secret-key") != NHN_SECRET or request.path_params["app"] != APP_KEY:
            self.refused.append("secret")
            said = {"isSuccessful": False, "resultCode": -1000, "resultMessage": "invalid appKey"}
            return JSONResponse({"header": said}, 401)
        body = msgspec.json.decode(await request.body())
        [recipient] = body["recipientList"]
        results = [{"recipientNo": recipient.get("recipientNo"), "resultCode": 0, "resultMessage": "SUCCESS"}]
        data = {"requestId": f"2026{len(self.taken)}", "statusCode": "2", "sendResultList": results}
        header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
        return await self._answer(body, (200, {"header": header, "body": {"data": data}}, {}))

    async def _answer(self, taken: dict[str, Any], yes: Answer) -> Response:
        if self.hangs:
            await asyncio.sleep(60)
        status, body, headers = self.answers.pop(0) if self.answers else yes
        if (status, body) == yes[:2]:
            self.taken.append(taken)
            self.on_taken()
        return JSONResponse(body, status, headers=headers)


@asynccontextmanager
async def text_provider() -> AsyncIterator[Provider]:
    """All three of them, at one address, until the block is left."""
    provider = Provider()
    app = Starlette(
        routes=[
            Route("/2010-04-01/Accounts/{account}/Messages.json", provider.twilio, methods=["POST"]),
            Route("/messages/v4/send-many/detail", provider.solapi, methods=["POST"]),
            Route("/sms/v3.0/appKeys/{app}/sender/auth/sms", provider.nhn, methods=["POST"]),
        ]
    )
    socket = listener("127.0.0.1:0")
    provider.origin = f"http://127.0.0.1:{socket.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=0))
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        yield provider
    finally:
        server.should_exit = True
        server.force_exit = True
        await serving


def twilio(origin: str, **more: Any) -> TextSettings:
    """Settings that send by Twilio's API at an address."""
    known = {"twilio_api": origin, "twilio_account": ACCOUNT, "twilio_token": SecretStr(TOKEN)}
    return TextSettings(provider="twilio", **{**known, "twilio_service": SERVICE, **more})


def solapi(origin: str, **more: Any) -> TextSettings:
    """The same by SOLAPI's."""
    known = {"solapi_api": origin, "solapi_key": KEY, "solapi_secret": SecretStr(SECRET), "sender": "029302266"}
    return TextSettings(provider="solapi", **{**known, **more})


def nhn(origin: str, **more: Any) -> TextSettings:
    """The same by NHN Cloud's."""
    known = {"nhn_api": origin, "nhn_app_key": APP_KEY, "nhn_secret_key": SecretStr(NHN_SECRET), "sender": "15446859"}
    return TextSettings(provider="nhn", **{**known, **more})
