"""Becoming a seller, and what the house's administrators do with sellers and money.

The gateway asks for two factors before it lets an administrator's change through.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.problem import Problem
from upstreams.commerce.endpoints.asked import (
    AskedApplication,
    AskedCommission,
    AskedDecision,
    AskedDeposit,
    AskedMember,
    AskedSent,
    AskedSettlement,
    cursor,
    limit_of,
)
from upstreams.commerce.ledger.settlement import Settlement
from upstreams.commerce.paying.desk import PaymentDesk
from upstreams.commerce.sellers.application import Application, Contact, checksum_holds
from upstreams.commerce.sellers.desk import SellerDesk
from upstreams.door.administrators import administrator_of
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD, json_answer, read_json
from upstreams.door.forms import require_same_origin
from upstreams.door.person import person_of
from upstreams.trade.idempotency import HEADER, read_key

BASE = "/api/selling"


class SellingEndpoints:
    """The endpoints of applications, terms, and the house's books."""

    def __init__(self, sellers: SellerDesk, payments: PaymentDesk, settlement: Settlement) -> None:
        self._sellers = sellers
        self._payments = payments
        self._settlement = settlement

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/seller-applications", self.apply, methods=["POST"]),
            Route("/api/seller-applications", self.mine, methods=["GET"]),
            Route(BASE + "/applications", self.applications, methods=["GET"]),
            Route(BASE + "/applications/{id:uuid}/decision", self.decide, methods=["POST"]),
            Route(BASE + "/sellers/{id:uuid}/commission", self.commission, methods=["PUT"]),
            Route(BASE + "/sellers/{id:uuid}/members", self.let_act, methods=["POST"]),
            Route(BASE + "/deposits", self.deposit, methods=["POST"]),
            Route(BASE + "/bank-refunds", self.bank_refunds, methods=["GET"]),
            Route(BASE + "/bank-refunds/{id:uuid}/sent", self.sent, methods=["POST"]),
            Route(BASE + "/settlements", self.settle, methods=["POST"]),
            Route(BASE + "/settlements", self.settlements, methods=["GET"]),
            Route(BASE + "/ledger", self.ledger, methods=["GET"]),
            Route(BASE + "/stuck-money", self.stuck, methods=["GET"]),
            Route(BASE + "/stuck-money/{id:uuid}/retry", self.retry, methods=["POST"]),
        ]

    async def apply(self, request: Request) -> Response:
        """POST /api/seller-applications: somebody wants to sell here."""
        require_same_origin(request)
        key = read_key(request.headers.get(HEADER))
        asked = await read_json(request, AskedApplication)
        if "ko" not in asked.name:
            raise Problem(NOT_UNDERSTOOD, "The name is given in Korean (ko).")
        if not checksum_holds(asked.business_number):
            raise Problem(NOT_UNDERSTOOD, "The registration number of the business is not one.")
        contact = Contact(asked.representative, asked.email, asked.phone, asked.business_number)
        name = {str(language): words for language, words in asked.name.items()}
        made = await self._sellers.apply(person_of(request), asked.code, name, contact, key)
        return json_answer(request, _application(made), status=HTTPStatus.CREATED)

    async def mine(self, request: Request) -> Response:
        """GET /api/seller-applications: one's own, and what became of them."""
        found = await self._sellers.list(person=person_of(request).id)
        return json_answer(request, {"applications": [_application(one) for one in found]})

    async def applications(self, request: Request) -> Response:
        """GET …/applications: all, those that wait first; `after` one of them they go on."""
        administrator_of(request)
        limit = limit_of(request)
        found = await self._sellers.list(after=cursor(request, "after"), limit=limit + 1)
        document: dict[str, Any] = {"applications": [_application(one, contact=True) for one in found[:limit]]}
        document["next"] = found[limit - 1].id if len(found) > limit else None
        return json_answer(request, document)

    async def decide(self, request: Request) -> Response:
        """POST …/applications/{id}/decision: approve or refuse; it is decided once."""
        who = administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedDecision)
        if not asked.approve and not asked.reason:
            raise Problem(NOT_UNDERSTOOD, "A refusal has a reason.")
        made = await self._sellers.decide(
            who.id, request.path_params["id"], approve=asked.approve, reason=asked.reason, commission=asked.commission
        )
        return json_answer(request, _application(made), headers={"ETag": f'"{made.version + 1}"'})

    async def commission(self, request: Request) -> Response:
        """PUT …/sellers/{id}/commission: from the next order on."""
        administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedCommission)
        if not await self._sellers.commission(request.path_params["id"], asked.commission):
            raise Problem(NOT_FOUND)
        return json_answer(request, {"commission": asked.commission})

    async def let_act(self, request: Request) -> Response:
        """POST …/sellers/{id}/members: somebody may act for a seller."""
        administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedMember)
        if not await self._sellers.let_act(request.path_params["id"], asked.person):
            raise Problem(NOT_FOUND)
        return json_answer(request, {"person": asked.person}, status=HTTPStatus.CREATED)

    async def deposit(self, request: Request) -> Response:
        """POST …/deposits: money came by bank; by its reference it is noted once."""
        who = administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedDeposit)
        fresh = await self._payments.note_deposit(who.id, asked.payment, asked.amount, asked.reference)
        return json_answer(request, {"new": fresh}, status=HTTPStatus.CREATED if fresh else HTTPStatus.OK)

    async def bank_refunds(self, request: Request) -> Response:
        """GET …/bank-refunds: what is to go back by bank."""
        administrator_of(request)
        found = await self._payments.to_send()
        rows = [
            {"id": one.key, "payment": one.payment, "amount": one.amount, "asked_at": one.asked_at} for one in found
        ]
        return json_answer(request, {"bank_refunds": rows})

    async def sent(self, request: Request) -> Response:
        """POST …/bank-refunds/{id}/sent: it went back."""
        who = administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedSent)
        await self._payments.note_sent(who.id, request.path_params["id"], asked.reference)
        return json_answer(request, {"reference": asked.reference})

    async def settle(self, request: Request) -> Response:
        """POST …/settlements: pay the sellers of a month; asked again, nobody is paid twice."""
        who = administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedSettlement)
        if asked.period.day != 1 or not 2000 <= asked.period.year < 3000:
            raise Problem(NOT_UNDERSTOOD, "period is the first day of a month.")
        made = await self._settlement.settle(asked.period, who.id)
        return json_answer(request, {"payouts": [_payout(one) for one in made]}, status=HTTPStatus.CREATED)

    async def settlements(self, request: Request) -> Response:
        """GET …/settlements: the payouts, the newest first."""
        administrator_of(request)
        return json_answer(request, {"payouts": [_payout(one) for one in await self._settlement.payouts()]})

    async def ledger(self, request: Request) -> Response:
        """GET …/ledger: what stands on the accounts, and what does not agree: nothing."""
        administrator_of(request)
        balances = await self._settlement.balances()
        return json_answer(
            request,
            {
                "accounts": [
                    {
                        "account": one.account,
                        "seller": one.seller,
                        "balance": one.amount.minor,
                        "currency": one.amount.currency,
                    }
                    for one in balances
                ],
                "sum": sum(one.amount.minor for one in balances),
                "odd": await self._settlement.proof(),
            },
        )

    async def stuck(self, request: Request) -> Response:
        """GET …/stuck-money: payments and refunds that a person has to look at."""
        administrator_of(request)
        payments, refunds = await self._payments.stuck()
        document = {
            "payments": [
                {"id": one.id, "order": one.subject, "amount": one.amount.minor, "state": one.state} for one in payments
            ],
            "refunds": [
                {
                    "id": one.id,
                    "payment": one.payment,
                    "amount": one.amount.minor,
                    "state": one.state,
                    "failure": one.failure or None,
                }
                for one in refunds
            ],
        }
        return json_answer(request, document)

    async def retry(self, request: Request) -> Response:
        """POST …/stuck-money/{id}/retry: ask the provider once more, by the same key."""
        who = administrator_of(request)
        require_same_origin(request)
        if not await self._payments.try_again(request.path_params["id"], who.id):
            raise Problem(NOT_FOUND)
        return Response(status_code=HTTPStatus.ACCEPTED)


def _application(one: Application, *, contact: bool = False) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": one.id,
        "code": one.code,
        "name": one.name,
        "state": one.state,
        "applied_at": one.applied_at,
        "decided_at": one.decided_at,
        "reason": one.reason,
        "seller": one.seller,
    }
    return {**document, "contact": one.contact, "person": one.person} if contact else document


def _payout(one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "seller": one.seller,
        "period": one.period,
        "amount": one.amount.minor,
        "currency": one.amount.currency,
        "made_at": one.made_at,
    }
