"""The gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from config.sections.kinds import Listen, Seconds, port_of


class GatewaySettings(BaseModel):
    listen: Listen = "127.0.0.1:8080"
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    """How many gateways `munjigi up` starts, which share the port: one for each core that they may use."""
    origin_scheme: Literal["http", "https"] = "http"
    """What browsers speak to reach it. Unset with `tls_certificate`: `https`; a proxy in front may end TLS, too."""
    tls_certificate: Path | None = None
    """The certificate (PEM) by which the gateway itself ends TLS, and behind it the chain. Unset: plain HTTP."""
    tls_key: Path | None = None
    """Its key (PEM, not encrypted)."""
    tls_others: tuple[Path, ...] = ()
    """Certificates for other names (SNI), each a PEM file with its chain and its key."""
    client_ca: Path | None = None
    """The authorities (PEM) whose certificates clients may come with. Unset: they are not asked for one."""
    client_certificates: Literal["optional", "required"] = "optional"
    """Whether whoever comes without a certificate of `client_ca` is let in as far as the policy."""
    routes: Path | None = None
    """The route table, TOML. Unset: the one that ships with the product."""
    client_id: str = "munjigi-gateway"
    client_secret: SecretStr | None = None
    """The gateway's secret at the identity provider. Unset: read from the embedded `var/secrets/`."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) whose X-Forwarded-For is believed; nobody's by default."""
    client_certificate_header: bool = False
    """Whether `Client-Cert` (RFC 9440) of `trusted_proxies`, and of whoever asks at a decision door, is believed: they
    must end TLS, and replace what clients send under that name."""
    access_log: str | None = None
    """Where one line of JSON for each exchange is written: a file, or `-` for the standard output. A file that is
    renamed or removed is opened anew. Unset: nowhere."""
    access_log_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of the exchanges that went well (status below 400) this share is logged; of all others, and of those that are
    traced, each one is."""
    trace_endpoint: str | None = Field(default=None, pattern=r"^https?://.+")
    """Where spans are sent by OTLP over HTTP (JSON), with its path: `http://127.0.0.1:4318/v1/traces`. Unset: nobody
    traces here, and the trace context of `trusted_proxies` passes as it came."""
    trace_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Of the exchanges for which no trusted proxy decided, this share is traced."""
    trace_headers: dict[str, SecretStr] = {}
    """Header fields for `trace_endpoint`, such as `Authorization`."""
    body: Annotated[int, Field(ge=0)] = 64 * 1024 * 1024
    """Bytes of a request's body, unless its route says `body`; more is answered with 413."""
    head: Annotated[int, Field(ge=4096, le=1024 * 1024)] = 32 * 1024
    """Bytes of a request's line and headers together; more is answered with 431."""
    headers: Annotated[int, Field(ge=16, le=1000)] = 100
    """Header lines of a request or an answer; more is answered with 431, or 502."""
    lease: Seconds = 1.0
    """How long the near cache of sessions is believed after the last heartbeat of the relay."""
    shedding: bool = True
    """Whether requests are turned away (503) while more come than one process can do, so that the others stay quick."""
    shed_above: Annotated[float, Field(ge=0.005)] = 0.02
    """How long work may wait for a process of the gateway, all the time, before it sheds; while it sheds nobody gets in
    who waited for longer."""
    connections_per_address: int = Field(default=2048, ge=1)
    """How many connections one address, or one /64 of IPv6, may hold open at one process; `trusted_proxies` may hold as
    many as they like."""
    decision_listen: Listen | None = None
    """Where nginx, Traefik, Envoy and HAProxy ask whether a request may pass; unset: nowhere. What they say of it is
    believed, so it belongs on loopback or a unix socket (of the gateway's own account), never where clients come."""
    decision_peers: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks (CIDR) whose proxies may ask there."""

    threat_feeds: dict[str, Path] = {}
    """Threat feeds by a name of yours: files that list addresses and ranges (CIDR), one a line, taken up when they
    change. Who comes from one is a risk, and rules may speak of it (`threat`)."""
    threat_feed_age: Seconds = 7 * 86_400
    """How long a list is believed after it was written; an older one counts no more."""

    @model_validator(mode="after")
    def _shares_ports_alone(self) -> Self:
        for name, listen in (("LISTEN", self.listen), ("DECISION_LISTEN", self.decision_listen)):
            if self.processes > 1 and listen is not None and listen.startswith("unix:"):
                raise ValueError(f"several PROCESSES share a port, not the unix socket of {name}")
        return self

    @model_validator(mode="after")
    def _ends_tls_once(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY go together")
        if self.tls_certificate is None:
            if self.tls_others or self.client_ca is not None:
                raise ValueError("TLS_OTHERS and CLIENT_CA need TLS_CERTIFICATE")
        elif self.client_certificate_header:
            raise ValueError("TLS ends here by TLS_CERTIFICATE: no CLIENT_CERTIFICATE_HEADER of a proxy is believed")
        elif "origin_scheme" not in self.model_fields_set:
            self.origin_scheme = "https"
        elif self.origin_scheme == "http":
            raise ValueError("with TLS_CERTIFICATE the ORIGIN_SCHEME is https")
        if self.client_ca is None and self.client_certificates == "required":
            raise ValueError("CLIENT_CERTIFICATES required needs CLIENT_CA")
        return self

    @property
    def port(self) -> int:
        """Where the shipped routes and the demo data expect browsers to come, unless they are told otherwise."""
        return port_of(self.listen, 8080)
