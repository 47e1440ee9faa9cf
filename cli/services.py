"""Every process of ours: its name, what it runs, and the database role that its health is asked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from config.sections.engines import Role
from config.settings import Settings

PROJECT = Path(__file__).parent.parent
"""The folder of the source."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process."""

    name: str
    title: str
    runs: tuple[str, ...]
    """`module:function`, each a `serve(settings, ready, stop)`; they run side by side."""
    role: Role
    public: bool = False
    """Whether it listens on a port; the others listen on unix sockets or on nothing."""

    command: tuple[str, ...] = ()
    """What `munjigi` is called with to run it alone; its name where nothing else is said."""

    @property
    def modules(self) -> tuple[str, ...]:
        """What to import for it."""
        return tuple(entry.partition(":")[0] for entry in self.runs)


WORKERS = {
    "relay": Service(
        "worker-relay", "events: outbox to stream", ("events.relay:serve",), "worker", command=("worker", "relay")
    ),
    "activity": Service(
        "worker-activity", "sessions: last activity", ("idp.sessions.workers:serve_activity",), "worker"
    ),
    "sweeper": Service("worker-sweeper", "sessions: ends by time", ("idp.sweeper:serve",), "worker"),
    "rollout": Service(
        "worker-rollout", "programmes out of passwords, by their dates", ("idp.programme_worker:serve",), "idp"
    ),
    "risk": Service("worker-risk", "what is usual of sign-ins", ("idp.risk_worker:serve",), "idp"),
    "logout": Service(
        "worker-logout", "ends told to relying parties and subscribers", ("idp.sessions.logout_worker:serve",), "idp"
    ),
    "push": Service("worker-push", "questions to devices that approve", ("idp.push_worker:serve",), "idp"),
    "signals": Service("worker-signals", "signals of others, polled", ("idp.received_signals:serve",), "idp"),
    "probe": Service("worker-probe", "how quickly an end is obeyed", ("events.probe:serve",), "worker"),
    "response": Service(
        "worker-response", "measures that answer incidents", ("policy.response.worker:serve",), "policy"
    ),
    "audit": Service("worker-audit", "audit: sealing segments", ("audit.sealer:serve",), "audit"),
    "decisions": Service(
        "worker-decisions", "decisions found by their id", ("policy.recording.worker:serve",), "policy"
    ),
    "reservation": Service(
        "worker-reservation",
        "reservations in batches",
        ("upstreams.reservation.worker:serve",),
        "reservation",
        command=("worker", "reservation"),
    ),
    "payments": Service(
        "worker-payments", "payments and refunds", ("upstreams.reservation.payment_worker:serve",), "reservation"
    ),
    "shop": Service("worker-shop", "search, launches and stock", ("upstreams.commerce.upkeep:serve",), "commerce"),
    "orders": Service(
        "worker-orders",
        "orders: payments, refunds, what nobody paid",
        ("upstreams.commerce.order_worker:serve",),
        "commerce",
    ),
    "mail": Service("worker-mail", "notices by mail", ("notifications.delivery:serve",), "notifications"),
}


def workers(names: Sequence[str]) -> Service:
    """Some of the background jobs, side by side in one process."""
    if len(names) == 1:
        return WORKERS[names[0]]
    runs = tuple(entry for name in names for entry in WORKERS[name].runs)
    return Service("worker", "background jobs", runs, "worker", command=("worker", *names))


SERVICES = (  # of `munjigi up`; the relay has a process of its own, so that no job delays the end of a session
    Service("policy", "policy admin API", ("policy.admin.app:serve",), "policy"),
    Service("console", "console", ("console.app:serve",), "console"),
    Service("administration", "identity admin API", ("idp.administration.app:serve",), "idp"),
    Service("commerce", "commerce", ("upstreams.commerce.app:serve",), "commerce"),
    Service("reservation", "reservation", ("upstreams.reservation.app:serve",), "reservation"),
    WORKERS["relay"],
    workers([name for name in WORKERS if name != "relay"]),
    Service("idp", "identity provider", ("idp.app:serve",), "idp", public=True),
    Service("gateway", "gateway", ("gateway.app:serve",), "gateway", public=True),
)

SANDBOX = Service(
    "payments", "payment sandbox", ("upstreams.trade.payments.sandbox.app:serve",), "reservation", public=True
)

INBOX = Service("inbox", "local inbox", ("notifications.inbox.app:serve",), "notifications", public=True)

BY_NAME = {service.name: service for service in (*SERVICES, INBOX, SANDBOX)}


def services_of(settings: Settings) -> tuple[Service, ...]:
    """Those of `munjigi up`: the local inbox is one of them where no mail server is set, the payment sandbox where no
    other provider is, and there may be several gateways and several workers of reservations."""
    gateway, reserving = BY_NAME["gateway"], WORKERS["reservation"]
    more = [replace(gateway, name=f"gateway-{number}") for number in range(2, settings.gateway.processes + 1)]
    services = list(SERVICES)
    if settings.reservation.workers:  # they have processes of their own, and the other jobs one without them
        together = services.index(BY_NAME["worker"])
        services[together] = workers([name for name in WORKERS if name not in ("relay", "reservation")])
        more += [reserving] + [
            replace(reserving, name=f"{reserving.name}-{number}")
            for number in range(2, settings.reservation.workers + 1)
        ]
    inbox = () if settings.mail.server else (INBOX,)
    sandbox = (SANDBOX,) if settings.payments.provider == "sandbox" else ()
    return (*inbox, *sandbox, *services, *more)


DEMO_DATA = ("policy.demo", "idp.demo", "upstreams.commerce.demo", "upstreams.reservation.demo")
"""In the order in which they are loaded; each offers `load(settings)`, which may run twice."""
