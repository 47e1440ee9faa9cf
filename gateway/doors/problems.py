"""What a door has to say that the pipeline has not."""

from __future__ import annotations

from http import HTTPStatus

from config.problem import ProblemType

NOT_A_PEER = ProblemType(
    "MJ-GATEWAY-160", HTTPStatus.FORBIDDEN, "This listener answers the proxies in front of it alone",
    "Ask from one of `gateway.decision_peers`.",
)  # fmt: skip
UNKNOWN_DOOR = ProblemType(
    "MJ-GATEWAY-161", HTTPStatus.NOT_FOUND, "There is no such door",
    "Ask at the address that the ready configurations use.",
)  # fmt: skip
NOT_SAID = ProblemType(
    "MJ-GATEWAY-162", HTTPStatus.BAD_REQUEST, "The proxy does not say, or says twice, which request it asks about",
    "Compare the proxy's configuration with the ready one.",
)  # fmt: skip
NOT_AT_A_DOOR = ProblemType(
    "MJ-GATEWAY-163", HTTPStatus.NOT_FOUND, "This address is answered by the gateway itself",
    "Have the proxy pass /.munjigi/ and /.well-known/oauth-protected-resource on to the gateway.",
)  # fmt: skip
