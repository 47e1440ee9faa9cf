"""The configuration of a stream (OpenID Shared Signals Framework 1.0, section 8.1.1), and what its receiver may say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from idp.protocol.redirect_uri import is_registrable
from idp.sessions.signals.security_event import SUPPORTED

PUSH: Final = "urn:ietf:rfc:8935"
POLL: Final = "urn:ietf:rfc:8936"
SCOPE: Final = "ssf.manage"
"""What must be registered of a client so that it may have streams."""
SCOPE_OF_ALL: Final = "ssf.all"
"""What must be registered besides of a client that is no organisation's but the house's, to hear of everybody."""
MOST_STREAMS = 8
"""Streams of one client."""
VERIFICATION_INTERVAL = timedelta(seconds=60)
"""A receiver may ask for a verification this often."""
LONGEST_TEXT = 1024
"""Characters of an address, of a description, of a reason."""

Method = Literal["push", "poll"]
Status = Literal["enabled", "paused", "disabled"]


class Unacceptable(Exception):
    """What a receiver asked for cannot be; the message says why, and may be shown."""


class DeliveryAsked(msgspec.Struct, frozen=True, kw_only=True):
    """`delivery` (RFC 8935, RFC 8936, SSF 1.0, section 6.1)."""

    method: str
    endpoint_url: str | None = None
    authorization_header: str | None = None


class StreamAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver sends to create, update or replace a stream; what is not there is `UNSET`."""

    stream_id: str | msgspec.UnsetType = msgspec.UNSET
    iss: str | msgspec.UnsetType = msgspec.UNSET
    aud: str | list[str] | msgspec.UnsetType = msgspec.UNSET
    events_requested: list[str] | msgspec.UnsetType = msgspec.UNSET
    delivery: DeliveryAsked | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream of one receiver."""

    id: UUID
    client_id: str
    method: Method
    endpoint_url: str | None
    """Where it is pushed to; None where the receiver polls."""
    sealed_authorization: bytes | None = field(repr=False)
    events_requested: tuple[str, ...]
    description: str
    status: Status
    status_reason: str
    verified_at: datetime | None
    """When its receiver asked for a verification last."""
    created_at: datetime

    @property
    def events_delivered(self) -> list[str]:
        """What was asked for and is supported."""
        return [event for event in SUPPORTED if event in self.events_requested]

    def configuration(self, issuer: str) -> dict[str, object]:
        """What its receiver is shown. Its `authorization_header` is not: it is kept to be sent, not to be read."""
        address = self.endpoint_url if self.method == "push" else poll_address(issuer, self.id)
        return {
            "stream_id": str(self.id),
            "iss": issuer,
            "aud": self.client_id,
            "events_supported": list(SUPPORTED),
            "events_requested": list(self.events_requested),
            "events_delivered": self.events_delivered,
            "delivery": {"method": PUSH if self.method == "push" else POLL, "endpoint_url": address},
            "min_verification_interval": int(VERIFICATION_INTERVAL.total_seconds()),
            **({"description": self.description} if self.description else {}),
        }

    def status_document(self) -> dict[str, object]:
        """SSF 1.0, section 8.1.2.1."""
        reason = {"reason": self.status_reason} if self.status_reason else {}
        return {"stream_id": str(self.id), "status": self.status, **reason}

    def may_be_verified(self, now: datetime) -> bool:
        return self.verified_at is None or now - self.verified_at >= VERIFICATION_INTERVAL


def asked(stream: Stream, wanted: StreamAsked, *, issuer: str, origins: Collection[str], whole: bool) -> Stream:
    """The stream as its receiver wants it; `whole`: what is not said becomes the default (a creation, a replacement).

    `origins` are those that are registered of the client: events are pushed to no other, so that nobody makes this
    machine send requests where they like. Raises `Unacceptable`.
    """
    _same("iss", wanted.iss, (issuer,))
    _same("aud", wanted.aud, (stream.client_id, [stream.client_id]))
    changed = stream
    if wanted.events_requested is not msgspec.UNSET:
        changed = replace(changed, events_requested=_events(wanted.events_requested))
    elif whole:
        changed = replace(changed, events_requested=())
    if wanted.description is not msgspec.UNSET:
        changed = replace(changed, description=short("description", wanted.description or ""))
    elif whole:
        changed = replace(changed, description="")
    if wanted.delivery is not msgspec.UNSET:
        changed = _delivered(changed, wanted.delivery, origins)
    elif whole:  # section 8.1.1: without one, the receiver polls
        changed = replace(changed, method="poll", endpoint_url=None)
    return changed


def authorization(wanted: StreamAsked) -> str | msgspec.UnsetType | None:
    """The `Authorization` header that the receiver wants to see with every push; `UNSET`: nothing was said of delivery.

    Raises `Unacceptable`.
    """
    if wanted.delivery is msgspec.UNSET:
        return msgspec.UNSET
    header = wanted.delivery.authorization_header
    if header is None or wanted.delivery.method != PUSH:
        return None
    if not header.isascii() or not header.isprintable() or not 0 < len(header) <= LONGEST_TEXT:
        raise Unacceptable("authorization_header cannot be sent")
    return header


def authorization_context(stream_id: UUID) -> str:
    """The place that a sealed header is bound to."""
    return f"idp.signal_stream:{stream_id}"


def poll_address(issuer: str, stream_id: UUID) -> str:
    """Where the receiver of a stream polls."""
    return f"{issuer}/signals/poll/{stream_id}"


def origin(uri: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _delivered(stream: Stream, delivery: DeliveryAsked, origins: Collection[str]) -> Stream:
    if delivery.method == POLL:
        return replace(stream, method="poll", endpoint_url=None)
    if delivery.method != PUSH:
        raise Unacceptable(f"delivery.method must be {PUSH} or {POLL}")
    address = short("endpoint_url", delivery.endpoint_url or "")
    if not is_registrable(address):
        raise Unacceptable("endpoint_url must be an https address")
    if origin(address) not in origins:
        raise Unacceptable("endpoint_url must be at an origin that is registered of this client")
    return replace(stream, method="push", endpoint_url=address)


def _events(events: list[str]) -> tuple[str, ...]:
    if len(events) > 64:
        raise Unacceptable("there are too many events_requested")
    return tuple(dict.fromkeys(short("events_requested", event) for event in events))


def short(name: str, value: str) -> str:
    """The value, as long as it can be kept. Raises `Unacceptable`."""
    if len(value) > LONGEST_TEXT or "\0" in value:
        raise Unacceptable(f"{name} cannot be kept")
    return value


def _same(name: str, said: object, expected: Collection[object]) -> None:
    """What is ours to say may stand in a request, if it is what we say (SSF 1.0, section 8.1.1.3)."""
    if said is not msgspec.UNSET and said not in expected:
        raise Unacceptable(f"{name} cannot be changed")
