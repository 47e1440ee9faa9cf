"""Every setting of the product, its default, its unit, and the name of the environment variable that sets it.

A setting `session.idle_timeout` is read from `MUNJIGI_SESSION__IDLE_TIMEOUT`, or from a TOML file named by
`MUNJIGI_SETTINGS` under `[session]`. Unset, everything points at the embedded engines under `var/`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from config.sections.engines import DatabaseSettings, EngineSettings, Role, ValkeySettings
from config.sections.gateway import GatewaySettings
from config.sections.identity import IdentityProviderSettings, KeySettings, SessionSettings
from config.sections.messages import InboxSettings, MailSettings, TextSettings
from config.sections.services import PaymentSettings, PolicySettings, ReservationSettings
from config.sections.surroundings import LogSettings, OutboundSettings, PlaceSettings, SupportSettings

UNIX_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes; the longest file name of ours under it is counted in `runtime`


class WrongSettings(Exception):
    """The settings cannot be used; the message names each wrong one and says what is expected."""


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
