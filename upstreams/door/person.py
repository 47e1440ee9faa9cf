"""The person behind a request, as the gateway asserts them."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from starlette.requests import HTTPConnection

from config.problem import Problem, ProblemType
from jose.assertion import Subject
from jose.assertion_middleware import assertion_of

NOBODY = ProblemType(
    "MJ-DOOR-001", HTTPStatus.UNAUTHORIZED, "Nobody is signed in", "Sign in and send the request again."
)
PROGRAM = "client:"
"""The beginning of the one role of a program that calls for itself; people hold none like it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. Whatever a service keeps for a person, it keeps under `id`."""

    id: UUID
    organisation: UUID | None
    name: str
    session: str


def person_of(connection: HTTPConnection) -> Person:
    """The person behind a request or a websocket. Raises `NOBODY` where the gateway let one pass without."""
    return person_asserted(assertion_of(connection).subject)


def person_asserted(subject: Subject) -> Person:
    """The person that an assertion speaks of. Raises `NOBODY`."""
    if PROGRAM + subject.sub in subject.roles:
        raise Problem(NOBODY, private="a program asks for itself")
    try:
        return Person(UUID(subject.sub), UUID(subject.org) if subject.org else None, subject.name, subject.sid)
    except ValueError as error:
        raise Problem(NOBODY, private="the assertion names no person") from error
