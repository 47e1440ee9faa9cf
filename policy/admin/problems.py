"""The errors of the admin API; each is declared once."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from config.openapi import ProblemDocument
from config.problem import HELP_BEHIND_THE_GATEWAY, Problem, ProblemType

NOT_ADMINISTRATOR = ProblemType(
    "MJ-POLICY-001",
    HTTPStatus.FORBIDDEN,
    "Only an administrator may do this",
    "Ask an administrator of your organisation.",
)
NO_SUCH_VERSION = ProblemType(
    "MJ-POLICY-002",
    HTTPStatus.NOT_FOUND,
    "There is no such version, or none that this can be done with",
    "List the versions: a draft can be published once, a retired version can be rolled back to.",
)
OVERTAKEN = ProblemType(
    "MJ-POLICY-003",
    HTTPStatus.CONFLICT,
    "A newer version is published",
    "Make the draft again on top of the current version.",
)
FAULTY = ProblemType(
    "MJ-POLICY-004",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The policy has faults; nothing was stored",
    "Correct what `errors` names and send the whole policy again.",
)
NOT_UNDERSTOOD = ProblemType(
    "MJ-POLICY-005",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The request could not be understood",
    "Compare the body with /api/policy/openapi.json.",
)
NOT_JSON = ProblemType(
    "MJ-POLICY-006",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "The body must be JSON",
    "Send Content-Type: application/json.",
)
TOO_LARGE = ProblemType(
    "MJ-POLICY-007", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The policy is too large", "Send at most 32 MiB."
)
NO_POLICY = ProblemType(
    "MJ-POLICY-008",
    HTTPStatus.NOT_FOUND,
    "No policy is published",
    "Publish a draft; until then everything is denied.",
)
NOT_FOUND = ProblemType(
    "MJ-POLICY-009", HTTPStatus.NOT_FOUND, "There is no such thing here", "See /api/policy/openapi.json."
)
WRONG_METHOD = ProblemType(
    "MJ-POLICY-010",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "This cannot be done to that",
    "See /api/policy/openapi.json.",
)

NOT_OPERATOR = ProblemType(
    "MJ-POLICY-011",
    HTTPStatus.FORBIDDEN,
    "Only the organisation that runs this installation changes the policy",
    "Ask one of its administrators; the setting policy.operator names it.",
)
FACTORS_NOT_FRESH = ProblemType(
    "MJ-POLICY-012",
    HTTPStatus.UNAUTHORIZED,
    "Changing the policy needs two factors, lately",
    "Sign in again as WWW-Authenticate says (RFC 9470), and ask again.",
)
PRECONDITION_REQUIRED = ProblemType(
    "MJ-POLICY-031",
    HTTPStatus.PRECONDITION_REQUIRED,
    "A change of this must say what it is a change of",
    "Read it, and send its ETag as If-Match.",
)
PRECONDITION_FAILED = ProblemType(
    "MJ-POLICY-032",
    HTTPStatus.PRECONDITION_FAILED,
    "Somebody changed it meanwhile; nothing was done",
    "Read it again, and send the change with the ETag that it has now.",
)

NOT_APPROVED = ProblemType(
    "MJ-POLICY-041",
    HTTPStatus.CONFLICT,
    "Somebody else must approve this draft first",
    "Ask somebody who did not write it to approve it as it is now; the setting policy.approvals asks for that.",
)
OWN_DRAFT = ProblemType(
    "MJ-POLICY-042",
    HTTPStatus.FORBIDDEN,
    "Whoever wrote a draft does not approve it",
    "Ask somebody else to look at it, and to approve it.",
)
ANOTHER_SHADOW = ProblemType(
    "MJ-POLICY-043",
    HTTPStatus.CONFLICT,
    "Another version shadows live traffic",
    "End that one first, or wait until its time is over.",
)
NO_SHADOW = ProblemType(
    "MJ-POLICY-044",
    HTTPStatus.NOT_FOUND,
    "This version does not shadow live traffic",
    "Begin with POST; a report stands here as soon as it ever did.",
)


NO_SUCH_DECISION = ProblemType(
    "MJ-POLICY-090",
    HTTPStatus.NOT_FOUND,
    "No decision is found by this id",
    "Take the id from the answer's Munjigi-Correlation-Id; wait two seconds; the setting policy.decisions_days says "
    "how long they are kept.",
)
NO_SUCH_REPLAY = ProblemType(
    "MJ-POLICY-091",
    HTTPStatus.NOT_FOUND,
    "There is no such replay",
    "Ask for it again; what was found is kept for 30 days.",
)
TOO_MANY_REPLAYS = ProblemType(
    "MJ-POLICY-092",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many replays wait already",
    "Wait until one of them is done.",
)
DECISIONS_ARE_THE_OPERATORS = ProblemType(
    "MJ-POLICY-093",
    HTTPStatus.FORBIDDEN,
    "Only the organisation that runs this installation looks at decisions",
    "Ask one of its administrators; the setting policy.operator names it.",
)


class FaultEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault of a policy that was sent."""

    message: str
    fault: str = "unreadable_line"
    line: int | None = None
    """Line of `rules`, from 1; left out where the fault is in no single line."""
    rule: str = ""
    severity: str = ""
    """`error`: it is not published as it is; or `warning`."""


class FaultyDocument(ProblemDocument):
    """An error, with the faults of a policy where it had some."""

    errors: tuple[FaultEntry, ...] = ()


class FaultyPolicy(Problem):
    """A policy that was refused, with every fault (RFC 9457, section 3.2: extension member `errors`)."""

    def __init__(self, errors: Sequence[FaultEntry]) -> None:
        super().__init__(FAULTY, f"{len(errors)} faults, the first: {errors[0].message}")
        self.errors = tuple(errors)

    def document(self, correlation_id: str, help_at: str = HELP_BEHIND_THE_GATEWAY) -> dict[str, object]:
        return {**super().document(correlation_id, help_at), "errors": self.errors}
