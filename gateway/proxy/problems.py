"""What the data path itself has to say to a client, as RFC 9457 problems. Codes MJ-GATEWAY-1xx are its own."""

from __future__ import annotations

from http import HTTPStatus

from config.problem import ProblemType

MALFORMED_REQUEST = ProblemType(
    "MJ-GATEWAY-101", HTTPStatus.BAD_REQUEST, "The request is not well-formed HTTP/1.1",
    "Send one Host, one framing, and lines that end in CRLF (RFC 9112).",
)  # fmt: skip
AMBIGUOUS_TARGET = ProblemType(
    "MJ-GATEWAY-102", HTTPStatus.BAD_REQUEST, "The address can be read in more than one way",
    "Send the plain form of the path: no dot segments, no encoded separators, no path parameters.",
)  # fmt: skip
HEAD_TOO_LARGE = ProblemType(
    "MJ-GATEWAY-103", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too large",
    "Send fewer or shorter headers and cookies.",
)  # fmt: skip
TARGET_TOO_LONG = ProblemType(
    "MJ-GATEWAY-104", HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long",
    "Put long input into the body of the request.",
)  # fmt: skip
BODY_TOO_LARGE = ProblemType(
    "MJ-GATEWAY-105", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request's body is too large",
    "Send a smaller one, or send it in parts.",
)  # fmt: skip
METHOD_NOT_ALLOWED = ProblemType(
    "MJ-GATEWAY-106", HTTPStatus.METHOD_NOT_ALLOWED, "The gateway does not pass this method on",
    "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.",
)  # fmt: skip
REQUEST_TIMEOUT = ProblemType(
    "MJ-GATEWAY-107", HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time",
    "Send it again, at once.",
)  # fmt: skip
UPGRADE_REQUIRED = ProblemType(
    "MJ-GATEWAY-108", HTTPStatus.UPGRADE_REQUIRED, "This version of the websocket protocol is not spoken here",
    "Use version 13 (RFC 6455).",
)  # fmt: skip
VERSION_NOT_SUPPORTED = ProblemType(
    "MJ-GATEWAY-109", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This version of HTTP is not spoken here",
    "Use HTTP/1.1.",
)  # fmt: skip
EXPECTATION_FAILED = ProblemType(
    "MJ-GATEWAY-110", HTTPStatus.EXPECTATION_FAILED, "The expectation is not known",
    "Only `100-continue` is (RFC 9110, section 10.1.1).",
)  # fmt: skip
UPGRADE_UNKNOWN = ProblemType(
    "MJ-GATEWAY-111", HTTPStatus.NOT_IMPLEMENTED, "The gateway does not pass this upgrade on",
    "Use a websocket (RFC 6455), or plain HTTP/1.1.",
)  # fmt: skip
DECISION_FAILED = ProblemType(
    "MJ-GATEWAY-120", HTTPStatus.INTERNAL_SERVER_ERROR, "The request could not be decided, so it was not let through",
    "Try again; if it happens again, tell support the correlation id.",
)  # fmt: skip
DECISION_TIMEOUT = ProblemType(
    "MJ-GATEWAY-121", HTTPStatus.SERVICE_UNAVAILABLE, "The decision took too long, so the request was not let through",
    "Try again in a moment.",
)  # fmt: skip
UPSTREAM_UNKNOWN = ProblemType(
    "MJ-GATEWAY-130", HTTPStatus.BAD_GATEWAY, "There is no such service behind the gateway",
    "Tell support the correlation id.",
)  # fmt: skip
UPSTREAM_DOWN = ProblemType(
    "MJ-GATEWAY-131", HTTPStatus.SERVICE_UNAVAILABLE, "The service cannot be reached at the moment",
    "Try again in a moment.",
)  # fmt: skip
UPSTREAM_BUSY = ProblemType(
    "MJ-GATEWAY-132", HTTPStatus.SERVICE_UNAVAILABLE, "The service has more requests than it can take",
    "Try again in a moment.",
)  # fmt: skip
UPSTREAM_BROKE_OFF = ProblemType(
    "MJ-GATEWAY-133", HTTPStatus.BAD_GATEWAY, "The service broke off before it answered",
    "Find out whether the request took effect before you send it again.",
)  # fmt: skip
UPSTREAM_MALFORMED = ProblemType(
    "MJ-GATEWAY-134", HTTPStatus.BAD_GATEWAY, "The service gave an answer that cannot be passed on",
    "Tell support the correlation id.",
)  # fmt: skip
UPSTREAM_SILENT = ProblemType(
    "MJ-GATEWAY-135", HTTPStatus.GATEWAY_TIMEOUT, "The service did not answer in time",
    "Find out whether the request took effect before you send it again.",
)  # fmt: skip
TOO_MANY_CONNECTIONS = ProblemType(
    "MJ-GATEWAY-136", HTTPStatus.SERVICE_UNAVAILABLE, "The gateway has more connections than it can take",
    "Try again in a moment.",
)  # fmt: skip
EXCHANGE_ENDED = ProblemType(
    "MJ-GATEWAY-137", HTTPStatus.SERVICE_UNAVAILABLE, "What let this request in no longer holds",
    "Find out whether the request took effect before you send it again.",
)  # fmt: skip
