"""`/text-messages/twilio/{message}`: Twilio says what became of a text. It is believed by its signature alone."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl
from uuid import UUID

from prometheus_client import Counter
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body
from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem, ProblemType
from notifications.texts.twilio import NAME, STATES, is_signed

LARGEST: Final = 16_384
"""Bytes of a receipt."""
RECEIPTS: Final = Counter("munjigi_text_receipts", "What providers say became of texts", ["state"])
NOT_A_RECEIPT = ProblemType(
    "MJ-IDP-150",
    HTTPStatus.FORBIDDEN,
    "This receipt is not signed as it must be",
    "Only whoever carries our texts may tell what became of them.",
)
_ERROR = re.compile(r"[0-9]{1,6}")


class Receipts(Protocol):
    """Where it is kept what became of texts."""

    async def note_receipt(
        self, tx: Transaction, message_id: UUID, provider: str, reference: str, state: str, problem: str, now: datetime
    ) -> bool:
        """Keep what a provider says of a text. False: it knows of another one, or said the last word before."""


class TextReceipts:
    """Takes receipts."""

    def __init__(
        self, receipts: Receipts, database: Database, clock: Clock, *, issuer: str, token: SecretStr | None
    ) -> None:
        """`token`: by which Twilio signs; None: it carries no texts of ours, and is not believed."""
        self._receipts = receipts
        self._database = database
        self._clock = clock
        self._issuer = issuer
        self._token = token

    async def __call__(self, request: Request) -> Response:
        """`POST`: a form that names the message and its state."""
        try:
            body = await read_body(request, media_type="application/x-www-form-urlencoded", most=LARGEST)
            form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
            message_id = UUID(request.path_params["message"])
        except (WrongMediaType, TooLarge, BrokenOff, ValueError) as error:
            raise Problem(NOT_A_RECEIPT, private=type(error).__name__) from error
        address = f"{self._issuer}{request.url.path}"  # as we gave it out, whatever stands in front of us
        given = request.headers.get("x-twilio-signature", "")
        if self._token is None or not is_signed(self._token.get_secret_value(), address, form, given):
            raise Problem(NOT_A_RECEIPT, private="its signature is wrong, or nobody expects one")
        said = dict(form)
        state = STATES.get(said.get("MessageStatus", ""))
        if state is not None:
            problem = said.get("ErrorCode", "")
            problem = problem if _ERROR.fullmatch(problem) else ""
            async with self._database.begin() as tx:
                reference, now = said.get("MessageSid", ""), self._clock.now()
                noted = await self._receipts.note_receipt(tx, message_id, NAME, reference, state, problem, now)
            if noted:
                RECEIPTS.labels(state).inc()
        return Response(status_code=HTTPStatus.NO_CONTENT)
