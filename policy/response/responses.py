"""The table of responses: on this incident, so often within so long, against whom, what, and for how long."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

import config
from config.client_address import normal_address
from config.subscriber import subscriber_network
from policy.artefact import Obligation
from policy.overlay.measure import LONGEST, Kind, Ordered, Target
from policy.request import MeasureEffect

SHIPPED = Path(config.__file__).parent / "shipped" / "responses.toml"
_PERSON = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Trigger(StrEnum):
    """Kinds of the audit's records that may be answered."""

    ACCOUNT_LOCKED = "account_locked"
    REFRESH_REUSED = "refresh_reused"
    CODE_REPLAYED = "code_replayed"
    REMEMBERED_STOLEN = "remembered_stolen"
    SIGNAL_RECEIVED = "signal_received"
    THROTTLED = "throttled"
    RATE_EXCEEDED = "rate_exceeded"
    PASSKEY_CLONE_SUSPECTED = "passkey_clone_suspected"


class Incident(msgspec.Struct, frozen=True):
    """One record of the audit."""

    id: int
    at: datetime
    kind: Trigger
    subject: str
    address: str | None
    device: str | None
    """That of the session which the record names."""
    details: Mapping[str, object]


class Response(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the table."""

    on: Trigger
    event: str = ""
    """Of a shared signal: the last part of its event's URI, `device-compliance-change`; empty: any."""
    target: Literal["person", "device", "address"]
    effect: MeasureEffect
    seconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)]
    after: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """How many of them about the same target are answered."""
    within: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 600
    """Seconds."""
    points: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    obligations: tuple[Obligation, ...] = ()


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    responses: tuple[Response, ...] = ()


class WrongResponses(ValueError):
    """A table that cannot be used; the message says where."""


def read_table(path: Path) -> tuple[Response, ...]:
    """All of it, or nothing. Raises `WrongResponses`."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise WrongResponses(f"{path}: {error}") from error
    for response in table.responses:
        if (response.effect is MeasureEffect.RISK) is not bool(response.points):
            raise WrongResponses(f"{path}: on {response.on}: `points` goes with `risk`, and with nothing else")
        if response.obligations and response.effect is not MeasureEffect.SHRINK:
            raise WrongResponses(f"{path}: on {response.on}: `obligations` go with `shrink`")
        if response.event and response.on is not Trigger.SIGNAL_RECEIVED:
            raise WrongResponses(f"{path}: on {response.on}: `event` is a shared signal's")
    return table.responses


def called_for(responses: Sequence[Response], incident: Incident) -> list[Response]:
    """Those that an incident may call for; how often it happened is another question."""
    return [one for one in responses if one.on is incident.kind and (not one.event or _tells(incident, one.event))]


def target_of(response: Response, incident: Incident) -> Target | None:
    """Whom it is aimed at; None where the incident does not say, or where it is this very machine."""
    if response.target == "person":
        return Target(Kind.PERSON, incident.subject) if _PERSON.fullmatch(incident.subject) else None
    if response.target == "device":
        return Target(Kind.DEVICE, incident.device) if incident.device else None
    if incident.address is None:
        return None
    network, address = subscriber_network(incident.address), normal_address(incident.address)
    if network is None or address is None or address.is_loopback:
        return None
    return Target(Kind.ADDRESS, str(network))


def order_of(response: Response, target: Target, incident: Incident) -> Ordered:
    """The measure that answers it."""
    return Ordered(
        target=target,
        effect=response.effect,
        seconds=response.seconds,
        why=f"{incident.kind.value}: record {incident.id} of the audit",
        points=response.points,
        obligations=response.obligations,
    )


def _tells(incident: Incident, event: str) -> bool:
    told = incident.details.get("events")
    return isinstance(told, list) and any(str(uri).rpartition("/")[2] == event for uri in told)
