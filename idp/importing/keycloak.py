"""A user of a Keycloak realm export, as a person.

Exports have a credential's parts as JSON in strings (`secretData`, `credentialData`); before Keycloak 8 they stood side
by side. Of credentials the password is taken; second factors are enrolled anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from idp.importing.person import Entry, Fault

_GIVEN_TO_ALL = ("default-roles-", "offline_access", "uma_authorization")


def entry_of(user: Any) -> Entry:
    """Raises `Fault`."""
    if not isinstance(user, Mapping) or not isinstance(user.get("username"), str):
        raise Fault("username: a user of Keycloak has one")
    if user.get("serviceAccountClientId"):
        raise Fault("serviceAccountClientId: this is a program; register a client for it")
    names = (_text(user, "firstName"), _text(user, "lastName"))
    roles = [role for role in _list(user, "realmRoles") if isinstance(role, str)]
    attributes = user.get("attributes")
    locale = _list(attributes, "locale")[:1] if isinstance(attributes, Mapping) else []
    return Entry(
        login_name=user["username"],
        id=_text(user, "id"),
        display_name=" ".join(name for name in names if name),
        email=_text(user, "email") or None,
        email_verified=user.get("emailVerified") is True,
        locale="ko" if locale == ["ko"] else "en" if locale == ["en"] else None,
        roles=[role for role in roles if not role.startswith(_GIVEN_TO_ALL)],
        state="active" if user.get("enabled", True) is True else "locked",
        password_hash=_password(_list(user, "credentials")),
    )


def _password(credentials: list[Any]) -> str:
    """The hash in a form that `legacy_hashes` knows; empty: there is none."""
    for credential in credentials:
        if isinstance(credential, Mapping) and credential.get("type") == "password":
            return _hash(credential)
    return ""


def _hash(credential: Mapping[str, Any]) -> str:
    secret, data = _inner(credential, "secretData"), _inner(credential, "credentialData")
    value = secret.get("value") or credential.get("hashedSaltedValue") or ""
    salt = secret.get("salt") or credential.get("salt") or ""
    algorithm = data.get("algorithm") or credential.get("algorithm") or ""
    rounds = data.get("hashIterations") or credential.get("hashIterations") or 0
    if not all(isinstance(one, str) for one in (value, salt, algorithm)) or not isinstance(rounds, int):
        raise Fault("credentials: a password whose parts are not as Keycloak writes them")
    if algorithm == "argon2":
        return _argon2(data, rounds, value, salt)
    if algorithm.startswith("pbkdf2"):
        return f"keycloak:{algorithm}:{rounds}:{salt}:{value}"
    if algorithm in ("bcrypt", ""):  # a plugin's whole hash
        return value
    raise Fault(f"credentials: {algorithm[:40]!r} is not taken")


def _argon2(data: Mapping[str, Any], passes: int, value: str, salt: str) -> str:
    more = data.get("additionalParameters")
    named = {name: _first(given) for name, given in more.items()} if isinstance(more, Mapping) else {}
    version = {"1.3": "19", "1.0": "16"}.get(str(named.get("version", "1.3")), "0")
    costs = f"m={named.get('memory', 7168)},t={passes},p={named.get('parallelism', 1)}"
    kind = named.get("type", "id")
    return f"$argon2{kind}$v={version}${costs}${salt.rstrip('=')}${value.rstrip('=')}"


def _first(given: Any) -> Any:
    return given[0] if isinstance(given, list) and given else given


def _inner(credential: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = credential.get(name)
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise Fault(f"credentials: {name} is no JSON") from None
    return given if isinstance(given, Mapping) else {}


def _text(user: Mapping[str, Any], name: str) -> str:
    given = user.get(name)
    if given is not None and not isinstance(given, str):
        raise Fault(f"{name}: text is expected")
    return given or ""


def _list(user: Mapping[str, Any], name: str) -> list[Any]:
    given = user.get(name)
    return given if isinstance(given, list) else []
