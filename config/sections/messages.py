"""What people are sent, and where it is kept where nobody carries it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from config.sections.kinds import Listen


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
