"""The world around the house: whom it calls, who helps, where addresses are, and what it writes down."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, model_validator


class OutboundSettings(BaseModel):
    """What may be asked over HTTP where somebody else names the address: keys and requests of clients, organisations'
    own identity providers, transmitters of shared signals."""

    private: tuple[str, ...] = ()
    """Networks (CIDR) that may be asked although they are not public, and on this machine without TLS, too. Whoever may
    register a client or a provider can have these addresses asked: name hosts rather than networks. Nobody's by
    default; this machine where the issuer is on it."""

    @model_validator(mode="after")
    def _are_networks(self) -> Self:
        for named in self.private:
            ipaddress.ip_network(named)
        return self


class SupportSettings(BaseModel):
    """Whom a person can ask, where their organisation names nobody."""

    name: str = "문지기 고객센터"
    email: str = "support@munjigi.localhost"
    phone: str = ""
    url: str = ""


class PlaceSettings(BaseModel):
    countries: Path | None = None
    """A database of countries by address in MaxMind's format (`.mmdb`). Unset: the one that ships with the product."""
    networks: Path | None = None
    """A database of networks (autonomous systems) by address, likewise."""


class LogSettings(BaseModel):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"
