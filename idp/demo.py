"""The relying apps, the APIs and the people that there are to try. Loading them again changes nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import tomllib
from datetime import datetime
from pathlib import Path

import msgspec

import config
from config.client_secret import load_client_secret
from config.clock import Clock, SystemClock
from config.connections import Transaction, open_database
from config.entropy import SystemEntropy
from config.settings import Settings
from events.outbox import append
from idp import demo_people, demo_resources
from idp.clients.client import EVENT_TOPIC, AuthMethod, Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.protocol.redirect_uri import is_registrable
from idp.storage import clients

DEMO_FILE = Path(config.__file__).parent / "shipped" / "demo.toml"


class ShippedClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `[[clients]]`."""

    client_id: str
    name: dict[str, str]
    auth_method: AuthMethod
    secret: str
    """Names the file of its secret."""
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    resources: tuple[str, ...] = ()


async def load(settings: Settings, clock: Clock | None = None) -> None:
    """Register the clients, describe the APIs, and keep the people, of `config/shipped/demo.toml`."""
    with DEMO_FILE.open("rb") as file:
        text = file.read().decode().replace("{gateway_port}", str(settings.gateway.port))
    shipped = tomllib.loads(text)
    now = (clock or SystemClock()).now()
    database = open_database(settings, "idp")
    try:
        async with database.begin() as tx:
            for entry in msgspec.convert(shipped.get("clients", []), list[ShippedClient]):
                await register(tx, settings, entry, now)
            await demo_resources.load(tx, shipped, now)
        await demo_people.load(database, settings, shipped, now, SystemEntropy())
    finally:
        await database.dispose()


async def register(tx: Transaction, settings: Settings, shipped: ShippedClient, now: datetime) -> None:
    """Register a client as it is shipped, with the secret of its file."""
    for uri in (*shipped.redirect_uris, *shipped.post_logout_redirect_uris):
        if not is_registrable(uri):
            raise ValueError(f"{shipped.client_id}: {uri} may not be registered")
    fields = msgspec.structs.asdict(shipped)
    secret = client_secret(settings, fields.pop("secret"))
    metadata = ClientMetadata(resources=fields.pop("resources"))
    if await clients.put(tx, Client(**fields, secret_hash=hash_secret(secret), metadata=metadata), now):
        await append(tx, EVENT_TOPIC, shipped.client_id, {"client_id": shipped.client_id})


def client_secret(settings: Settings, name: str) -> str:
    """The secret of a demo client: the gateway's own, or that of `<name>-client.secret`, made where there is none."""
    if name == "gateway":
        return load_client_secret(settings).get_secret_value()
    path = settings.secrets / f"{name}-client.secret"
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):  # another process was first: its secret is the one
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
