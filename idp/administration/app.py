"""The composition root of the identity administration API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from starlette.routing import Router
from starlette.types import ASGIApp

from audit import key_trail
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.outbound import Fetch, Outbound
from config.serving import serve_application
from config.settings import Settings
from idp.administration.acts import Acts
from idp.administration.authentication_acts import AuthenticationActs
from idp.administration.authentication_endpoints import DETAILS, AuthenticationEndpoints
from idp.administration.client_acts import ClientActs
from idp.administration.client_endpoints import ClientEndpoints
from idp.administration.domain_acts import DomainActs
from idp.administration.domain_checks import DomainChecks
from idp.administration.domain_endpoints import DomainEndpoints
from idp.administration.endpoints import IdentityApi, nothing_here
from idp.administration.entrance import Admission
from idp.administration.import_acts import ImportActs
from idp.administration.import_endpoints import ImportEndpoints
from idp.administration.initial_token_acts import InitialTokenActs
from idp.administration.key_acts import KeyActs
from idp.administration.key_endpoints import KeyEndpoints
from idp.administration.person_acts import PersonActs
from idp.administration.programme_app import programme_operations
from idp.administration.provider_acts import ProviderActs
from idp.administration.provider_endpoints import ProviderEndpoints
from idp.administration.reading import Reading
from idp.administration.reset_acts import ResetActs
from idp.administration.reset_endpoints import ResetEndpoints
from idp.administration.resource_acts import ResourceActs
from idp.administration.resource_endpoints import ResourceEndpoints
from idp.administration.transmitter_endpoints import TransmitterEndpoints
from idp.administration.transmitters import Transmitters
from idp.factors.metadata_file import MetadataFile, metadata_file
from idp.federation.targets import Targets
from idp.person_told import PersonTold
from idp.registrars import own_clients, registrar
from idp.resources.keeper import ResourceKeeper
from idp.sessions.not_me import NotMe
from idp.sessions.one_session import OneSession
from idp.sessions.relying_parties import RelyingParties
from idp.sessions.session import SessionTimes
from idp.sessions.signals.changes import ChangeSignals
from idp.storage import (
    administered_deliveries,
    administered_history,
    administered_organisations,
    administered_people,
    administered_session,
    administered_sessions,
    assisted_resets,
    client_register,
    deliveries,
    directory,
    factor_reset,
    hit_people,
    imports,
    imports_removed,
    initial_access_tokens,
    login_rules,
    logins,
    not_me_links,
    organisation_authentication,
    preferences,
    resource_servers,
    role_news,
    secrets,
    sessions,
    sign_in_history,
    signal_transmitters,
    supported_people,
    upstream_providers,
)
from jose.entrance import Entrance
from jose.key_keeper import KeyKeeper
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from notifications.queue import Queue

SERVICE: Final = "administration"


class _Sessions:
    """Live sessions as administrators look at them, and single ones."""

    live = staticmethod(administered_sessions.live)
    find = staticmethod(sessions.find)
    document = staticmethod(administered_session.document)


def application(
    settings: Settings,
    database: Database,
    valkey: Valkey,
    envelope: Envelope,
    clock: Clock,
    entropy: Entropy,
    *,
    fetch: Fetch | None = None,
    models: MetadataFile | None = None,
) -> ASGIApp:
    """The API, without its entrance. `fetch`: how files of domains are looked at, otherwise as the settings say;
    `models`: what is known of models of passkeys, otherwise nothing is."""
    models = models or MetadataFile(None, roots=None, signer="", clock=clock)
    queue, not_me = Queue(envelope, clock, entropy), NotMe(not_me_links, entropy, settings.idp.issuer)
    times = SessionTimes(
        idle_timeout=timedelta(seconds=settings.session.idle_timeout),
        absolute_lifetime=timedelta(seconds=settings.session.absolute_lifetime),
    )
    person_told = PersonTold(directory=directory, preferences=preferences, not_me=not_me, queue=queue)
    one_session = OneSession(sessions, times, clock, entropy, (RelyingParties(deliveries, entropy), person_told))
    looked_at = _Sessions()
    acts = Acts(
        database=database,
        valkey=valkey,
        clock=clock,
        one_session=one_session,
        sessions=looked_at,
        organisations=administered_organisations,
        deliveries=administered_deliveries,
        directory=directory,
        rules=login_rules,
    )
    person_acts = PersonActs(
        database=database,
        valkey=valkey,
        clock=clock,
        one_session=one_session,
        signals=ChangeSignals(deliveries, clock, entropy),
        queue=queue,
        people=administered_people,
        directory=directory,
        factors=factor_reset,
        logins=logins,
        clocks=preferences,
        alone=settings.idp.single_administrator_resets,
    )
    reset_acts = ResetActs(
        database=database,
        valkey=valkey,
        clock=clock,
        entropy=entropy,
        queue=queue,
        people=administered_people,
        directory=directory,
        resets=assisted_resets,
        sessions=sessions,
        clocks=preferences,
        issuer=settings.idp.issuer,
    )
    reading = Reading(
        database=database,
        clock=clock,
        people=administered_people,
        sessions=looked_at,
        sign_ins=sign_in_history,
        organisations=administered_organisations,
        deliveries=administered_deliveries,
        history=administered_history,
        models=models,
    )
    transmitters = TransmitterEndpoints(
        Transmitters(
            database=database,
            storage=signal_transmitters,
            envelope=envelope,
            clock=clock,
            entropy=entropy,
            issuer=settings.idp.issuer,
        )
    )
    admission = Admission(database, administered_people, supported_people, role_news, clock)
    client_acts = ClientActs(
        database=database,
        valkey=valkey,
        clock=clock,
        registrar=registrar(settings, clock, entropy),
        register=client_register,
        operator=settings.policy.operator,
        own=own_clients(settings),
    )
    token_acts = InitialTokenActs(
        database=database,
        clock=clock,
        entropy=entropy,
        initial_tokens=initial_access_tokens,
        operator=settings.policy.operator,
    )
    provider_acts = ProviderActs(
        database=database,
        valkey=valkey,
        clock=clock,
        entropy=entropy,
        envelope=envelope,
        providers=upstream_providers,
        targets=Targets.of(settings.idp.issuer),
        issuer=settings.idp.issuer,
    )
    resource_acts = ResourceActs(
        database=database,
        valkey=valkey,
        resources=resource_servers,
        keeper=ResourceKeeper(
            resources=resource_servers,
            clock=clock,
            entropy=entropy,
            longest=int(settings.idp.access_token_lifetime),
        ),
        operator=settings.policy.operator,
    )
    domain_acts = DomainActs(
        database=database,
        valkey=valkey,
        clock=clock,
        providers=upstream_providers,
        operator=settings.policy.operator,
    )
    domain_checks = DomainChecks(
        database=database,
        valkey=valkey,
        clock=clock,
        entropy=entropy,
        envelope=envelope,
        secrets=secrets,
        providers=upstream_providers,
        fetch=fetch or Outbound.of(settings).fetch,
    )
    keys = SigningKeys(envelope)
    key_acts = KeyActs(
        database=database,
        valkey=valkey,
        clock=clock,
        keys=keys,
        keeper=KeyKeeper("token", keys, Schedule.of(settings), key_trail.tell),
        operator=settings.policy.operator,
    )
    more = {
        **programme_operations(settings, database, valkey, envelope, clock, entropy, queue),
        **transmitters.operations(),
        **ClientEndpoints(client_acts, token_acts).operations(),
        **ProviderEndpoints(provider_acts, domain_checks).operations(),
        **ResourceEndpoints(resource_acts).operations(),
        **DomainEndpoints(domain_acts).operations(),
        **KeyEndpoints(key_acts).operations(),
        **ResetEndpoints(reset_acts).operations(),
        **AuthenticationEndpoints(
            AuthenticationActs(
                database=database,
                valkey=valkey,
                clock=clock,
                rules=organisation_authentication,
                people=hit_people,
                models=models,
            )
        ).operations(),
        **ImportEndpoints(
            ImportActs(database=database, clock=clock, batches=imports, removals=imports_removed)
        ).operations(),
    }
    api = IdentityApi(admission, reading, acts, person_acts, more, DETAILS)
    return Router(api.routes(), redirect_slashes=False, default=nothing_here)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the API on `run/administration.sock` until `stop` is set."""
    clock, envelope = SystemClock(), Envelope.load(settings)
    keys = SigningKeys(envelope)
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    try:
        entrance = await Entrance.open(SERVICE, database, keys.assertion_keys, clock)
        models = metadata_file(settings, clock)
        await models.look()
        api = application(settings, database, valkey, envelope, clock, SystemEntropy(), models=models)
        app = entrance.around(api)
        fresh = asyncio.create_task(entrance.keep_keys_fresh())
        looking = asyncio.create_task(models.keep(stop))
        try:
            await serve_application(app, f"unix:{settings.upstream_socket(SERVICE)}", ready=ready, stop=stop)
        finally:
            fresh.cancel()
            looking.cancel()
    finally:
        await database.dispose()
        await valkey.aclose()
