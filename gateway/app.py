"""The composition root of the gateway: one visible list of what stands in this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import httpx2
from prometheus_client import REGISTRY
from sqlalchemy.exc import SQLAlchemyError

from audit import key_trail
from audit.segments import SegmentWriter
from config.client_address import ClientAddresses
from config.client_secret import load_client_secret
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.health import publish
from config.places import Places
from config.replays import Replays
from config.settings import Settings
from events import outbox
from events.subscription import Subscription
from gateway.assertion_keys import AssertionKeys
from gateway.callers.cookie_check import CookieCheck
from gateway.callers.cookie_upkeep import CookieUpkeep
from gateway.callers.key_check import KeyCheck, nonces_of
from gateway.callers.token_check import TokenCheck
from gateway.decision.decision_log import DecisionLog
from gateway.decision.judge import Judge
from gateway.decision.live_check import LEASE_EVERY, LiveCheck
from gateway.decision.live_connections import LiveConnections
from gateway.doors.server import open_doors
from gateway.key_news import PROVIDER_AGAIN, KeyNews
from gateway.limits.connections import PerAddress
from gateway.limits.limiting import Limiting
from gateway.limits.metrics import LimitMetrics
from gateway.listening.certificates import Certificates
from gateway.metrics import GatewayMetrics
from gateway.news import News
from gateway.pipeline import Pipeline
from gateway.proxy.door import Door
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.server import serve as serve_door
from gateway.proxy.watch import Watch
from gateway.relying_party.beginnings import Beginnings
from gateway.relying_party.provider import Provider, ProviderUnreachable
from gateway.relying_party.refresh import TokenRefresh
from gateway.relying_party.sign_in import SignInFlow
from gateway.relying_party.sign_out import SignOut
from gateway.resource_metadata import ResourceMetadata
from gateway.rounds import every
from gateway.routes.route_file import SHIPPED, load_route_table
from gateway.routes.route_reload import RouteReload
from gateway.routes.route_table import RouteTable
from gateway.session_pages.app import SessionPages
from gateway.session_pages.status import SessionStatus
from gateway.session_pages.visitor import Visitors
from gateway.session_pages.watch import SessionWatch
from gateway.sessions.activity import Activity
from gateway.sessions.probe import ANNOUNCE_EVERY, ProbeWatch
from gateway.sessions.session_check import SessionCheck
from gateway.step_up.page import StepUpPages
from gateway.storage.cookie_sessions import CookieSessions
from gateway.storage.described_hosts import DescribedHosts
from gateway.storage.known_provider import KnownProviders
from gateway.storage.sign_ins import SignIns
from gateway.telemetry.opening import open_telemetry
from gateway.upstream_assertion import UpstreamAssertion
from gateway.upstream_metrics import UpstreamMetrics
from gateway.vouching.upstream_tokens import UpstreamTokens
from jose.assertion import AssertionSigner
from jose.key_keeper import KeyKeeper
from jose.key_keeper import watch as watch_keys
from jose.keys import KeyRing
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from policy.live import LivePolicy
from policy.snapshot import Snapshot
from policy.storage.versions import PolicyVersions


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run the gateway until `stop` is set. `ready` is called once it takes connections.

    Raises `RouteTableError`, `WrongSettings`, or what the engines raise when they do not answer at the start.
    """
    async with contextlib.AsyncExitStack() as opened:
        clock, entropy = SystemClock(), SystemEntropy()
        envelope = Envelope.load(settings)
        database = open_database(settings, "gateway")
        opened.push_async_callback(database.dispose)
        valkey = open_valkey(settings)
        opened.push_async_callback(valkey.aclose)
        http = await opened.enter_async_context(httpx2.AsyncClient(timeout=5, trust_env=False))
        segments = SegmentWriter(settings, "gateway", clock)
        opened.push_async_callback(segments.close)

        certificates = Certificates.of(settings.gateway)
        route_file = settings.gateway.routes or SHIPPED
        load_routes = partial(load_route_table, runtime=settings.runtime, port=settings.gateway.port)
        table = load_routes(route_file)
        cookie_sessions, sign_ins, known_providers = CookieSessions(), SignIns(), KnownProviders()
        signing_keys, policy_versions = SigningKeys(envelope), PolicyVersions()

        async def remember_provider(metadata: Mapping[str, Any], jwks: Mapping[str, Any]) -> None:
            with contextlib.suppress(SQLAlchemyError, OSError):  # it is known here all the same
                async with database.begin() as tx:
                    await known_providers.remember(
                        tx, settings.idp.issuer, metadata=metadata, jwks=jwks, now=clock.now()
                    )

        client_secret = load_client_secret(settings).get_secret_value()
        provider = Provider(
            issuer=settings.idp.issuer,
            client_id=settings.gateway.client_id,
            client_secret=client_secret,
            http=http,
            clock=clock,
            remember=remember_provider,
        )
        async with database.begin() as tx:
            ring = await signing_keys.ensure_active(tx, "assertion", clock.now())
            signer, assertion_keys = AssertionSigner(ring), AssertionKeys(ring)
            if (known := await known_providers.find(tx, settings.idp.issuer)) is not None:
                with contextlib.suppress(ProviderUnreachable):  # what is of no use is fetched anew
                    provider.learn(*known)

        tokens = TokenCheck(
            issuer=settings.idp.issuer, keys=lambda: provider.keys, scheme=settings.gateway.origin_scheme
        )
        provider.on_keys.append(tokens.forget_all)
        sessions = SessionCheck(valkey=valkey, clock=clock, lease=settings.gateway.lease)
        cookies = CookieCheck(
            database=database,
            storage=cookie_sessions,
            envelope=envelope,
            clock=clock,
            tokens=tokens,
            fetch_keys=provider.fetch,
        )
        provider.on_keys.append(lambda: cookies.keys_changed(provider.keys))
        judge = Judge(table.networks, Places.load(settings))
        live, watch = LiveConnections(), SessionWatch()
        live_check = LiveCheck(live=live, sessions=sessions, judge=judge, clock=clock)
        activity = Activity(valkey=valkey, clock=clock)
        upkeep = CookieUpkeep(
            database=database,
            cookie_sessions=cookie_sessions,
            sign_ins=sign_ins,
            cookies=cookies,
            clock=clock,
        )
        sessions.on_ended += [live_check.session_ended, watch.ended, upkeep.ended]
        cookies.on_forgotten.append(live_check.session_changed)
        sessions.on_changed += [live_check.session_changed, watch.changed]

        def policy_taken_up(fresh: Snapshot) -> None:
            former, judge.snapshot = judge.snapshot, fresh
            live_check.policy_changed(fresh, former)

        policy = LivePolicy(
            database,
            policy_versions,
            lambda tx: signing_keys.public_keys(tx, "policy"),
            clock,
            taken_up=policy_taken_up,
        )
        await policy.refresh()

        async def assertion_ring() -> KeyRing:
            async with database.connect() as tx:
                return await signing_keys.load_ring(tx, "assertion")

        key_news = KeyNews(
            provider=provider,
            signer=signer,
            published=assertion_keys,
            read_ring=assertion_ring,
            policy_changed=policy.changed,
        )
        keeper = KeyKeeper("assertion", signing_keys, Schedule.of(settings), key_trail.tell)
        metadata = ResourceMetadata(
            hosts=DescribedHosts(),
            database=database,
            clock=clock,
            scheme=settings.gateway.origin_scheme,
            issuer=settings.idp.issuer,
        )
        news = News(
            sessions=sessions,
            policy_changed=policy.changed,
            keys_changed=key_news.told,
            resources_changed=metadata.changed,
            attempted=watch.attempted,
        )
        probe = ProbeWatch(name=f"{platform.node()}:{os.getpid()}", valkey=valkey, clock=clock, sessions=sessions)
        sessions.on_probe = probe.began
        opened.push_async_callback(probe.leave)
        subscription = Subscription(
            valkey,
            clock,
            on_event=news.event,
            on_heartbeat=news.heartbeat,
            on_reset=news.reset,
        )
        refresh = TokenRefresh(
            provider=provider,
            tokens=tokens,
            database=database,
            storage=cookie_sessions,
            envelope=envelope,
            clock=clock,
            on_ended=cookies.forget,
            on_changed=live_check.session_changed,
        )
        proofs = Replays(valkey, "gateway-dpop")
        await proofs.begin(clock.timestamp())
        limiting = Limiting(
            valkey=valkey, clock=clock, sheds=settings.gateway.shedding, enter=settings.gateway.shed_above
        )
        pipeline = Pipeline(
            clock=clock,
            table=table,
            scheme=settings.gateway.origin_scheme,
            tokens=tokens,
            cookies=cookies,
            refresh=refresh,
            provider=provider,
            sessions=sessions,
            assertion=UpstreamAssertion(signer),
            upstream_tokens=UpstreamTokens(provider=provider, clock=clock, own_token=cookies.access_token),
            live=live_check,
            activity=activity,
            log=DecisionLog(segments.append),
            judge=judge,
            idle_timeout=settings.session.idle_timeout,
            keys=KeyCheck(
                replays=proofs,
                nonces=nonces_of(client_secret),
                clock=clock,
                scheme=settings.gateway.origin_scheme,
            ),
            metadata=metadata,
            limiting=limiting,
            assertion_keys=assertion_keys,
        )
        visitors = Visitors(cookies=cookies, sessions=sessions, clock=clock, scheme=settings.gateway.origin_scheme)
        sign_out = SignOut(
            provider=provider,
            cookies=cookies,
            database=database,
            storage=cookie_sessions,
            envelope=envelope,
            clock=clock,
        )
        pages = SessionPages(
            visitors=visitors,
            status=SessionStatus(
                visitors=visitors,
                sessions=sessions,
                watch=watch,
                activity=activity,
                clock=clock,
                settings=settings.session,
                table=lambda: pipeline.table,
            ),
            flow=SignInFlow(
                provider=provider,
                tokens=tokens,
                beginnings=Beginnings(valkey),
                database=database,
                sign_ins=sign_ins,
                cookie_sessions=cookie_sessions,
                envelope=envelope,
                clock=clock,
                entropy=entropy,
                scheme=settings.gateway.origin_scheme,
                lifetime=timedelta(seconds=settings.session.absolute_lifetime),
                on_replaced=cookies.moved,
                wants_email=lambda: pipeline.table.wants_email,
            ),
            sign_out=sign_out,
            issuer=settings.idp.issuer,
            support=settings.support,
        )
        opened.callback(publish("/assertion-keys", "application/jwk-set+json", lambda: assertion_keys.document))
        telemetry = await opened.enter_async_context(
            open_telemetry(settings.gateway, clock=clock, entropy=entropy, http=http)
        )
        telemetry.use_table(table)
        metrics = GatewayMetrics(
            sessions=sessions,
            live=live,
            judge=judge,
            table=lambda: pipeline.table,
            clock=clock,
            clients=lambda: door.clients,
        )
        REGISTRY.register(metrics)
        opened.callback(REGISTRY.unregister, metrics)
        told = settings.gateway
        limits, ticking = Limits(body=told.body, head=told.head, headers=told.headers), Watch()
        door = Door(
            pipeline=pipeline,
            own_pages=StepUpPages(pages.app()),
            pools=Pools(table.upstreams.values(), limits=limits, watch=ticking),
            entropy=entropy,
            watch=ticking,
            limits=limits,
            addresses=ClientAddresses(settings.gateway.trusted_proxies),
            scheme=settings.gateway.origin_scheme,
            certificates=settings.gateway.client_certificate_header,
            per_address=PerAddress(settings.gateway.connections_per_address),
            telemetry=telemetry,
        )
        limit_metrics = LimitMetrics(limiting=limiting, door=door)
        REGISTRY.register(limit_metrics)
        opened.callback(REGISTRY.unregister, limit_metrics)

        upstream_metrics = UpstreamMetrics(lambda: door.pools)
        REGISTRY.register(upstream_metrics)
        opened.callback(REGISTRY.unregister, upstream_metrics)

        def use_table(fresh: RouteTable) -> None:
            pipeline.use_table(fresh)
            telemetry.use_table(fresh)
            door.use_upstreams(fresh.upstreams.values())
            live_check.again.set()

        async def renew_tokens() -> None:
            await refresh.refresh_expiring(cookies.known(), live.sessions())

        drained = asyncio.Event()  # what feeds the pipeline works on until the last exchange is over

        async def at_the_door() -> None:
            try:
                async with open_doors(door, settings.gateway, lambda host: pipeline.table.authorities.get(host)):
                    await serve_door(door, settings.gateway.listen, ready, stop, certificates=certificates)
            finally:
                drained.set()

        async def let_pages_go() -> None:
            await stop.wait()
            watch.close()

        reload = RouteReload(route_file, load=load_routes, use=use_table, files=table.files)
        async with asyncio.TaskGroup() as tasks:
            if certificates is not None:
                reload.on_hangup.append(certificates.ask)
                tasks.create_task(certificates.follow(stop))
            tasks.create_task(subscription.run(drained))
            tasks.create_task(policy.follow(drained))
            tasks.create_task(activity.run(drained))
            tasks.create_task(limiting.run(drained))
            tasks.create_task(reload.follow(drained))
            tasks.create_task(every(PROVIDER_AGAIN, key_news.follow, drained, sooner=key_news.asked))
            tasks.create_task(
                watch_keys(keeper, database, clock, who="gateway", poke=partial(outbox.poke, valkey), stop=stop)
            )
            tasks.create_task(every(1.0, live_check.look, drained, sooner=live_check.again))
            tasks.create_task(every(LEASE_EVERY, live_check.watch_lease, drained))
            tasks.create_task(every(0.5, upkeep.end_with_sessions, drained))
            tasks.create_task(every(1.0, upkeep.look_for_ended_elsewhere, drained))
            tasks.create_task(every(60.0, upkeep.forget_over, drained))
            tasks.create_task(every(5.0, renew_tokens, drained))
            tasks.create_task(every(PROVIDER_AGAIN, sign_out.end_waiting, drained))
            tasks.create_task(every(ANNOUNCE_EVERY, probe.announce, drained))
            tasks.create_task(let_pages_go())
            tasks.create_task(at_the_door())
