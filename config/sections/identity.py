"""The identity provider, the sessions that it holds, and the keys that sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from config.sections.kinds import Listen, Seconds, port_of


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
            self.issuer = f"http://localhost:{port_of(self.listen, 9000)}"
        return self


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
    factor_from_risk: Annotated[int, Field(ge=1, le=101)] = 50
    """The risk of a sign-in, from 0 to 100, from which on a second factor is given, on whatever device; 101: never. The
    page of the model says how many of people's own sign-ins reach it."""

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
