"""An authentication request that a client makes behind the person's back (OpenID Connect Client-Initiated Backchannel
Authentication Core 1.0, section 7): pure rules of what it may say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from idp.protocol import resource, scopes
from idp.protocol.described import Described, InvalidScope

PARAMETERS: Final = frozenset(
    {
        "scope",
        "client_notification_token",
        "acr_values",
        "login_hint_token",
        "id_token_hint",
        "login_hint",
        "binding_message",
        "user_code",
        "requested_expiry",
        "authorization_details",
        resource.PARAMETER,
    }
)
"""What a signed request says inside, and must not say beside it (section 7.1.1)."""
LIFETIME: Final = timedelta(minutes=10)
"""How long a person may take to find the page and to sign in, where the client asks for nothing else."""
SHORTEST: Final = timedelta(seconds=30)
LONGEST: Final = timedelta(minutes=30)
"""What `requested_expiry` is held to."""
LONGEST_MESSAGE: Final = 100
"""Characters of `binding_message`, which is to be compared by eye."""
LONGEST_VALUE: Final = 2048
"""Characters of any other parameter."""

_HINTS: Final = ("login_hint_token", "id_token_hint", "login_hint")

HintKind = Literal["login_hint", "id_token_hint"]


class InvalidRequest(ValueError):
    """An error of section 13 (or one of RFC 8707 or RFC 9396); the message says why, and may be shown."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelRequest:
    """What a client asks for, and of whom."""

    scope: tuple[str, ...]
    hint_kind: HintKind
    hint: str
    binding_message: str
    """Shown on both screens; empty: none."""
    acr_values: tuple[str, ...]
    resources: tuple[str, ...]
    lifetime: timedelta


def check(
    parameters: Sequence[tuple[str, str]],
    *,
    scope: Collection[str],
    resources: Collection[str],
    described: Described,
    default_acr_values: tuple[str, ...] = (),
) -> BackchannelRequest:
    """The request, once it passed every check (section 7.2). Raises `InvalidRequest`.

    `scope` and `resources` are what the client registered, `described` what APIs let it have; `default_acr_values` are
    for a request that says nothing.
    """
    names = [name for name, _ in parameters if name != resource.PARAMETER]
    if len(set(names)) != len(names):
        raise InvalidRequest("invalid_request", "a parameter is given more than once")
    # a parameter without a value is treated as if it were not there (RFC 6749, section 3.1)
    values = {name: value for name, value in parameters if value and name in PARAMETERS - {resource.PARAMETER}}
    for name, value in values.items():
        if len(value) > LONGEST_VALUE or "\0" in value:
            raise InvalidRequest("invalid_request", f"{name} is too long, or holds a null character")
    if "authorization_details" in values:  # whoever asks counts on it (RFC 9396, section 5)
        raise InvalidRequest("invalid_authorization_details", "no type of authorization_details is known here")
    hint_kind = _hint_kind(values)
    wanted = _scope(values.get("scope"), scope)
    return BackchannelRequest(
        scope=wanted,
        hint_kind=hint_kind,
        hint=values[hint_kind],
        binding_message=_binding_message(values.get("binding_message", "")),
        acr_values=scopes.split(values.get("acr_values", "")) or default_acr_values,
        resources=_resources(parameters, resources, wanted, described),
        lifetime=_lifetime(values.get("requested_expiry")),
    )


def _hint_kind(values: dict[str, str]) -> HintKind:
    given = [name for name in _HINTS if name in values]
    if len(given) != 1:
        raise InvalidRequest("invalid_request", "exactly one hint must say whom to ask")
    match given[0]:
        case "login_hint":
            return "login_hint"
        case "id_token_hint":
            return "id_token_hint"
        case _:
            raise InvalidRequest("invalid_request", "login_hint_token is not supported: login_hint or id_token_hint is")


def _scope(asked: str | None, registered: Collection[str]) -> tuple[str, ...]:
    if asked is None:
        raise InvalidRequest("invalid_request", "scope is missing")
    wanted = scopes.split(asked)
    if scopes.OPENID not in wanted:
        raise InvalidRequest("invalid_scope", "scope must hold openid")
    if not set(wanted) <= set(registered):
        raise InvalidRequest("invalid_scope", "the client has not registered all of this scope")
    return wanted


def _binding_message(message: str) -> str:
    """What is compared by eye must be read the same everywhere: one line, without marks that turn or hide text."""
    if len(message) > LONGEST_MESSAGE or not message.isprintable() or message != message.strip():
        raise InvalidRequest(
            "invalid_binding_message", f"binding_message is one line of {LONGEST_MESSAGE} printable characters at most"
        )
    return message


def _resources(
    parameters: Sequence[tuple[str, str]], allowed: Collection[str], scope: tuple[str, ...], described: Described
) -> tuple[str, ...]:
    asked = [value for name, value in parameters if name == resource.PARAMETER and value]
    try:
        targets = described.targets(asked, allowed, scope)
        described.check(scope, targets, "people")
    except resource.InvalidTarget as error:
        raise InvalidRequest("invalid_target", str(error)) from None
    except InvalidScope as error:
        raise InvalidRequest("invalid_scope", str(error)) from None
    return targets


def _lifetime(asked: str | None) -> timedelta:
    if asked is None:
        return LIFETIME
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 9 and int(asked) > 0):
        raise InvalidRequest("invalid_request", "requested_expiry is a positive number of seconds")
    return min(max(timedelta(seconds=int(asked)), SHORTEST), LONGEST)
