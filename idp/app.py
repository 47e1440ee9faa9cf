"""The composition root of the identity provider: everything it is made of, in one visible list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from config.client_address import ClientAddresses
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.problem import Problem
from config.public_http import PublicHttpProtocol
from config.serving import serve_application
from config.settings import Settings
from config.web import web_application
from events import outbox
from events.subscription import Subscription
from idp.credentials.throttle import Throttle
from idp.endpoints.account.sign_in import CLIENT_ID as ACCOUNT
from idp.endpoints.authorization import AuthorizationEndpoint
from idp.endpoints.backchannel_authentication import BackchannelAuthenticationEndpoint
from idp.endpoints.backchannel_notices import BackchannelNotices
from idp.endpoints.bearer import AccessTokens
from idp.endpoints.client_answers import ClientAnswers
from idp.endpoints.client_certificate import FromCertificate
from idp.endpoints.client_requests import ClientRequests
from idp.endpoints.cross_origin import CrossOrigin
from idp.endpoints.device.authorization import DeviceAuthorizationEndpoint
from idp.endpoints.discovery import DiscoveryEndpoint, JwksEndpoint
from idp.endpoints.end_session import EndSessionEndpoint
from idp.endpoints.help_support import HelpSupport
from idp.endpoints.id_token_hints import IdTokenHints
from idp.endpoints.introspection import IntrospectionEndpoint
from idp.endpoints.login.dispatcher import Dispatcher
from idp.endpoints.login.query_metrics import LoginQueries
from idp.endpoints.problem_page import ProblemPage, UnexpectedPage
from idp.endpoints.pushed_authorization_request import PushedAuthorizationRequestEndpoint
from idp.endpoints.request_objects import RequestObjects
from idp.endpoints.response_headers import ResponseHeaders
from idp.endpoints.revocation import RevocationEndpoint
from idp.endpoints.signed_answers import SignedAnswers
from idp.endpoints.subjects import Subjects
from idp.endpoints.token import TokenEndpoint
from idp.endpoints.userinfo import UserInfoEndpoint
from idp.endpoints.whereabouts import FromWhere
from idp.grants.authorization_code import AuthorizationCode
from idp.grants.ciba import Ciba
from idp.grants.client_credentials import ClientCredentials
from idp.grants.device_code import DeviceCode
from idp.grants.joining import Joining
from idp.grants.refresh_token import RefreshToken
from idp.grants.token_exchange import TokenExchange
from idp.parts import Parts, build_parts
from idp.people import people_endpoints
from idp.registering import registration_endpoints
from idp.routes import HELP, Endpoint, routes
from idp.storage import (
    codes,
    consents,
    directory,
    logins,
    machine_sessions,
    pending_grants,
    preferences,
    pushed_requests,
    refresh_families,
    session_clients,
    sessions,
)
from idp.storage import subjects as people_now
from idp.the_end import end_endpoints
from idp.tokens.issue import Mint
from idp.way_in import remembering
from jose.key_keeper import watch as watch_keys
from pages.help.help_pages import HelpPages


def protocol_endpoints(parts: Parts) -> Mapping[str, Endpoint]:
    """The endpoints of OAuth and OpenID Connect, and the dispatcher."""
    idp = parts.settings.idp
    throttle = Throttle(parts.valkey)
    hints = IdTokenHints(parts.issuer, parts.keys.ring, parts.subject_identifiers)
    requests = ClientRequests(parts.issuer, parts.clients, parts.database, throttle, parts.client_proofs)
    tokens = AccessTokens(parts.issuer, parts.keys.ring, sessions, machine_sessions, parts.clock)
    subjects = Subjects(people_now)
    signed_answers = SignedAnswers(parts.issuer, parts.keys.ring, parts.clock)
    login_lifetime = timedelta(seconds=idp.login_lifetime)
    joining = Joining(
        refresh_families,
        session_clients,
        parts.entropy,
        refresh_token_lifetime=timedelta(seconds=idp.refresh_token_lifetime),
    )
    answers = ClientAnswers(parts.pages)
    objects = RequestObjects(
        keys=parts.client_keys, fetch=parts.outbound.fetch, throttle=throttle, issuer=parts.issuer, clock=parts.clock
    )
    # whose requests are made by the product itself, and never by a client that could push them
    ours = frozenset({parts.settings.gateway.client_id, ACCOUNT})
    helped = HelpPages(parts.pages, HelpSupport(parts.arrivals, logins, parts.presence, parts.database, parts.clock))
    end_session = EndSessionEndpoint(
        clients=parts.clients,
        arrivals=parts.arrivals,
        one_session=parts.one_session,
        hints=hints,
        mac=parts.mac,
        hops=parts.hops,
        pages=parts.pages,
        database=parts.database,
        valkey=parts.valkey,
        clock=parts.clock,
    )
    return {
        "discovery": DiscoveryEndpoint(idp),
        "jwks": JwksEndpoint(parts.keys.ring),
        "authorization": AuthorizationEndpoint(
            clients=parts.clients,
            logins=logins,
            pushed=pushed_requests,
            objects=objects,
            answers=answers,
            hops=parts.hops,
            pages=parts.pages,
            database=parts.database,
            clock=parts.clock,
            entropy=parts.entropy,
            throttle=throttle,
            hints=hints,
            issuer=parts.issuer,
            login_lifetime=login_lifetime,
            must_push=lambda client_id: idp.require_pushed_authorization_requests and client_id not in ours,
        ),
        "pushed_authorization_request": PushedAuthorizationRequestEndpoint(
            requests=requests,
            objects=objects,
            hints=hints,
            proofs=parts.key_proofs,
            pushed=pushed_requests,
            throttle=throttle,
            database=parts.database,
            clock=parts.clock,
            entropy=parts.entropy,
            lifetime=timedelta(seconds=idp.pushed_request_lifetime),
        ),
        "dispatcher": parts.restart.around(
            Dispatcher(
                hops=parts.hops,
                logins=logins,
                codes=codes,
                clients=parts.clients,
                consents=consents,
                arrivals=parts.arrivals,
                database=parts.database,
                telling=parts.telling,
                remembered=remembering(parts),
                clock=parts.clock,
                entropy=parts.entropy,
                issuer=parts.issuer,
                throttle=throttle,
                code_lifetime=timedelta(seconds=idp.code_lifetime),
                login_lifetime=login_lifetime,
                answers=answers,
            )
        ),
        "token": TokenEndpoint(
            requests=requests,
            grants=(
                AuthorizationCode(codes, sessions, joining),
                RefreshToken(refresh_families, sessions, parts.successors),
                ClientCredentials(parts.machines),
                DeviceCode(pending_grants, sessions, joining),
                Ciba(pending_grants, sessions, joining),
                TokenExchange(tokens, sessions, joining),
            ),
            subjects=subjects,
            identifiers=parts.subject_identifiers,
            families=refresh_families,
            one_session=parts.one_session,
            mint=Mint(parts.issuer, parts.keys.ring, parts.entropy, access_token_lifetime=idp.access_token_lifetime),
            database=parts.database,
            valkey=parts.valkey,
            clock=parts.clock,
            entropy=parts.entropy,
            proofs=parts.key_proofs,
        ),
        "device_authorization": DeviceAuthorizationEndpoint(
            requests=requests,
            pending=pending_grants,
            throttle=throttle,
            database=parts.database,
            clock=parts.clock,
            entropy=parts.entropy,
            issuer=parts.issuer,
        ),
        "backchannel_authentication": BackchannelAuthenticationEndpoint(
            requests=requests,
            objects=objects,
            hints=hints,
            pending=pending_grants,
            directory=directory,
            notices=BackchannelNotices(
                queue=parts.queue,
                preferences=preferences,
                database=parts.database,
                valkey=parts.valkey,
                issuer=parts.issuer,
            ),
            throttle=throttle,
            database=parts.database,
            clock=parts.clock,
            entropy=parts.entropy,
        ),
        "userinfo": UserInfoEndpoint(
            tokens=tokens,
            subjects=subjects,
            clients=parts.clients,
            identifiers=parts.subject_identifiers,
            answers=signed_answers,
            proofs=parts.key_proofs,
            database=parts.database,
            clock=parts.clock,
        ),
        "revocation": RevocationEndpoint(
            requests=requests,
            tokens=tokens,
            families=refresh_families,
            machines=parts.machines,
            database=parts.database,
            valkey=parts.valkey,
            clock=parts.clock,
        ),
        "introspection": IntrospectionEndpoint(
            requests=requests,
            tokens=tokens,
            identifiers=parts.subject_identifiers,
            answers=signed_answers,
            families=refresh_families,
            database=parts.database,
            clock=parts.clock,
            issuer=parts.issuer,
        ),
        "help": helped.index,
        "help_entry": helped.entry,
        "end_session": end_session,
        "end_session_confirm": end_session.confirm,
        **registration_endpoints(parts, requests, throttle),
    }


def build_application(parts: Parts) -> ASGIApp:
    """The web application: routes, problems as pages, headers, correlation ids."""
    problems = ProblemPage(parts.pages)
    starlette = Starlette(
        routes=routes({**protocol_endpoints(parts), **people_endpoints(parts), **end_endpoints(parts)}, parts.assets),
        exception_handlers={Problem: problems, HTTPException: problems},
        middleware=[Middleware(UnexpectedPage, problems=problems)],
    )
    addresses = ClientAddresses(parts.settings.idp.trusted_proxies)
    where = FromWhere(LoginQueries(starlette), addresses=addresses, places=parts.places)
    certified = FromCertificate(
        CrossOrigin(where, registration=parts.settings.idp.registration != "off"),
        addresses=addresses,
        believed=parts.settings.idp.client_certificate_header,
    )
    return web_application(ResponseHeaders(certified, issuer=parts.issuer), help_at=parts.issuer + HELP)


@asynccontextmanager
async def running_caches(parts: Parts, stop: asyncio.Event) -> AsyncIterator[None]:
    """Keep the caches of this process true by events for as long as the context lasts, and the keys of tokens young."""

    def on_event(topic: str, payload: Mapping[str, object]) -> None:
        parts.keys.on_event(topic, payload)
        parts.clients.on_event(topic, payload)
        parts.rules.on_event(topic, payload)
        parts.faces.on_event(topic, payload)
        parts.offers.on_event(topic, payload)

    def on_reset() -> None:
        parts.keys.on_reset()
        parts.clients.on_reset()
        parts.rules.on_reset()
        parts.faces.on_reset()
        parts.offers.on_reset()

    subscription = Subscription(
        parts.valkey, parts.clock, on_event=on_event, on_heartbeat=lambda _moment: None, on_reset=on_reset
    )
    poke = partial(outbox.poke, parts.valkey)
    tasks = [
        asyncio.create_task(subscription.run(stop)),
        asyncio.create_task(parts.keys.follow()),
        asyncio.create_task(watch_keys(parts.key_keeper, parts.database, parts.clock, who="idp", poke=poke, stop=stop)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve on `idp.listen` until `stop` is set (docs/house.md, "Processes")."""
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    try:
        parts = await build_parts(settings, database, valkey, SystemClock(), SystemEntropy())
        try:
            async with running_caches(parts, stop):
                await serve_application(
                    build_application(parts),
                    settings.idp.listen,
                    ready=ready,
                    stop=stop,
                    http=PublicHttpProtocol,
                    ws="none",
                )
        finally:
            parts.passwords.close()
    finally:
        await valkey.aclose()
        await database.dispose()
