"""What an access token must be for, beyond what policy says of whom it speaks for (RFC 6750, section 3.1).

It holds for tokens alone: a browser's cookie stands for the person themselves, not for an app that they let do less.
"""

from __future__ import annotations

from http import HTTPStatus

from config.problem import ProblemType
from gateway.callers.identity import Identity
from gateway.decision.enforcement import problem
from gateway.exchange import RequestHead, Verdict
from gateway.resource_metadata import challenge_parameter
from gateway.routes.route_table import Route
from idp.protocol import dpop

TOO_NARROW = ProblemType(
    "MJ-GATEWAY-206", HTTPStatus.FORBIDDEN, "The access token is not for this",
    "Ask the identity provider for a token with the scopes that the challenge names.",
)  # fmt: skip
ERROR = "insufficient_scope"


def unmet(route: Route, identity: Identity, method: str) -> tuple[str, ...]:
    """All scopes that a request needs, where its token lacks one; empty: it lacks none."""
    wanted = tuple(dict.fromkeys(one.scope for one in route.scopes if not one.methods or method in one.methods))
    return () if set(wanted).issubset(identity.scope) else wanted


def refuse(head: RequestHead, wanted: tuple[str, ...], *, by_dpop: bool) -> Verdict:
    """Told by the scheme that the token came by (RFC 9449, section 7.1)."""
    scheme = dpop.SCHEME if by_dpop else "Bearer"
    said = {
        "error": ERROR,
        "error_description": TOO_NARROW.title,
        "scope": " ".join(wanted),
        **challenge_parameter(head),
    }
    challenge = f'{scheme} realm="munjigi"' + "".join(f', {name}="{value}"' for name, value in said.items())
    return problem(TOO_NARROW, head, headers=[(b"www-authenticate", challenge.encode("ascii"))])
