"""What a sign-in that fails comes to: for its person as a page, for a program as RFC 9457 says."""

from __future__ import annotations

from http import HTTPStatus

from config.problem import ProblemType

SIGN_IN_EXPIRED = ProblemType(
    "MJ-GATEWAY-220", HTTPStatus.BAD_REQUEST, "This sign-in is over",
    "It took too long, was finished before, or began in another browser. Start again.",
)  # fmt: skip
SIGN_IN_REFUSED = ProblemType(
    "MJ-GATEWAY-221", HTTPStatus.FORBIDDEN, "The sign-in was not completed", "Start again when you are ready.",
)  # fmt: skip
SIGN_IN_UNSOUND = ProblemType(
    "MJ-GATEWAY-222", HTTPStatus.BAD_GATEWAY, "The sign-in could not be confirmed",
    "Start again. If it happens again, tell support the correlation id.",
)  # fmt: skip
STEP_UP_NOT_MET = ProblemType(
    "MJ-GATEWAY-223", HTTPStatus.FORBIDDEN, "This needs a stronger sign-in",
    "Sign in again with a second factor.",
)  # fmt: skip
PROVIDER_AWAY = ProblemType(
    "MJ-GATEWAY-224", HTTPStatus.SERVICE_UNAVAILABLE, "Signing in is not possible at the moment",
    "Whoever is signed in can work on. Try again in a moment.",
)  # fmt: skip
ANOTHER_PERSON = ProblemType(
    "MJ-GATEWAY-226", HTTPStatus.FORBIDDEN, "Somebody else signed in",
    "Go back to the page that asked, and confirm with the account that you use there.",
)  # fmt: skip
TOO_MANY_SIGN_INS = ProblemType(
    "MJ-GATEWAY-225", HTTPStatus.TOO_MANY_REQUESTS, "Too many sign-ins were begun from your network",
    "Wait a few minutes, then start again. Whoever is signed in can work on.",
)  # fmt: skip
