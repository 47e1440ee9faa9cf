"""The part of the composition root that is about the end: "this wasn't me", and shared signals."""

from __future__ import annotations

from collections.abc import Mapping

from idp.credentials.throttle import Throttle
from idp.endpoints.client_requests import ClientRequests
from idp.endpoints.not_me.page import NotMePage
from idp.endpoints.signals.door import SignalsDoor
from idp.endpoints.signals.metadata import TransmitterMetadata
from idp.endpoints.signals.poll import SignalPoll
from idp.endpoints.signals.receive import SignalReceiver
from idp.endpoints.signals.streams import SignalStreams
from idp.endpoints.signals.subjects import SignalSubjects
from idp.parts import Parts
from idp.received_signals import intake
from idp.routes import Endpoint
from idp.safeguards import not_me_measures
from idp.storage import (
    deliveries,
    preferences,
    sessions,
    signal_streams,
    signal_transmitters,
)


def end_endpoints(parts: Parts) -> Mapping[str, Endpoint]:
    """By the names of the table of routes."""
    throttle = Throttle(parts.valkey)
    requests = ClientRequests(parts.issuer, parts.clients, parts.database, throttle, parts.client_proofs)
    door = SignalsDoor(requests)
    streams = SignalStreams(
        door=door,
        storage=signal_streams,
        deliveries=deliveries,
        envelope=parts.envelope,
        database=parts.database,
        clock=parts.clock,
        entropy=parts.entropy,
        issuer=parts.issuer,
    )
    subjects = SignalSubjects(
        door=door,
        storage=signal_streams,
        identifiers=parts.subject_identifiers,
        database=parts.database,
        clock=parts.clock,
        issuer=parts.issuer,
    )
    return {
        "not_me": NotMePage(
            not_me=parts.not_me,
            sessions=sessions,
            preferences=preferences,
            measures=not_me_measures(parts),
            mac=parts.mac,
            hops=parts.hops,
            pages=parts.pages,
            database=parts.database,
            valkey=parts.valkey,
            clock=parts.clock,
        ),
        "signals_metadata": TransmitterMetadata(parts.issuer),
        "signals_receive": SignalReceiver(
            transmitters=signal_transmitters,
            intake=intake(
                parts.settings,
                parts.database,
                parts.valkey,
                parts.clock,
                parts.one_session,
                parts.published_keys,
            ),
            requests=requests,
            database=parts.database,
        ),
        "signals_streams": streams,
        "signals_status": streams.status,
        "signals_verify": streams.verify,
        "signals_subjects_add": subjects.add,
        "signals_subjects_remove": subjects.remove,
        "signals_poll": SignalPoll(
            door=door,
            storage=signal_streams,
            deliveries=deliveries,
            ring=parts.keys.ring,
            identifiers=parts.subject_identifiers,
            database=parts.database,
            clock=parts.clock,
            issuer=parts.issuer,
        ),
    }
