"""Every process of ours: its name, what it runs, and the database role that its health is asked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import Role

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
    "sweeper": Service("worker-sweeper", "sessions: ends by time", ("idp.sessions.workers:serve_sweeper",), "worker"),
    "audit": Service("worker-audit", "audit: sealing segments", ("audit.sealer:serve",), "audit"),
    "reservation": Service(
        "worker-reservation", "reservations in batches", ("upstreams.reservation.worker:serve",), "reservation"
    ),
}


def workers(names: Sequence[str]) -> Service:
    """Some of the background jobs, side by side in one process."""
    if len(names) == 1:
        return WORKERS[names[0]]
    runs = tuple(entry for name in names for entry in WORKERS[name].runs)
    return Service("worker", "background jobs", runs, "worker", command=("worker", *names))


SERVICES = (  # of `munjigi up`; the relay has a process of its own, so that no job delays the end of a session
    Service("policy", "policy admin API", ("policy.admin.app:serve",), "policy"),
    Service("commerce", "commerce", ("upstreams.commerce.app:serve",), "commerce"),
    Service("reservation", "reservation", ("upstreams.reservation.app:serve",), "reservation"),
    WORKERS["relay"],
    workers([name for name in WORKERS if name != "relay"]),
    Service("idp", "identity provider", ("idp.app:serve",), "idp", public=True),
    Service("gateway", "gateway", ("gateway.app:serve",), "gateway", public=True),
)

BY_NAME = {service.name: service for service in SERVICES}

DEMO_DATA = ("policy.demo", "idp.demo", "upstreams.commerce.demo", "upstreams.reservation.demo")
"""In the order in which they are loaded; each offers `load(settings)`, which may run twice."""
