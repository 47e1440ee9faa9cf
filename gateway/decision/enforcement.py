"""A refusal turned into HTTP: a redirect to sign in, a challenge (RFC 6750, RFC 9470), a page, a problem (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlencode

import msgspec

from config.problem import PROBLEM_JSON, Problem, ProblemType
from gateway.exchange import Answer, OwnPage, RequestHead, Verdict
from gateway.header import Header
from gateway.inbound.manner import SAFE_METHODS, is_navigation
from gateway.relying_party.return_path import sound_path
from gateway.resource_metadata import challenge_parameter
from gateway.step_up.demand import ACR, Asked
from idp.protocol import dpop
from policy.decision import Decision, Effect, StepUp
from policy.judgement import OF_PRIVILEGES
from policy.obligations import methods_left
from policy.reasons import Reason

UNKNOWN_ADDRESS = ProblemType(
    "MJ-GATEWAY-203", HTTPStatus.NOT_FOUND, "There is nothing at this address", "Check the address.",
)  # fmt: skip
FOREIGN_ORIGIN = ProblemType(
    "MJ-GATEWAY-204", HTTPStatus.FORBIDDEN, "This request was sent by another site's page",
    "Do it again from the page of the service itself.",
)  # fmt: skip
NO_WEBSOCKET = ProblemType(
    "MJ-GATEWAY-205", HTTPStatus.FORBIDDEN, "This address takes no websocket", "Ask by plain HTTP.",
)  # fmt: skip
NOT_SIGNED_IN = ProblemType(
    "MJ-GATEWAY-210", HTTPStatus.UNAUTHORIZED, "You are not signed in",
    "Sign in, or send an access token.",
)  # fmt: skip
TOKEN_REFUSED = ProblemType(
    "MJ-GATEWAY-211", HTTPStatus.UNAUTHORIZED, "The access token can't be used",
    "Get a new access token from the identity provider.",
)  # fmt: skip
SESSION_ENDED = ProblemType(
    "MJ-GATEWAY-212", HTTPStatus.UNAUTHORIZED, "Your session has ended", "Sign in again.",
)  # fmt: skip
SESSION_UNKNOWN = ProblemType(
    "MJ-GATEWAY-213", HTTPStatus.SERVICE_UNAVAILABLE, "It can't be confirmed at the moment that your session lives",
    "Nothing is lost. Try again in a moment.",
)  # fmt: skip
READ_ONLY_NOW = ProblemType(
    "MJ-GATEWAY-214", HTTPStatus.SERVICE_UNAVAILABLE, "Nothing can be changed here at the moment",
    "You can go on reading. Try again in a moment.",
)  # fmt: skip
STEP_UP_NEEDED = ProblemType(
    "MJ-GATEWAY-215", HTTPStatus.UNAUTHORIZED, "This needs a stronger sign-in",
    "Sign in again as the challenge says (RFC 9470).",
)  # fmt: skip
NOT_ALLOWED = ProblemType(
    "MJ-GATEWAY-216", HTTPStatus.FORBIDDEN, "You may not do this here",
    "If you need it for your work, ask your administrator and give the correlation id.",
)  # fmt: skip
NOT_RECORDED = ProblemType(
    "MJ-GATEWAY-219", HTTPStatus.SERVICE_UNAVAILABLE, "What happens here can't be recorded at the moment",
    "Nothing was done. Try again in a moment.",
)  # fmt: skip
LESS_NOW = ProblemType(
    "MJ-GATEWAY-242", HTTPStatus.FORBIDDEN, "Less can be done at the moment than usual",
    "`Allow` names what is left. It grows back by itself; a known device or place, or a stronger sign-in where one is"
    " asked for, brings it back sooner.",
)  # fmt: skip
OTHER_METHODS_ONLY = ProblemType(
    "MJ-GATEWAY-243", HTTPStatus.METHOD_NOT_ALLOWED, "This can't be done with what is at this address",
    "Use a method that `Allow` names.",
)  # fmt: skip
KEY_UNPROVEN = ProblemType(
    "MJ-GATEWAY-218", HTTPStatus.UNAUTHORIZED, "The key that the access token is bound to was not proven",
    "Send `Authorization: DPoP`, the token, and a new proof of its key for this very request (RFC 9449), or use its"
    " certificate.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the page that stands in for a refused one has to say (`refusal` in its request's state)."""

    kind: ProblemType
    reasons: tuple[Reason, ...]
    headers: tuple[Header, ...] = ()


COME_AGAIN = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
_ROUNDED = 2
"""Seconds by which a person is asked for a fresher sign-in than is needed: `auth_time` is counted in whole seconds, and
what is just too old here must not be just fresh enough at the identity provider."""
SIGN_IN = "/.munjigi/sign-in"
ENDED = "/.munjigi/ended"


def problem(
    kind: ProblemType,
    head: RequestHead,
    *,
    headers: Sequence[Header] = (),
    reasons: Sequence[Reason] = (),
    detail: str | None = None,
) -> Answer:
    """An answer to a program."""
    document = Problem(kind, detail).document(head.correlation_id)
    if reasons:
        document["reasons"] = list(reasons)
    more: list[Header] = [(b"retry-after", b"1")] if kind.status in COME_AGAIN else []
    return Answer(
        kind.status.value,
        ((b"content-type", PROBLEM_JSON.encode()), (b"cache-control", b"no-store"), *more, *headers),
        msgspec.json.encode(document),
    )


def refuse(
    kind: ProblemType, head: RequestHead, *, reasons: Sequence[Reason] = (), headers: Sequence[Header] = ()
) -> Verdict:
    """A page for a person, a problem for a program."""
    if is_navigation(head):
        refusal = Refusal(kind, tuple(reasons), tuple(headers))
        return OwnPage({"correlation_id": head.correlation_id, "refusal": refusal})
    return problem(kind, head, reasons=reasons, headers=headers)


def ask_to_sign_in(head: RequestHead, *, api: bool) -> Verdict:
    """Nobody is signed in. `api`: the route takes no browsers."""
    if not api and is_navigation(head):
        return _led(head, SIGN_IN)
    return problem(NOT_SIGNED_IN, head, headers=[_challenge(**challenge_parameter(head))])


def refuse_token(head: RequestHead, kind: ProblemType = TOKEN_REFUSED) -> Verdict:
    """A bearer token that is not, or no longer, good (RFC 6750, section 3.1)."""
    challenged = _challenge(error="invalid_token", error_description=kind.title, **challenge_parameter(head))
    return problem(kind, head, headers=[challenged])


def refuse_key(head: RequestHead, error: str, *, by_dpop: bool, nonce: str | None = None) -> Verdict:
    """The key that a token is bound to was not proven (RFC 9449, section 7.1; RFC 8705, section 3). `nonce`: what a
    proof must repeat (RFC 9449, section 9)."""
    if not by_dpop:
        return problem(KEY_UNPROVEN, head, headers=[_challenge(error=error, error_description=KEY_UNPROVEN.title)])
    given = [(b"dpop-nonce", nonce.encode())] if nonce is not None else []
    return problem(KEY_UNPROVEN, head, headers=[(b"www-authenticate", dpop.challenge(error).encode()), *given])


def tell_ended(head: RequestHead, *, by_token: bool) -> Verdict:
    """The session ended: a person is told why and led to sign in again."""
    if not by_token and is_navigation(head):
        return _led(head, ENDED)
    return refuse_token(head, SESSION_ENDED)


def enforce(
    decision: Decision, head: RequestHead, *, signed_in: bool, api: bool, by_token: bool = False, mark: str = ""
) -> Verdict:
    """What a decision that does not let the request through comes to. `by_token`: a bearer token stood for it, which
    no sign-in in a browser makes better. `mark`: how pages are told whose they are."""
    if decision.effect is Effect.STEP_UP and decision.step_up is not None:
        if decision.step_up.device_trust is None:
            return _step_up(decision.step_up, decision.reasons, head, person=not api and not by_token, mark=mark)
        return _refuse_as_decided(decision, head)  # no sign-in makes a device better known
    if not signed_in and Reason.NOT_AUTHENTICATED in decision.reasons:
        return ask_to_sign_in(head, api=api)
    return _refuse_as_decided(decision, head)


def _refuse_as_decided(decision: Decision, head: RequestHead) -> Verdict:
    """Who may do less is told what is left (RFC 9110, sections 10.2.1, 15.5.4). 405 is of an address whoever asks, and
    kept by caches (section 15.5.6): it is answered only where the rule that would allow leaves other methods to all."""
    reasons = decision.reasons
    if not OF_PRIVILEGES.intersection(reasons) or not decision.obligations:
        return refuse(NOT_ALLOWED, head, reasons=reasons)
    allow = (b"allow", ", ".join(methods_left(decision.obligations)).encode("ascii"))
    kind = OTHER_METHODS_ONLY if reasons == (Reason.METHOD_NOT_ALLOWED,) else LESS_NOW
    return refuse(kind, head, reasons=reasons, headers=[allow])


def _step_up(step: StepUp, reasons: Sequence[Reason], head: RequestHead, *, person: bool, mark: str) -> Verdict:
    wanted: dict[str, str] = {}
    if step.assurance is not None:
        wanted["acr_values"] = ACR[step.assurance]
    if step.max_age is not None:
        wanted["max_age"] = str(step.max_age)
    if person and is_navigation(head):
        if step.max_age is not None:
            wanted["max_age"] = str(max(0, step.max_age - _ROUNDED))
        if head.method in SAFE_METHODS:
            return _led(head, SIGN_IN, **wanted)
        return OwnPage({"correlation_id": head.correlation_id, "step_up": Asked(wanted, _target(head), mark)})
    challenged = challenge(STEP_UP_NEEDED.title, {**wanted, **challenge_parameter(head)})
    return problem(STEP_UP_NEEDED, head, headers=[challenged], reasons=reasons)


def lead_to_step_up(head: RequestHead, asked: Asked) -> Answer:
    """A form whose body is out of reach: its person is led to the sign-in that it needs, and back to its page."""
    return _led(head, SIGN_IN, **asked.wanted)


def challenge(description: str, wanted: Mapping[str, str]) -> Header:
    """What a program is told of a step-up (RFC 9470, section 3)."""
    return _challenge(error="insufficient_user_authentication", error_description=description, **wanted)


def _led(head: RequestHead, page: str, **parameters: str) -> Answer:
    """A form that was sent is led back to its page by GET (303): what it held cannot be sent again for the person."""
    back = _target(head) if head.method in SAFE_METHODS else _page_of_form(head) or _target(head)
    location = f"{page}?{urlencode({'return_to': back, **parameters}, quote_via=quote)}"
    return Answer(
        HTTPStatus.FOUND.value if head.method in SAFE_METHODS else HTTPStatus.SEE_OTHER.value,
        ((b"location", location.encode()), (b"cache-control", b"no-store")),
    )


def _page_of_form(head: RequestHead) -> str | None:
    """The page on this very origin where the form stood (RFC 9110, section 10.1.3): where it was sent to may be no page
    at all, or one without what was typed."""
    referer, host = head.get(b"referer"), head.get(b"host")
    origin = b"" if host is None else head.scheme.encode() + b"://" + host.lower()
    if referer is None or not origin or referer[: len(origin)].lower() != origin:
        return None
    return sound_path(referer[len(origin) :].decode("latin-1").partition("#")[0])


def _target(head: RequestHead) -> str:
    return head.path.decode("ascii") + (f"?{head.query.decode('latin-1')}" if head.query else "")


def _challenge(**parameters: str) -> Header:
    """RFC 6750, section 3; every value is one of ours, without quotes."""
    shown = "".join(f', {name}="{value}"' for name, value in parameters.items())
    return b"www-authenticate", f'Bearer realm="munjigi"{shown}'.encode()
