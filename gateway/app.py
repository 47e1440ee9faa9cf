"""The composition root of the gateway: one visible list of what stands in this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from collections.abc import Callable
from functools import partial

from audit import key_trail
from config.client_address import ClientAddresses
from config.client_secret import load_client_secret
from config.health import publish, read_by_prometheus
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
from gateway.decision.overlay_metrics import OverlayMetrics
from gateway.decision.risk_news import INTERVAL as RISK_NEWS_EVERY
from gateway.decision.risk_news import RiskNews
from gateway.decision.shadow_metrics import ShadowMetrics
from gateway.decision.shadow_upkeep import LOOK_EVERY, WRITE_EVERY, ShadowUpkeep
from gateway.decision.shadowing import Shadowing
from gateway.decision.threat_feeds import LOOK_EVERY as FEEDS_EVERY
from gateway.decision.threat_feeds import Lists, ThreatFeeds
from gateway.doors.server import open_doors
from gateway.engines import open_engines
from gateway.key_news import PROVIDER_AGAIN, KeyNews
from gateway.limits.connections import PerAddress
from gateway.limits.limiting import Limiting
from gateway.limits.metrics import LimitMetrics
from gateway.listening.certificates import Certificates
from gateway.metrics import GatewayMetrics
from gateway.news import News
from gateway.own_pages import own_pages
from gateway.pipeline import Pipeline
from gateway.proxy.door import Door
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.server import serve as serve_door
from gateway.proxy.watch import Watch
from gateway.relying_party.refresh import TokenRefresh
from gateway.relying_party.sign_out import SignOut
from gateway.remembered_provider import remembered_provider
from gateway.resource_metadata import ResourceMetadata
from gateway.rounds import every
from gateway.routes.route_file import SHIPPED, load_route_table
from gateway.routes.route_reload import RouteReload
from gateway.routes.route_table import RouteTable
from gateway.session_pages.watch import SessionWatch
from gateway.sessions.activity import Activity
from gateway.sessions.probe import ANNOUNCE_EVERY, ProbeWatch
from gateway.sessions.session_check import SessionCheck
from gateway.storage.described_hosts import DescribedHosts
from gateway.telemetry.opening import open_telemetry
from gateway.upstream_assertion import UpstreamAssertion
from gateway.upstream_metrics import UpstreamMetrics
from gateway.vouching.upstream_tokens import UpstreamTokens
from jose.assertion import AssertionSigner
from jose.key_keeper import KeyKeeper
from jose.key_keeper import watch as watch_keys
from jose.keys import KeyRing
from jose.rotation import Schedule
from policy.live import LivePolicy
from policy.overlay.live import LOOK_EVERY as OVERLAY_EVERY
from policy.overlay.live import LiveOverlay
from policy.overlay.overlay import UNKNOWN, Overlay
from policy.reach import TELL_EVERY, Telling
from policy.snapshot import Snapshot
from policy.storage.overlay import OverlayStore
from policy.storage.reach import Reports
from policy.storage.shadows import PolicyShadows
from policy.storage.versions import PolicyVersions


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run the gateway until `stop` is set. `ready` is called once it takes connections.

    Raises `RouteTableError`, `WrongSettings`, or what the engines raise when they do not answer at the start.
    """
    async with contextlib.AsyncExitStack() as opened:
        engines = await opened.enter_async_context(open_engines(settings))
        clock, database, valkey = engines.clock, engines.database, engines.valkey
        cookie_sessions, signing_keys, envelope = engines.cookie_sessions, engines.signing_keys, engines.envelope
        scheme = settings.gateway.origin_scheme

        certificates = Certificates.of(settings.gateway)
        route_file = settings.gateway.routes or SHIPPED
        load_routes = partial(load_route_table, runtime=settings.runtime, port=settings.gateway.port)
        table = load_routes(route_file)
        client_secret = load_client_secret(settings).get_secret_value()
        provider = await remembered_provider(engines, client_secret=client_secret)
        async with database.begin() as tx:
            ring = await signing_keys.ensure_active(tx, "assertion", clock.now())
        signer, assertion_keys = AssertionSigner(ring), AssertionKeys(ring)

        tokens = TokenCheck(issuer=settings.idp.issuer, keys=lambda: provider.keys, scheme=scheme)
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
        judge = Judge(table.networks, Places.load(settings), overlay=UNKNOWN)
        live, watch = LiveConnections(), SessionWatch()
        live_check = LiveCheck(live=live, sessions=sessions, judge=judge, clock=clock)
        risk_news = RiskNews(valkey=valkey, clock=clock, memory=judge.memory, heard=live_check.session_changed)
        activity = Activity(valkey=valkey, clock=clock)
        upkeep = CookieUpkeep(
            database=database,
            cookie_sessions=cookie_sessions,
            sign_ins=engines.sign_ins,
            cookies=cookies,
            clock=clock,
        )
        sessions.on_ended += [live_check.session_ended, watch.ended, upkeep.ended]
        cookies.on_forgotten.append(live_check.session_changed)
        sessions.on_changed += [live_check.session_changed, watch.changed]

        reach = Telling(f"{platform.node()}:{os.getpid()}", database, Reports())
        opened.push_async_callback(reach.leave)

        def policy_taken_up(fresh: Snapshot) -> None:
            former, judge.snapshot = judge.snapshot, fresh
            live_check.policy_changed(fresh, former)
            reach.taken_up(fresh.version)

        policy = LivePolicy(
            database,
            PolicyVersions(),
            lambda tx: signing_keys.public_keys(tx, "policy"),
            clock,
            taken_up=policy_taken_up,
        )
        await policy.refresh()
        shadowing = Shadowing(clock)
        shadow_upkeep = ShadowUpkeep(
            database,
            PolicyVersions(),
            PolicyShadows(),
            lambda tx: signing_keys.public_keys(tx, "policy"),
            clock,
            shadowing,
        )

        def policy_changed() -> None:
            policy.changed()
            shadow_upkeep.changed()

        def overlay_taken_up(fresh: Overlay) -> None:
            judge.overlay = fresh
            live_check.again.set()

        overlay = LiveOverlay(
            database, OverlayStore(), clock, operator=str(settings.policy.operator), taken_up=overlay_taken_up
        )
        await overlay.refresh()

        def feeds_taken_up(lists: Lists | None) -> None:
            judge.use_feeds(lists)
            live_check.again.set()

        feeds = ThreatFeeds(
            settings.gateway.threat_feeds, age=settings.gateway.threat_feed_age, clock=clock, use=feeds_taken_up
        )
        await feeds.look()
        overlay_metrics = OverlayMetrics(overlay, feeds)
        opened.callback(publish("/overlay", "application/json", overlay_metrics.document))

        async def assertion_ring() -> KeyRing:
            async with database.connect() as tx:
                return await signing_keys.load_ring(tx, "assertion")

        key_news = KeyNews(
            provider=provider,
            signer=signer,
            published=assertion_keys,
            read_ring=assertion_ring,
            policy_changed=policy_changed,
        )
        keeper = KeyKeeper("assertion", signing_keys, Schedule.of(settings), key_trail.tell)
        metadata = ResourceMetadata(
            hosts=DescribedHosts(),
            database=database,
            clock=clock,
            scheme=scheme,
            issuer=settings.idp.issuer,
            lease=sessions.lease,
        )
        news = News(
            sessions=sessions,
            policy_changed=policy_changed,
            overlay_changed=overlay.changed,
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
            scheme=scheme,
            tokens=tokens,
            cookies=cookies,
            refresh=refresh,
            provider=provider,
            sessions=sessions,
            assertion=UpstreamAssertion(signer),
            upstream_tokens=UpstreamTokens(provider=provider, clock=clock, own_token=cookies.access_token),
            live=live_check,
            activity=activity,
            log=DecisionLog(engines.segments.append),
            judge=judge,
            idle_timeout=settings.session.idle_timeout,
            keys=KeyCheck(
                replays=proofs,
                nonces=nonces_of(client_secret),
                clock=clock,
                scheme=scheme,
            ),
            metadata=metadata,
            limiting=limiting,
            assertion_keys=assertion_keys,
        )
        pipeline.shadowing = shadowing
        sign_out = SignOut(
            provider=provider,
            cookies=cookies,
            database=database,
            storage=cookie_sessions,
            envelope=envelope,
            clock=clock,
        )
        opened.callback(publish("/assertion-keys", "application/jwk-set+json", lambda: assertion_keys.document))
        telemetry = await opened.enter_async_context(
            open_telemetry(settings.gateway, clock=clock, entropy=engines.entropy, http=engines.http)
        )
        telemetry.use_table(table)
        told = settings.gateway
        limits, ticking = Limits(body=told.body, head=told.head, headers=told.headers), Watch()
        door = Door(
            pipeline=pipeline,
            own_pages=own_pages(
                engines,
                provider=provider,
                tokens=tokens,
                cookies=cookies,
                sessions=sessions,
                watch=watch,
                activity=activity,
                sign_out=sign_out,
                table=lambda: pipeline.table,
            ),
            pools=Pools(table.upstreams.values(), limits=limits, watch=ticking),
            entropy=engines.entropy,
            watch=ticking,
            limits=limits,
            addresses=ClientAddresses(settings.gateway.trusted_proxies),
            scheme=scheme,
            certificates=settings.gateway.client_certificate_header,
            per_address=PerAddress(settings.gateway.connections_per_address),
            limiting=limiting,
            telemetry=telemetry,
        )
        opened.enter_context(
            read_by_prometheus(
                GatewayMetrics(
                    sessions=sessions,
                    live=live,
                    judge=judge,
                    table=lambda: pipeline.table,
                    clock=clock,
                    clients=lambda: door.clients,
                ),
                LimitMetrics(limiting=limiting, door=door),
                UpstreamMetrics(lambda: door.pools),
                overlay_metrics,
                ShadowMetrics(shadowing),
            )
        )

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
                    await serve_door(
                        door,
                        settings.gateway.listen,
                        ready,
                        stop,
                        certificates=certificates,
                        shared=settings.gateway.processes > 1,
                    )
            finally:
                drained.set()

        async def let_pages_go() -> None:
            await stop.wait()
            watch.close()

        reload = RouteReload(route_file, load=load_routes, use=use_table, files=table.files)
        reload.on_hangup.append(feeds.ask)
        async with asyncio.TaskGroup() as tasks:
            if certificates is not None:
                reload.on_hangup.append(certificates.ask)
                tasks.create_task(certificates.follow(stop))
            tasks.create_task(subscription.run(drained))
            tasks.create_task(policy.follow(drained))
            tasks.create_task(every(TELL_EVERY, reach.tell, drained, sooner=reach.sooner))
            tasks.create_task(every(LOOK_EVERY, shadow_upkeep.look, drained, sooner=shadow_upkeep.asked))
            tasks.create_task(every(WRITE_EVERY, shadow_upkeep.write, drained))
            tasks.create_task(every(FEEDS_EVERY, feeds.look, drained))
            tasks.create_task(every(OVERLAY_EVERY, overlay.refresh, drained, sooner=overlay.asked))
            tasks.create_task(activity.run(drained))
            tasks.create_task(limiting.run(drained))
            tasks.create_task(every(0.5, partial(limiting.persistent.tell, database), drained))
            tasks.create_task(reload.follow(drained))
            tasks.create_task(every(PROVIDER_AGAIN, key_news.follow, drained, sooner=key_news.asked))
            tasks.create_task(
                watch_keys(keeper, database, clock, who="gateway", poke=partial(outbox.poke, valkey), stop=stop)
            )
            tasks.create_task(every(1.0, live_check.look, drained, sooner=live_check.again))
            tasks.create_task(every(LEASE_EVERY, live_check.watch_lease, drained))
            tasks.create_task(every(0.5, upkeep.end_with_sessions, drained))
            tasks.create_task(every(1.0, upkeep.look_for_ended_elsewhere, drained))
            tasks.create_task(every(RISK_NEWS_EVERY, risk_news.exchange, drained))
            tasks.create_task(every(60.0, upkeep.forget_over, drained))
            tasks.create_task(every(5.0, renew_tokens, drained))
            tasks.create_task(every(PROVIDER_AGAIN, sign_out.end_waiting, drained))
            tasks.create_task(every(ANNOUNCE_EVERY, probe.announce, drained))
            tasks.create_task(let_pages_go())
            tasks.create_task(at_the_door())
