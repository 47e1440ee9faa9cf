"""The ordered checks of an authorization request: a table that is read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from idp.authorization.answer import RESPONSE_MODES, response_mode
from idp.authorization.registered import RegisteredClient
from idp.authorization.request import AuthorizationRequest
from idp.authorization.trust import LONGEST_VALUE, Parameters, RequestError, trusted_redirect_uri
from idp.protocol import claims_request, code_protection, fapi2, pkce, resource, scopes
from idp.protocol.assurance import demanded_assurance
from idp.protocol.claims_request import NOTHING_ASKED, ClaimsRequest, InvalidClaims
from idp.protocol.described import Described, InvalidScope

LONGEST = {"claims": claims_request.LONGEST}
"""Parameters that may be longer."""
NOBODY = ""
"""An `expected_sub` that no person has."""
DISPLAYS = ("page", "popup", "touch", "wap")
"""All of them are shown the same pages, which fit into any of them (OIDC Core 1.0, section 3.1.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """How a request came, once request objects and references are unfolded."""

    pushed: bool = False
    """It was pushed (RFC 9126)."""
    signed: bool = False
    """It is what a signed request object says (RFC 9101)."""
    must_be_pushed: bool = False
    """Nobody's request is taken that was not pushed."""


IN_THE_OPEN = Carriage()
Values = Mapping[str, str]
Check = Callable[[Values, RegisteredClient, Carriage], None]
NamedBy = Callable[[str], str | None]


def _itself(sub: str) -> str | None:
    return sub


def check(
    parameters: Parameters,
    client: RegisteredClient,
    named_by: NamedBy,
    carriage: Carriage = IN_THE_OPEN,
    *,
    described: Described,
    called: NamedBy = _itself,
) -> AuthorizationRequest:
    """The request, once it passed every check. Raises `Problem` or `RequestError`.

    `named_by` is whom an `id_token_hint` names, None where it is not a good one; `called`, whom this client calls by a
    `sub`, None where that is nobody: it may know people by identifiers of its own (OIDC Core 1.0, section 8.1);
    `described`, what APIs let a request of this client have.
    """
    redirect_uri = trusted_redirect_uri(parameters, client)
    names = [name for name, _ in parameters if name != resource.PARAMETER]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise RequestError("invalid_request", f"{_printable(doubled[0])} is given more than once")
    # a parameter without a value is treated as if it were not there (RFC 6749, section 3.1)
    values = {name: value for name, value in parameters if value and name != resource.PARAMETER}
    for look in CHECKS:
        look(values, client, carriage)
    claims = _claims(values)
    essential_acr, acr_values = claims.acr(essential=True), _acr_values(values, claims, client)
    # scopes that are not understood are left out (OIDC Core 1.0, section 3.1.2.1)
    scope = tuple(one for one in scopes.split(values["scope"]) if one in client.scopes)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scope=scope,
        code_challenge=values.get("code_challenge"),
        state=values.get("state"),
        nonce=values.get("nonce"),
        prompt=scopes.split(values.get("prompt", "")),
        max_age=int(values["max_age"]) if "max_age" in values else client.metadata.default_max_age,
        acr_values=acr_values,
        login_hint=values.get("login_hint"),
        expected_sub=_expected_sub(values, claims, named_by, called),
        ui_locales=scopes.split(values.get("ui_locales", "")),
        response_mode=response_mode(values.get("response_mode")) or "query",
        essential_acr=essential_acr,
        claims=claims_request.visible(claims, frozenset(scopes.claims_of(client.scopes)), essential_acr or acr_values),
        resources=_resources(parameters, client, scope, described),
        profile=client.metadata.profile,
        dpop_jkt=values.get("dpop_jkt"),
        authorization_signed_response_alg=client.metadata.authorization_signed_response_alg,
    )


def _claims(values: Values) -> ClaimsRequest:
    if "claims" not in values:
        return NOTHING_ASKED
    try:
        asked = claims_request.parse(values["claims"])
    except InvalidClaims as error:
        raise RequestError("invalid_request", str(error)) from None
    essential = asked.acr(essential=True)
    if essential and not demanded_assurance(essential):
        raise RequestError("unmet_authentication_requirements", "none of the essential acr values can be reached")
    return asked


def _acr_values(values: Values, claims: ClaimsRequest, client: RegisteredClient) -> tuple[str, ...]:
    """What is asked for by either way; a client's default is for requests that say nothing (OIDC Registration 1.0)."""
    asked = (*scopes.split(values.get("acr_values", "")), *claims.acr(essential=False))
    return asked or (() if claims.acr(essential=True) else client.metadata.default_acr_values)


def _expected_sub(values: Values, claims: ClaimsRequest, named_by: NamedBy, called: NamedBy) -> str | None:
    """The one person that a request is about: by its `id_token_hint`, by a `sub` that its `claims` name, or by both."""
    hint = values.get("id_token_hint")
    hinted = named_by(hint) if hint is not None else None
    if hint is not None and hinted is None:
        raise RequestError("invalid_request", "id_token_hint is not an ID token of this issuer")
    try:
        subjects = claims.subjects()
    except InvalidClaims as error:
        raise RequestError("invalid_request", str(error)) from None
    # who is nobody to this client is answered for by nobody: whoever signs in is somebody else
    asked = {person for sub in subjects if (person := called(sub)) is not None} or ({NOBODY} if subjects else set())
    if hinted is not None and asked and hinted not in asked:
        raise RequestError("invalid_request", "id_token_hint and claims name two different people")
    if hinted is None and len(asked) > 1:
        raise RequestError("invalid_request", "claims names more than one sub")
    return hinted if hinted is not None else next(iter(asked), None)


def _resources(
    parameters: Parameters, client: RegisteredClient, scope: tuple[str, ...], described: Described
) -> tuple[str, ...]:
    """Where its tokens are to be good, and whether all of the scope may be had there, for a person."""
    asked = [value for name, value in parameters if name == resource.PARAMETER and value]
    try:
        targets = described.targets(asked, client.metadata.resources, scope)
        described.check(scope, targets, "people")
    except resource.InvalidTarget as error:
        raise RequestError("invalid_target", str(error)) from None
    except InvalidScope as error:
        raise RequestError("invalid_scope", str(error)) from None
    return targets


def _sizes(values: Values, _client: RegisteredClient, _carriage: Carriage) -> None:
    for name, value in values.items():
        if len(value) > LONGEST.get(name, LONGEST_VALUE) or "\0" in value:
            raise RequestError("invalid_request", f"{_printable(name)} is too long, or holds a null character")


def _carried(values: Values, client: RegisteredClient, carriage: Carriage) -> None:
    if faults := fapi2.request_faults(client, pushed=carriage.pushed):
        raise RequestError("unauthorized_client" if carriage.pushed else "invalid_request", faults[0])
    if (carriage.must_be_pushed or client.metadata.require_pushed_authorization_requests) and not carriage.pushed:
        raise RequestError("invalid_request", "the authorization request must be pushed (RFC 9126)")
    if client.metadata.require_signed_request_object and not carriage.signed:
        raise RequestError("invalid_request", "the authorization request must be a signed request object (RFC 9101)")
    if "authorization_details" in values:  # whoever asks counts on it (RFC 9396, section 5)
        raise RequestError("invalid_authorization_details", "no type of authorization_details is known here")
    if "registration" in values:
        raise RequestError("registration_not_supported", "registration is not supported")


def _response_type(values: Values, client: RegisteredClient, _carriage: Carriage) -> None:
    if "response_type" not in values:
        raise RequestError("invalid_request", "response_type is missing")
    if values["response_type"] != "code":
        raise RequestError("unsupported_response_type", "the only response_type is code")
    if "authorization_code" not in client.grant_types:
        raise RequestError("unauthorized_client", "this client may not use authorization codes")


def _response_mode(values: Values, _client: RegisteredClient, _carriage: Carriage) -> None:
    if response_mode(values.get("response_mode")) is None:
        raise RequestError("invalid_request", f"response_mode is one of {', '.join(RESPONSE_MODES)}")


def _proof_key(values: Values, client: RegisteredClient, _carriage: Carriage) -> None:
    if lack := code_protection.lacks(client, challenge=values.get("code_challenge"), nonce=values.get("nonce")):
        raise RequestError("invalid_request", lack)
    if "code_challenge" not in values:
        if "code_challenge_method" in values:
            raise RequestError("invalid_request", "code_challenge_method is there without code_challenge")
        return
    if values.get("code_challenge_method") != pkce.METHOD:
        raise RequestError("invalid_request", "code_challenge_method must be S256")
    if not pkce.is_challenge(values["code_challenge"]):
        raise RequestError("invalid_request", "code_challenge is not the base64url of a SHA-256")


def _dpop_key(values: Values, _client: RegisteredClient, _carriage: Carriage) -> None:
    if "dpop_jkt" in values and not pkce.is_challenge(values["dpop_jkt"]):  # a SHA-256 is the same to look at
        raise RequestError("invalid_request", "dpop_jkt is not the base64url of a SHA-256")


def _scope(values: Values, client: RegisteredClient, _carriage: Carriage) -> None:
    if scopes.OPENID not in scopes.split(values.get("scope", "")) or scopes.OPENID not in client.scopes:
        raise RequestError("invalid_scope", "scope must hold openid")


def _prompt(values: Values, _client: RegisteredClient, _carriage: Carriage) -> None:
    prompt = scopes.split(values.get("prompt", ""))
    if "create" in prompt:
        raise RequestError("invalid_request", "prompt create is not supported: accounts are made by administrators")
    if not set(prompt) <= {"none", "login", "consent", "select_account"}:
        raise RequestError("invalid_request", "prompt holds a value that is not known")
    if "none" in prompt and len(prompt) > 1:
        raise RequestError("invalid_request", "prompt none stands alone")


def _max_age(values: Values, _client: RegisteredClient, _carriage: Carriage) -> None:
    max_age = values.get("max_age", "0")
    if not (max_age.isascii() and max_age.isdigit() and len(max_age) <= 9):
        raise RequestError("invalid_request", "max_age is a number of seconds")


def _display(values: Values, _client: RegisteredClient, _carriage: Carriage) -> None:
    if values.get("display", "page") not in DISPLAYS:
        raise RequestError("invalid_request", "display is page, popup, touch or wap")


CHECKS: tuple[Check, ...] = (
    _sizes,
    _carried,
    _response_type,
    _response_mode,
    _scope,
    _proof_key,
    _dpop_key,
    _prompt,
    _max_age,
    _display,
)


def _printable(name: str) -> str:
    """A name that may stand in `error_description` (RFC 6749, section 4.1.2.1)."""
    sound = name.isascii() and name.replace("_", "").isalnum() and len(name) <= 64
    return name if sound else "a parameter"
