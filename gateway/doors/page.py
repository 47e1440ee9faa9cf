"""A page of the gateway's own as the answer of a door, for proxies that pass a refusal on to whoever waits for it."""

from __future__ import annotations

from typing import Any

from config.problem import Problem
from gateway.decision.enforcement import lead_to_step_up
from gateway.doors.problems import NOT_AT_A_DOOR
from gateway.exchange import Answer, OwnPage, RequestHead
from gateway.header import Header
from gateway.proxy.answer import CORRELATION, problem_answer
from gateway.proxy.own_page import scope_of
from gateway.step_up.demand import Asked


def is_of_a_person(verdict: OwnPage) -> bool:
    """Whether the page stands in the place of one that a person may not see."""
    return not verdict.state.keys().isdisjoint(("refusal", "step_up"))


async def answer_of_page(pages: Any, head: RequestHead, verdict: OwnPage) -> Answer:
    """What the person is told in place of what they may not see.

    A form that needs a stronger sign-in cannot be kept in its page, since its body never comes here: its person is led
    to sign in, and back to the page where it stood. `pages` is an ASGI application.
    """
    asked = verdict.state.get("step_up")
    if isinstance(asked, Asked):
        return lead_to_step_up(head, asked)
    if not is_of_a_person(verdict):
        return problem_answer(Problem(NOT_AT_A_DOOR), head.correlation_id)
    status = 500
    headers: list[Header] = []
    body = b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, headers, body
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        else:
            body += message.get("body", b"")

    scope = scope_of(head, verdict, peer=(head.client, 0), server=None, app_state={})
    await pages({**scope, "method": "GET"}, receive, send)  # whatever was asked for, what is told is a page
    return Answer(status, [header for header in headers if header[0] != CORRELATION], body)
