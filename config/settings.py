"""Every setting of the product, its default, its unit, and the name of the environment variable that sets it.

A setting `session.idle_timeout` is read from `MUNJIGI_SESSION__IDLE_TIMEOUT`, or from a TOML file named by
`MUNJIGI_SETTINGS` under `[session]`. Unset, everything points at the embedded engines under `var/`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

Seconds = Annotated[float, Field(gt=0)]
Listen = Annotated[str, Field(pattern=r"^(unix:/.+|.+:\d{1,5})$")]
"""`host:port` or `unix:/path`."""
SentinelAddress = Annotated[str, Field(pattern=r"^[^:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$")]
Role = Literal[
    "owner", "idp", "gateway", "policy", "commerce", "reservation", "worker", "audit", "notifications", "console"
]  # fmt: skip

UNIX_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes; the longest file name of ours under it is counted in `runtime`


def _port(listen: str, otherwise: int) -> int:
    """The port of an address to listen on; a unix socket has none."""
    return otherwise if listen.startswith("unix:") else int(listen.rpartition(":")[2])


class WrongSettings(Exception):
    """The settings cannot be used; the message names each wrong one and says what is expected."""


class DatabaseSettings(BaseModel):
    url: str | None = None
    """`postgresql+asyncpg://munjigi_{role}:…@host/munjigi`; `{role}` stands for the service. Unset: embedded."""
    passwords: dict[Role, SecretStr] = {}
    """One password per role, put into `url`; not needed on the embedded engine (peer authentication)."""
    pool_size: int = Field(default=16, ge=1)
    """Connections that one process keeps open."""
    statement_timeout: Seconds = 10
    """How long one statement may take, waiting for locks included; PostgreSQL ends it, or the client itself a second
    later where PostgreSQL answers no more."""


class ValkeySettings(BaseModel):
    url: str | None = None
    """`unix:///path`, `redis://host:port`, `rediss://…`. Unset: embedded, or where `sentinels` say."""
    password: SecretStr | None = None
    sentinels: tuple[SentinelAddress, ...] = ()
    """`host:port` of each Valkey Sentinel, at best three on three machines; they know which server is the primary, and
    the next one is found after a failover. In place of `url`."""
    service: str = "munjigi"
    """What the sentinels call the primary and its replicas (`sentinel monitor NAME …`)."""
    sentinel_password: SecretStr | None = None
    """The sentinels' own, where they ask for one."""

    @property
    def is_embedded(self) -> bool:
        """Whether this machine runs it."""
        return self.url is None and not self.sentinels

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if self.url is not None and self.sentinels:
            raise ValueError("url and sentinels say both where Valkey is; set one of them")
        return self


class EngineSettings(BaseModel):
    user: str | None = None
    """When started by root: who the embedded engines run as. Unset: `postgres`, or else `nobody`."""
    programs: Path = Path("/var/cache/munjigi")
    """When started by root from a folder that this user may not enter: where their programs are copied to."""


class IdentityProviderSettings(BaseModel):
    issuer: str = ""
    """The issuer identifier, as relying apps know it; no slash at the end (OIDC Core 1.0, section 2). Unset:
    `http://localhost` with the port of `listen`."""
    listen: Listen = "127.0.0.1:9000"
    access_token_lifetime: Seconds = 300
    refresh_token_lifetime: Seconds = 12 * 3600
    code_lifetime: Seconds = 60
    login_lifetime: Seconds = 600
    pushed_request_lifetime: Annotated[float, Field(gt=0, lt=600)] = 60
    """How long a pushed authorization request may be redeemed (RFC 9126); FAPI 2.0 wants less than 600 seconds."""
    require_pushed_authorization_requests: bool = False
    """Whether every client must push its authorization requests; the gateway and the account pages, which are the
    product's own, need not."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) whose X-Forwarded-For is believed; nobody's by default."""
    sign_in_links: bool = True
    """Whether people may sign in by a link that is mailed to them, unless their organisation says otherwise."""
    sign_in_link_lifetime: Annotated[float, Field(ge=60, le=3600)] = 900
    """How long such a link works."""
    mail_code_counts: bool = True
    """Whether a code by mail raises the assurance to two factors; it confirms a takeover or new device either way."""
    approval_alone: Literal["off", "first", "both"] = "off"
    """Whether an approval on another device signs somebody in who has typed their name alone: not at all, as a first
    factor, or as a first and a second one. As a second factor it is always there."""
    registration: Literal["off", "token", "open"] = "off"
    """Who may register a client at `/register` (RFC 7591): nobody, whoever has an initial access token of an
    administrator, or everybody. People are asked before such a client gets anything."""
    require_described_resources: bool = False
    """Whether clients register, and get tokens for, described APIs and their scopes alone; the standard scopes and the
    house's own services are always there."""
    unused_clients_kept: int = Field(default=90, ge=1, le=180)
    """Days after which a client that registered itself, and that nobody used since, is removed."""
    password_threads: int = Field(default=2, ge=1)
    """How many argon2id computations run at once, each in 64 MiB; more than the cores only makes each slower."""
    breached_passwords: Path | None = None
    """A copy of Pwned Passwords, as its own downloader writes it: a folder of ranges, or the one big file. Unset: no
    password is looked up among leaked ones. It is read by seeking; nobody is asked over the network."""
    breached_password_grace: int = Field(default=0, ge=0, le=90)
    """Days for which somebody whose right password was leaked may still put off choosing another one; 0: at once."""
    recovery_wait: int = Field(default=24, ge=0, le=720)
    """Hours that somebody waits who lost every factor, unless their organisation says otherwise; meanwhile they are
    told wherever they can be reached, and can stop it. 0: nobody gets in by waiting."""
    single_administrator_resets: bool = False
    """Whether one administrator alone may take away somebody's second factors; otherwise two are needed."""
    client_certificate_header: bool = False
    """Whether `Client-Cert` (RFC 9440) of `trusted_proxies` is believed: they must end TLS, and replace what clients
    send under that name."""
    client_certificate_authorities: Path | None = None
    """The authorities (PEM) whose certificates prove clients by `tls_client_auth`. Unset: that method is not there."""
    mtls_origin: str = ""
    """`https://host` under which the same endpoints ask for a certificate (`mtls_endpoint_aliases`). Unset: the issuer
    is the one that does."""
    dpop_nonce_required: bool = False
    """Whether every DPoP proof must bear a nonce of ours; clients that must use DPoP always need one at `/token`."""
    passkey_metadata: Path | None = None
    """The document of the FIDO Metadata Service (`blob.jwt`), looked at while running. Unset: no model of passkeys is
    known, so none is attested."""
    passkey_metadata_roots: Path | None = None
    """The certificates (PEM) that the document's own lead to; needed with `passkey_metadata`."""
    passkey_metadata_signer: str = "mds.fidoalliance.org"
    """Whom the certificate of the document is made out to."""

    @model_validator(mode="after")
    def _metadata_is_verified(self) -> Self:
        if self.passkey_metadata is not None and self.passkey_metadata_roots is None:
            raise ValueError("PASSKEY_METADATA needs PASSKEY_METADATA_ROOTS")
        return self

    @model_validator(mode="after")
    def _issuer_follows_listen(self) -> Self:
        if not self.issuer:
            self.issuer = f"http://localhost:{_port(self.listen, 9000)}"
        return self


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
        return _port(self.listen, 8080)


class SessionSettings(BaseModel):
    idle_timeout: Seconds = 1800
    absolute_lifetime: Seconds = 12 * 3600
    warn_before: Seconds = 120
    """How long before the end an open page warns, unless its zone warns after so much inactivity."""
    ask_before: Seconds = 300
    """How long before the idle end an open page asks for extension by itself, with the moment of its last keys, pointer
    or touch: more than `warn_before`, so that nobody is warned who was active, and less than `idle_timeout`."""
    duplicate_login: Literal["ask", "take_over"] = "ask"
    new_device_factor: bool = True
    """Whether a person who comes with a device that was not seen with them gives a second factor; an organisation may
    say otherwise. The first sign-in of an account needs none."""

    @model_validator(mode="after")
    def _asks_before_it_warns(self) -> Self:
        if not self.warn_before < self.ask_before < self.idle_timeout:
            raise ValueError(
                f"ASK_BEFORE ({self.ask_before:g}) must be more than WARN_BEFORE ({self.warn_before:g}) "
                f"and less than IDLE_TIMEOUT ({self.idle_timeout:g})"
            )
        return self


class KeySettings(BaseModel):
    rotate_every: Annotated[float, Field(ge=86_400)] = 30 * 86_400
    """How long a signing key signs before the next one does; more than `publish_ahead`."""
    publish_ahead: Annotated[float, Field(ge=900)] = 86_400
    """How long at least a key is published before it signs: longer than anybody caches `/jwks`."""

    @model_validator(mode="after")
    def _publishes_one_key_at_a_time(self) -> Self:
        if not self.publish_ahead < self.rotate_every:
            raise ValueError(
                f"PUBLISH_AHEAD ({self.publish_ahead:g}) must be less than ROTATE_EVERY ({self.rotate_every:g})"
            )
        return self


class MailSettings(BaseModel):
    server: str | None = None
    """`host:port` of the SMTP server. Unset: the local catch-all inbox of `munjigi up`."""
    encryption: Literal["none", "starttls", "tls"] = "starttls"
    """How the connection to `server` is protected; `none` is believed for a loopback address alone."""
    certificates: Path | None = None
    """The authorities (PEM) that the server's certificate may come from. Unset: those of the system."""
    user: str | None = None
    password: SecretStr | None = None
    sender: str = "문지기 <no-reply@munjigi.localhost>"
    """From whom the mails are (RFC 5322, section 3.6.2)."""


class TextSettings(BaseModel):
    provider: Literal["twilio", "solapi", "nhn"] | None = None
    """Who carries text messages. Unset: the local catch-all inbox of `munjigi up`; where `mail.server` is set there is
    none, and nobody is offered codes by text."""
    sender: str = ""
    """From whom they come: a number or a name that the provider knows as yours."""
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ("KR",)
    """Countries (ISO 3166-1) whose numbers get codes, unless an organisation says otherwise. Name no more than you have
    people in: what sends to everywhere is used by others to earn money."""
    a_day: int = Field(default=1000, ge=0)
    """How many texts go out in a day at most, for everybody together; an alarm tells of it."""
    twilio_api: str = Field(default="https://api.twilio.com", pattern=r"^https?://[^/\s]+$")
    """Where the API of Twilio is."""
    twilio_account: str = Field(default="", pattern=r"^(AC[0-9a-fA-F]{32})?$")
    """The account (`AC…`)."""
    twilio_token: SecretStr | None = None
    """Its auth token, by which receipts are verified, too."""
    twilio_service: str = Field(default="", pattern=r"^(MG[0-9a-fA-F]{32})?$")
    """The messaging service (`MG…`) that sends, in place of `sender`."""
    solapi_api: str = Field(default="https://api.solapi.com", pattern=r"^https?://[^/\s]+$")
    """Where the API of SOLAPI is."""
    solapi_key: str = ""
    solapi_secret: SecretStr | None = None
    nhn_api: str = Field(default="https://api-sms.cloud.toast.com", pattern=r"^https?://[^/\s]+$")
    """Where the API of NHN Cloud SMS is."""
    nhn_app_key: str = Field(default="", pattern=r"^[A-Za-z0-9]*$")
    nhn_secret_key: SecretStr | None = None


class InboxSettings(BaseModel):
    listen: Listen = "127.0.0.1:9025"
    """Where the local catch-all inbox shows the mails and texts it took; it runs only where `mail.server` is unset."""
    smtp: Listen = "127.0.0.1:9026"
    """Where it takes mails."""


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


class ReservationSettings(BaseModel):
    shards: int = Field(default=4, ge=1, le=1024)
    """Into how many streams requests are spread, by what they ask for."""
    workers: int = Field(default=0, ge=0, le=64)
    """How many processes of their own `munjigi up` starts for deciding requests; 0: that is one of the background jobs.
    They share the streams among themselves, so more of them than `shards` stand by."""
    batch: int = Field(default=1024, ge=1, le=4096)
    """How many requests one transaction decides at most."""
    hold_lifetime: Seconds = 900
    """How long what was granted is kept for its person before it must be confirmed."""


class PaymentSettings(BaseModel):
    provider: Literal["sandbox", "toss"] = "sandbox"
    """Who takes the money: the sandbox of `munjigi up`, which moves none, or Toss Payments."""
    origin: str = Field(default="", pattern=r"^(https?://[^/\s]+)?$")
    """Where people come back to from the provider's page, and where its webhooks go: the shop as browsers know it.
    Unset: `http://shop.localhost` with the port of `gateway.listen`."""
    listen: Listen = "127.0.0.1:9027"
    """Where the sandbox has its page and its API."""
    patience: Seconds = 10
    """How long the provider may take to answer before what it did counts as unknown."""
    toss_api: str = Field(default="https://api.tosspayments.com", pattern=r"^https?://[^/\s]+$")
    """Where the API of Toss Payments is."""
    toss_client_key: str = ""
    """The client key (`test_ck_…`, `live_ck_…`), which the script in people's browsers shows."""
    toss_secret_key: SecretStr | None = None
    """The secret key (`test_sk_…`, `live_sk_…`) of the same contract."""

    @model_validator(mode="after")
    def _has_the_keys_of_its_provider(self) -> Self:
        if self.provider == "toss" and not (self.toss_client_key and self.toss_secret_key):
            raise ValueError("PROVIDER toss needs TOSS_CLIENT_KEY and TOSS_SECRET_KEY")
        return self


class PolicySettings(BaseModel):
    operator: UUID = UUID("5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a01")
    """Id of the organisation that runs this installation: its administrators alone change the policy, which is
    everybody's. Unset, it is the first one of the demo data; with people of your own, name theirs."""
    approvals: int = Field(default=1, ge=1, le=2)
    """How many people it takes to publish a policy: 2 asks for an approval of its exact content by somebody who did
    not write it. Rolling back takes one, always: it is for emergencies, and on record."""
    decisions_days: int = Field(default=7, ge=1, le=3650)
    """For how many days decisions are found by their id, and can be decided again. The record itself is kept on."""
    decisions_megabytes: int = Field(default=4096, ge=1)
    """How much all of those may take in the database, compressed; the oldest are forgotten first."""
    roles_page: str = ""
    """Where people ask for roles, for a time, as their browsers name it: `/api/policy/elevations/mine` of the console's
    host. Unset: at `http://console.localhost` with the gateway's port."""
    responses: Path | None = None
    """Which incidents are answered by which measures, TOML. Unset: the table that ships with the product."""


class LogSettings(BaseModel):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Settings(BaseSettings):
    """All settings of one process. Build it with `load_settings()`."""

    model_config = SettingsConfigDict(env_prefix="MUNJIGI_", env_nested_delimiter="__", extra="forbid", frozen=True)

    var: Path = Path("var")
    """Where the embedded engines, secrets, sockets and audit segments live."""
    database: DatabaseSettings = DatabaseSettings()
    valkey: ValkeySettings = ValkeySettings()
    engines: EngineSettings = EngineSettings()
    idp: IdentityProviderSettings = IdentityProviderSettings()
    gateway: GatewaySettings = GatewaySettings()
    session: SessionSettings = SessionSettings()
    keys: KeySettings = KeySettings()
    reservation: ReservationSettings = ReservationSettings()
    payments: PaymentSettings = PaymentSettings()
    policy: PolicySettings = PolicySettings()
    mail: MailSettings = MailSettings()
    texts: TextSettings = TextSettings()
    inbox: InboxSettings = InboxSettings()
    outbound: OutboundSettings = OutboundSettings()
    support: SupportSettings = SupportSettings()
    place: PlaceSettings = PlaceSettings()
    log: LogSettings = LogSettings()
    settings: Path | None = None
    """The TOML file that these were read from."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get("MUNJIGI_SETTINGS")
        return (
            init_settings,
            env_settings,
            *([TomlConfigSettingsSource(settings_cls, Path(file))] if file else []),
        )

    @property
    def runtime(self) -> Path:
        """The folder of the unix sockets: `var/run`, or a short one of this user's where that path is too long."""
        wanted = self.var.absolute() / "run"
        if len(os.fsencode(wanted)) + len("/.s.PGSQL.5432.lock") <= UNIX_SOCKET_PATH_LIMIT:
            return wanted
        digest = hashlib.sha256(os.fsencode(self.var.absolute())).hexdigest()[:12]
        return Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp")) / f"munjigi-{os.getuid()}-{digest}"  # noqa: S108 - made 0700, its owner checked

    @property
    def secrets(self) -> Path:
        """The folder (0700) of the secrets that the embedded set-up makes for itself."""
        return self.var.absolute() / "secrets"

    def database_url(self, role: Role) -> str:
        """Where PostgreSQL is, for one service's role."""
        if self.database.url is None:
            return f"postgresql+asyncpg://munjigi_{role}@/munjigi?host={self.runtime}"
        return self.database.url.replace("{role}", role)

    def valkey_url(self) -> str:
        return self.valkey.url or f"unix://{self.runtime}/valkey.sock"

    @property
    def roles_page(self) -> str:
        """Where people ask for roles, for a time."""
        return self.policy.roles_page or f"http://console.localhost:{self.gateway.port}/api/policy/elevations/mine"

    @property
    def texts_go_by(self) -> Literal["twilio", "solapi", "nhn", "inbox"] | None:
        """Who carries text messages; `None`: nobody does."""
        return self.texts.provider or ("inbox" if self.mail.server is None else None)

    @property
    def shop_origin(self) -> str:
        """The shop as browsers know it."""
        return self.payments.origin or f"{self.gateway.origin_scheme}://shop.localhost:{self.gateway.port}"

    def upstream_socket(self, service: str) -> Path:
        """The unix socket on which one upstream service listens."""
        return self.runtime / f"{service}.sock"


def load_settings() -> Settings:
    """Read the environment and the settings file.

    Raises `WrongSettings` naming each wrong setting by its environment variable. Values are not shown, since one
    may be a secret.
    """
    known = _known_environment()
    unknown = [
        name
        for name in os.environ
        if name.startswith("MUNJIGI_")
        and not any(name == k or (k.endswith("__") and name.startswith(k)) for k in known)
    ]
    if unknown:
        raise WrongSettings(
            "\n".join(
                f"{name}: there is no such setting; `munjigi doctor --settings` lists them" for name in sorted(unknown)
            )
        )
    try:
        if file := os.environ.get("MUNJIGI_SETTINGS"):
            Path(file).open("rb").close()  # a file that is missing is an error, not an empty one
        return Settings()
    except ValidationError as error:
        lines = [
            f"MUNJIGI_{'__'.join(str(part).upper() for part in detail['loc'])}: {detail['msg']}"
            for detail in error.errors(include_input=False, include_url=False)
        ]
        raise WrongSettings("\n".join(lines)) from None
    except (OSError, ValueError) as error:
        raise WrongSettings(f"MUNJIGI_SETTINGS: {error}") from error


def _known_environment() -> set[str]:
    """The environment variables there are; a name that ends in `__` stands for a dictionary's keys."""
    names = set()
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner, inner_field in field.annotation.model_fields.items():
                dictionary = "dict" in str(inner_field.annotation)
                names.add(f"MUNJIGI_{name}__{inner}{'__' if dictionary else ''}".upper())
        else:
            names.add(f"MUNJIGI_{name}".upper())
    return names
