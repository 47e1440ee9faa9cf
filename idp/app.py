"""The composition root of the identity provider: everything it is made of, in one visible list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from config.client_address import ClientAddresses
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.problem import Problem
from config.public_http import with_documents
from config.serving import collect_rarely, serve_application
from config.settings import Settings
from config.web import web_application
from events import outbox
from events.subscription import Subscription
from idp.directly import Around, Directly
from idp.endpoints.client_certificate import FromCertificate
from idp.endpoints.cross_origin import CrossOrigin
from idp.endpoints.login.query_metrics import LoginQueries
from idp.endpoints.problem_page import ProblemPage, UnexpectedPage
from idp.endpoints.response_headers import ResponseHeaders
from idp.endpoints.whereabouts import FromWhere
from idp.parts import Parts, build_parts
from idp.people import people_endpoints
from idp.relying_apps import protocol_endpoints, whose_browser
from idp.routes import HELP, often, routes
from idp.the_end import end_endpoints
from jose.key_keeper import watch as watch_keys


def build_application(parts: Parts) -> Directly:
    """The web application: routes, problems as pages, headers, correlation ids."""
    problems = ProblemPage(parts.pages, whose_browser(parts).shown)
    endpoints = {**protocol_endpoints(parts), **people_endpoints(parts), **end_endpoints(parts)}
    starlette = Starlette(
        routes=routes(endpoints, parts.assets),
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
    headers = ResponseHeaders(certified, issuer=parts.issuer)
    web = web_application(headers, help_at=parts.issuer + HELP)
    return Directly(web, often(endpoints), problems, Around(web, headers, certified, where))


@asynccontextmanager
async def running_caches(parts: Parts, stop: asyncio.Event) -> AsyncIterator[None]:
    """Keep the caches of this process true by events for as long as the context lasts, and the keys of tokens young.

    Open pages are told by the same events, and let go once `stop` is set."""

    listening = (
        parts.keys,
        parts.clients,
        parts.rules,
        parts.phases_in_force,
        parts.faces,
        parts.offers,
        parts.described,
        parts.requests_watch,
    )

    def on_event(topic: str, payload: Mapping[str, object]) -> None:
        for one in listening:
            one.on_event(topic, payload)

    def on_heartbeat(moment: float) -> None:
        parts.lease.renew(moment, wall=parts.clock.timestamp(), monotonic=parts.clock.monotonic())

    def on_reset() -> None:
        parts.lease.drop(parts.clock.monotonic())
        for one in listening:
            one.on_reset()

    subscription = Subscription(
        parts.valkey, parts.clock, on_event=on_event, on_heartbeat=on_heartbeat, on_reset=on_reset
    )

    async def let_pages_go() -> None:
        await stop.wait()
        parts.requests_watch.close()

    poke = partial(outbox.poke, parts.valkey)
    tasks = [
        asyncio.create_task(subscription.run(stop)),
        asyncio.create_task(parts.keys.follow()),
        asyncio.create_task(let_pages_go()),
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
                application = build_application(parts)
                collect_rarely()
                await serve_application(
                    application,
                    settings.idp.listen,
                    ready=ready,
                    stop=stop,
                    http=with_documents(application.at_hand),
                    ws="none",
                )
        finally:
            parts.passwords.close()
    finally:
        await valkey.aclose()
        await database.dispose()
