"""A vendor's application and the house's answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Literal
from uuid import UUID

from config.problem import Problem, ProblemType
from upstreams.commerce.catalogue import Texts

State = Literal["applied", "approved", "refused"]
DEFAULT_COMMISSION = 1000
"""Basis points, where the house names no other."""

NO_SUCH_APPLICATION = ProblemType(
    "MJ-COM-211", HTTPStatus.NOT_FOUND, "There is no such application", "Look at the list of applications."
)
DECIDED_ALREADY = ProblemType(
    "MJ-COM-212",
    HTTPStatus.CONFLICT,
    "This application was decided before",
    "Load it again; what was decided stays.",
)
APPLIED_ALREADY = ProblemType(
    "MJ-COM-213",
    HTTPStatus.CONFLICT,
    "An application waits already, or the short name is taken",
    "Wait for the answer to yours, or choose another short name.",
)
NOT_A_SELLER = ProblemType(
    "MJ-COM-214",
    HTTPStatus.FORBIDDEN,
    "Nobody has made you a seller here",
    "Apply to become one, or ask whoever runs the shop to let you act for a seller.",
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Who they are and how they are reached; kept sealed."""

    representative: str
    email: str
    phone: str
    business_number: str
    """Registration number of the business (사업자등록번호), ten digits."""


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody applied with, and what became of it."""

    id: UUID
    person: UUID
    organisation: UUID | None
    code: str
    name: Texts
    contact: Contact
    state: State
    applied_at: datetime
    decided_at: datetime | None = None
    decided_by: UUID | None = None
    reason: str = ""
    seller: UUID | None = None
    version: int = 1


def approved(application: Application, seller: UUID, by: UUID, now: datetime) -> Application:
    """It becomes a seller. Raises `DECIDED_ALREADY`."""
    return replace(_open(application), state="approved", seller=seller, decided_by=by, decided_at=now)


def refused(application: Application, by: UUID, reason: str, now: datetime) -> Application:
    """It does not, for a reason that is told. Raises `DECIDED_ALREADY`."""
    return replace(_open(application), state="refused", reason=reason, decided_by=by, decided_at=now)


def _open(application: Application) -> Application:
    if application.state != "applied":
        raise Problem(DECIDED_ALREADY)
    return application


def checksum_holds(business_number: str) -> bool:
    """Whether the last of ten digits is right (국세청 weights 1 3 7 1 3 7 1 3 5)."""
    if len(business_number) != 10 or not business_number.isascii() or not business_number.isdecimal():
        return False
    digits = [int(one) for one in business_number]
    total = sum(digit * weight for digit, weight in zip(digits, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=False))
    total += digits[8] * 5 // 10
    return (10 - total % 10) % 10 == digits[9]
