"""Which path leads to which endpoint: the whole public face of the identity provider, on one screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

Endpoint = Callable[[Request], Awaitable[Response]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

TABLE: tuple[tuple[str, tuple[Method, ...], str], ...] = (
    ("/token", ("POST",), "token"),
    ("/introspect", ("POST",), "introspection"),
    ("/userinfo", ("GET", "POST"), "userinfo"),
    ("/revoke", ("POST",), "revocation"),
    ("/.well-known/openid-configuration", ("GET",), "discovery"),
    ("/.well-known/oauth-authorization-server", ("GET",), "discovery"),
    ("/jwks", ("GET",), "jwks"),
    ("/authorize", ("GET", "POST"), "authorization"),
    ("/par", ("POST",), "pushed_authorization_request"),
    ("/authorize/continue", ("GET",), "dispatcher"),
    ("/sign-in", ("GET", "POST"), "sign_in"),
    ("/sign-in/passkey", ("POST",), "sign_in_passkey"),
    ("/sign-in/new-password", ("GET", "POST"), "leaked_password"),
    ("/sign-in/mail", ("GET", "POST"), "sign_in_mail"),
    ("/sign-in/mail/open", ("GET", "POST"), "sign_in_mail_open"),
    ("/sign-in/push", ("POST",), "sign_in_push"),
    ("/sign-in/push/state", ("GET",), "sign_in_push_state"),
    ("/sign-in/link", ("GET", "POST"), "upstream_link"),
    ("/sign-in/upstream/{provider}", ("GET",), "upstream"),
    ("/sign-in/upstream/{provider}/callback", ("GET",), "upstream_callback"),
    ("/recover", ("GET", "POST"), "recover"),
    ("/recover/password", ("GET", "POST"), "recover_password"),
    ("/recover/wait", ("GET", "POST"), "recover_wait"),
    ("/recover/stop", ("GET", "POST"), "recover_stop"),
    ("/recover/code", ("GET", "POST"), "recover_code"),
    ("/factor", ("GET", "POST"), "factor"),
    ("/factor/passkey", ("POST",), "factor_passkey"),
    ("/factor/push", ("POST",), "factor_push"),
    ("/factor/push/state", ("GET",), "factor_push_state"),
    ("/factor/none", ("GET", "POST"), "no_factor"),
    ("/enrol", ("GET", "POST"), "enrol"),
    ("/enrol/passkey", ("POST",), "enrol_passkey"),
    ("/takeover", ("GET", "POST"), "takeover"),
    ("/consent", ("GET", "POST"), "consent"),
    ("/approvals", ("GET",), "approvals"),
    ("/approvals/events", ("GET",), "approvals_events"),
    ("/approvals/worker.js", ("GET",), "approvals_worker"),
    ("/approvals/subscription", ("POST",), "approvals_subscription"),
    ("/approvals/{request_id}", ("GET",), "approval"),
    ("/approvals/{request_id}", ("POST",), "approval_answer"),
    ("/account", ("GET",), "account"),
    ("/account/sign-in", ("GET",), "account_sign_in"),
    ("/account/back", ("GET",), "account_back"),
    ("/account/session", ("GET",), "account_session"),
    ("/account/session/end", ("POST",), "account_session_end"),
    ("/account/devices", ("GET",), "account_devices"),
    ("/account/devices/one", ("GET",), "account_device"),
    ("/account/devices/rename", ("POST",), "account_device_rename"),
    ("/account/devices/forget", ("POST",), "account_device_forgotten"),
    ("/account/devices/remove", ("GET",), "account_device_remove"),
    ("/account/devices/remove", ("POST",), "account_device_removed"),
    ("/account/history", ("GET",), "account_history"),
    ("/account/history/not-me", ("GET",), "account_not_me"),
    ("/account/history/not-me", ("POST",), "account_not_me_said"),
    ("/account/places", ("GET",), "account_places"),
    ("/account/apps", ("GET",), "account_apps"),
    ("/account/apps/disconnect", ("GET",), "account_app"),
    ("/account/apps/disconnect", ("POST",), "account_app_disconnect"),
    ("/account/requests", ("GET", "POST"), "account_requests"),
    ("/account/requests/events", ("GET",), "account_requests_events"),
    ("/account/password", ("GET", "POST"), "account_password"),
    ("/account/factors", ("GET",), "account_factors"),
    ("/account/factors/rename", ("POST",), "account_factor_rename"),
    ("/account/factors/remove", ("GET",), "account_factor_remove"),
    ("/account/factors/remove", ("POST",), "account_factor_removed"),
    ("/account/recovery/stop", ("POST",), "account_recovery_stop"),
    ("/account/approvals", ("POST",), "account_approval_device"),
    ("/account/approvals/rename", ("POST",), "account_approval_device_rename"),
    ("/account/links", ("GET",), "account_links"),
    ("/account/links/connect", ("GET",), "account_link_connect"),
    ("/account/links/remove", ("GET",), "account_link_remove"),
    ("/account/links/remove", ("POST",), "account_link_removed"),
    ("/account/phone", ("GET", "POST"), "account_phone"),
    ("/account/passkey", ("POST",), "account_passkey"),
    ("/account/recovery-codes", ("POST",), "account_recovery_codes"),
    ("/account/authenticator", ("POST",), "account_authenticator"),
    ("/account/authenticator/confirm", ("POST",), "account_authenticator_confirm"),
    ("/account/confirm", ("GET", "POST"), "account_confirm"),
    ("/account/confirm/passkey", ("POST",), "account_confirm_passkey"),
    ("/account/confirm/push", ("POST",), "account_confirm_push"),
    ("/account/confirm/push/state", ("GET",), "account_confirm_push_state"),
    ("/account/notices", ("GET", "POST"), "account_notices"),
    ("/account/language", ("GET", "POST"), "account_language"),
    ("/text-messages/twilio/{message}", ("POST",), "text_receipts"),
    ("/account/feedback", ("GET", "POST"), "account_feedback"),
    ("/session/status", ("GET",), "session_status"),
    ("/device_authorization", ("POST",), "device_authorization"),
    ("/device", ("GET", "POST"), "device"),
    ("/bc-authorize", ("POST",), "backchannel_authentication"),
    ("/register", ("POST",), "registration"),
    ("/register/{client_id}", ("GET", "PUT", "DELETE"), "registration_managed"),
    ("/help", ("GET",), "help"),
    ("/help/{code}", ("GET",), "help_entry"),
    ("/end-session", ("GET", "POST"), "end_session"),
    ("/end-session/confirm", ("POST",), "end_session_confirm"),
    ("/not-me", ("GET", "POST"), "not_me"),
    ("/.well-known/ssf-configuration", ("GET",), "signals_metadata"),
    ("/signals/streams", ("GET", "POST", "PATCH", "PUT", "DELETE"), "signals_streams"),
    ("/signals/status", ("GET", "POST"), "signals_status"),
    ("/signals/verify", ("POST",), "signals_verify"),
    ("/signals/subjects/add", ("POST",), "signals_subjects_add"),
    ("/signals/subjects/remove", ("POST",), "signals_subjects_remove"),
    ("/signals/poll/{stream_id}", ("POST",), "signals_poll"),
    ("/signals/receive/{transmitter_id}", ("POST",), "signals_receive"),
)
"""Path, methods, and the name of the endpoint in the composition root."""

OFTEN = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/jwks",
    "/token",
    "/introspect",
    "/userinfo",
    "/revoke",
)
"""What programs ask for most. None of the answers is a stream."""
ASSETS = "/assets"
HELP = "/help"


def routes(endpoints: Mapping[str, Endpoint], assets: ASGIApp) -> list[BaseRoute]:
    """The table over these endpoints. Raises `KeyError` where one is missing."""
    rows: list[BaseRoute] = [
        Route(path, _as_function(endpoints[name]), methods=list(methods)) for path, methods, name in TABLE
    ]
    return [*rows, Mount(ASSETS, assets)]


def often(endpoints: Mapping[str, Endpoint]) -> Mapping[tuple[str, str], Endpoint]:
    """The endpoints of what is asked for most, by method and path."""
    rows = [(path, methods, name) for path, methods, name in TABLE if path in OFTEN]
    return {(method, path): endpoints[name] for path, methods, name in rows for method in methods}


def _as_function(endpoint: Endpoint) -> Endpoint:
    """Starlette takes an object that can be called for an ASGI application; ours are endpoints."""

    async def answer(request: Request) -> Response:
        return await endpoint(request)

    return answer
