"""Going wrong on purpose: what becomes of a call to the sandbox, by the card that paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from upstreams.trade.payments.sandbox.bank import Held, No

Call = Literal["capture", "refund", "void"]


class Faults:
    """Counts how often each payment met its fault."""

    def __init__(self) -> None:
        self._met: Counter[tuple[str, Call]] = Counter()

    async def around(
        self, request: Request, held: Held, call: Call, act: Callable[[], Held], answer: Callable[[Held], Response]
    ) -> Response:
        """Do `act`, or not, and answer, or not. The body of the request must be read already. Raises `No`."""
        fault = {"capture": held.card.capture, "refund": held.card.refund, "void": held.card.void}[call]
        if fault and self._met[held.reference, call] >= held.card.times:
            fault = ""
        self._met[held.reference, call] += 1
        if fault == "refused":
            raise No("refused_by_bank")
        if fault == "dropped":
            return await _silence(request)
        held = act()
        if fault == "lost":
            return await _silence(request)
        if fault == "broken":
            return JSONResponse({"code": "broken"}, status_code=HTTPStatus.INTERNAL_SERVER_ERROR)
        return answer(held)


async def _silence(request: Request) -> Response:
    """For as long as anybody waits."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=HTTPStatus.GATEWAY_TIMEOUT)
