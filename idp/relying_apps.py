"""The part of the composition root that relying apps speak to: OAuth, OpenID Connect, the way through a login."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from config.direct import looking, sharing
from config.looking import Looking
from config.together import Together
from idp.approving import behind_the_back
from idp.credentials.throttle import Throttle
from idp.endpoints.account.sign_in import CLIENT_ID as ACCOUNT
from idp.endpoints.authorization import AuthorizationEndpoint
from idp.endpoints.backchannel_authentication import BackchannelAuthenticationEndpoint
from idp.endpoints.backchannel_notices import BackchannelNotices
from idp.endpoints.bearer import AccessTokens
from idp.endpoints.client_answers import ClientAnswers
from idp.endpoints.client_requests import ClientRequests
from idp.endpoints.device.authorization import DeviceAuthorizationEndpoint
from idp.endpoints.discovery import DiscoveryEndpoint, JwksEndpoint
from idp.endpoints.end_session import EndSessionEndpoint
from idp.endpoints.id_token_hints import IdTokenHints
from idp.endpoints.introspection import IntrospectionEndpoint
from idp.endpoints.login.dispatcher import Dispatcher
from idp.endpoints.pushed_authorization_request import PushedAuthorizationRequestEndpoint
from idp.endpoints.request_objects import RequestObjects
from idp.endpoints.revocation import RevocationEndpoint
from idp.endpoints.signed_answers import SignedAnswers
from idp.endpoints.subjects import Subjects
from idp.endpoints.token import TokenEndpoint
from idp.endpoints.userinfo import UserInfoEndpoint
from idp.endpoints.whose_browser import WhoseBrowser
from idp.grants.asking import Asking
from idp.grants.authorization_code import AuthorizationCode
from idp.grants.ciba import Ciba
from idp.grants.client_credentials import ClientCredentials
from idp.grants.device_code import DeviceCode
from idp.grants.joining import Joining
from idp.grants.refresh_token import RefreshToken
from idp.grants.token_exchange import TokenExchange
from idp.parts import Parts
from idp.registering import registration_endpoints
from idp.routes import Endpoint
from idp.storage import (
    clients,
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
from idp.tokens.issue import Mint
from idp.way_in import remembering
from pages.help.help_pages import HelpPages


def whose_browser(parts: Parts) -> WhoseBrowser:
    """Whose pages somebody sees who may have nothing but a browser."""
    return WhoseBrowser(parts.arrivals, logins, parts.presence, parts.database, parts.clock)


def protocol_endpoints(parts: Parts) -> Mapping[str, Endpoint]:
    """The endpoints of OAuth and OpenID Connect, and the dispatcher."""
    idp = parts.settings.idp
    throttle = Throttle(parts.valkey)
    hints = IdTokenHints(parts.issuer, parts.keys.ring, parts.subject_identifiers)
    requests = ClientRequests(parts.issuer, parts.clients, parts.database, throttle, parts.client_proofs)
    tokens = AccessTokens(
        parts.issuer, parts.keys.ring, sessions, machine_sessions, parts.subject_identifiers, parts.clock
    )
    subjects = Subjects(people_now)
    signed_answers = SignedAnswers(parts.issuer, parts.keys.ring, parts.clock)
    login_lifetime = timedelta(seconds=idp.login_lifetime)
    joining = Joining(
        refresh_families,
        session_clients,
        parts.entropy,
        refresh_token_lifetime=timedelta(seconds=idp.refresh_token_lifetime),
    )
    answers = ClientAnswers(parts.pages, parts.keys.ring, parts.clock)
    look = Looking(partial(looking, parts.database))
    objects = RequestObjects(
        keys=parts.published_keys,
        fetch=parts.outbound.fetch,
        throttle=throttle,
        issuer=parts.issuer,
        clock=parts.clock,
    )
    # whose requests are made by the product itself, and never by a client that could push them
    ours = frozenset({parts.settings.gateway.client_id, ACCOUNT})
    helped = HelpPages(parts.pages, whose_browser(parts).asked)
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
            described=parts.described,
            issuer=parts.issuer,
            login_lifetime=login_lifetime,
            must_push=lambda client_id: idp.require_pushed_authorization_requests and client_id not in ours,
        ),
        "pushed_authorization_request": PushedAuthorizationRequestEndpoint(
            requests=requests,
            objects=objects,
            hints=hints,
            described=parts.described,
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
                TokenExchange(
                    tokens,
                    clients,
                    sessions,
                    parts.machines,
                    joining,
                    gateway=parts.settings.gateway.client_id,
                ),
            ),
            subjects=subjects,
            identifiers=parts.subject_identifiers,
            families=refresh_families,
            one_session=parts.one_session,
            mint=Mint(parts.issuer, parts.keys.ring, parts.entropy, access_token_lifetime=idp.access_token_lifetime),
            database=parts.database,
            together=Together(partial(sharing, parts.database)),
            valkey=parts.valkey,
            clock=parts.clock,
            entropy=parts.entropy,
            proofs=parts.key_proofs,
            described=parts.described,
        ),
        "device_authorization": DeviceAuthorizationEndpoint(
            requests=requests,
            described=parts.described,
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
            described=parts.described,
            pending=pending_grants,
            directory=directory,
            notices=BackchannelNotices(
                asking=Asking(requests=pending_grants, clocks=preferences, queue=parts.queue, issuer=parts.issuer),
                behind=behind_the_back(parts),
                database=parts.database,
                valkey=parts.valkey,
                clock=parts.clock,
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
            looking=look,
            clock=parts.clock,
        ),
        "revocation": RevocationEndpoint(
            requests=requests,
            tokens=tokens,
            families=refresh_families,
            sessions=parts.one_session,
            machines=parts.machines,
            access_token_lifetime=timedelta(seconds=idp.access_token_lifetime),
            database=parts.database,
            valkey=parts.valkey,
            clock=parts.clock,
        ),
        "introspection": IntrospectionEndpoint(
            requests=requests,
            tokens=tokens,
            clients=parts.clients,
            identifiers=parts.subject_identifiers,
            answers=signed_answers,
            families=refresh_families,
            looking=look,
            clock=parts.clock,
            issuer=parts.issuer,
        ),
        "help": helped.index,
        "help_entry": helped.entry,
        "end_session": end_session,
        "end_session_confirm": end_session.confirm,
        **registration_endpoints(parts, requests, throttle),
    }
