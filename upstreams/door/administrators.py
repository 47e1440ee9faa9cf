"""Who administers a service."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection

from config.problem import Problem
from jose.assertion_middleware import assertion_of
from upstreams.door.answers import NOT_FOUND
from upstreams.door.person import Person, person_of

ADMINISTRATOR: Final = "administrator"


def administers(connection: HTTPConnection) -> bool:
    """Whether whoever asks does."""
    return ADMINISTRATOR in assertion_of(connection).subject.roles


def administrator_of(connection: HTTPConnection) -> Person:
    """Who does; for everybody else there is nothing here. Raises `NOBODY`, `NOT_FOUND`."""
    person = person_of(connection)
    if not administers(connection):
        raise Problem(NOT_FOUND, private="not an administrator")
    return person
