"""A house in which a pipeline works: identity provider, relay, policy service and gateway, on real sockets."""

from __future__ import annotations

import json
import os
import shlex
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import policy.admin.app
from cli.policies.connection import Connection
from config import key_space
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.envelope import Envelope
from config.settings import Settings
from idp.clients.client import Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.storage import clients
from jose.storage.keys import SigningKeys
from policy import versions
from policy.admin.scopes import APPROVE, READ, SCOPES
from policy.artefact import Rule, RuleEffect
from policy.client import PolicyClient
from policy.demo import shipped_policy
from policy.storage.versions import PolicyVersions
from tests.commands import Ran, run_command
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, on_free_ports, people, running
from tests.idp.keys import Key

PROJECT = Path(__file__).parents[2]
SECRET = "a secret of 256 bits, let us say"
ROLES = {
    "client:pipeline": tuple(SCOPES),
    "client:reviewer": (READ, APPROVE),
    "client:reader": (READ,),
    "client:stranger": tuple(SCOPES),
}
"""Programs, and the scopes that each has registered."""
STRANGER = "client:stranger"
"""The one that no rule lets in."""
BY_KEY = "reviewer"
"""The one that proves itself by a key."""


@dataclass
class Pipeline:
    """Who runs commands there, as a program that a rule lets in."""

    settings: Settings
    folder: Path

    @property
    def address(self) -> str:
        return f"http://console.localhost:{self.settings.gateway.port}"

    def environment(self, client_id: str = "pipeline") -> dict[str, str]:
        return {
            "MJ_POLICY_ADDRESS": self.address,
            "MJ_POLICY_ISSUER": self.settings.idp.issuer,
            "MJ_POLICY_CLIENT_ID": client_id,
            **(
                {"MJ_POLICY_CLIENT_KEY_FILE": "reviewer.key"}
                if client_id == BY_KEY
                else {"MJ_POLICY_CLIENT_SECRET": SECRET}
            ),
        }

    def client(self, client_id: str = "pipeline") -> PolicyClient:
        """The library's, which speaks to the gateway's port."""
        told = self.environment(client_id)
        return Connection(self.address, told["MJ_POLICY_ISSUER"], client_id, "", "", SECRET, "", "").open()

    async def run(self, command: str, *, client_id: str = "pipeline") -> Ran:
        """`munjigi …`, as a shell would read it, in the folder of the pipeline, in a process of its own."""
        words = shlex.split(command)
        assert words[0] == "munjigi"
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), **self.environment(client_id)}
        return await run_command(words[1:], self.folder, environment)

    async def told(self, command: str, *, client_id: str = "pipeline") -> Any:
        """What a command that must succeed prints as JSON."""
        result = await self.run(f"{command} --json", client_id=client_id)
        assert result.exit_code == 0, (command, result)
        return json.loads(result.stdout)


@asynccontextmanager
async def pipeline(settings: Settings, folder: Path) -> AsyncIterator[Pipeline]:
    """Everything runs, and the shipped policy lets programs in, but for one."""
    there = on_free_ports(settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    there = there.model_copy(update={"gateway": there.gateway.model_copy(update={"listen": listen})})
    await people(there)
    key = Key()
    (folder / "reviewer.key").write_bytes(key.pem())
    await let_in(there, key)
    await _remember_replays(there)
    async with running(there, RELAY, PROVIDER, policy.admin.app.serve, GATEWAY):
        yield Pipeline(there, folder)


async def _remember_replays(settings: Settings) -> None:
    """As if the memory of used assertions had begun long ago: while it is young, nothing made before it is taken."""
    valkey = open_valkey(settings)
    await valkey.set(key_space.replays_since("assertion"), "0")
    await valkey.aclose()


async def let_in(settings: Settings, key: Key) -> None:
    """The programs, and the shipped policy with a rule for each but one."""
    database, stored, clock = open_database(settings, "policy"), PolicyVersions(), SystemClock()
    shipped = shipped_policy()
    rules = [Rule(role, 399, role, "admin", "/api/policy/**", RuleEffect.ALLOW) for role in ROLES if role != STRANGER]
    made = msgspec.structs.replace(
        shipped,
        rules=(*shipped.rules, *(msgspec.structs.replace(rule, id=rule.role.replace(":", ".")) for rule in rules)),
        roles=(*shipped.roles, *ROLES),
    )
    async with database.begin() as tx:
        await stored.hold(tx)
        act = versions.Act("test", "programs release policies", clock.now(), "test")
        ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "policy", act.at)
        version, _ = await versions.draft(stored, tx, made, act)
        await versions.publish(stored, tx, version.number, ring.active, act)
    await database.dispose()
    directory = open_database(settings, "idp")
    async with directory.begin() as tx:
        for role, scopes in ROLES.items():
            client_id = role.removeprefix("client:")
            client = Client(
                client_id=client_id,
                name={"en": client_id},
                auth_method="private_key_jwt" if client_id == BY_KEY else "client_secret_basic",
                secret_hash=None if client_id == BY_KEY else hash_secret(SECRET),
                redirect_uris=(),
                post_logout_redirect_uris=(),
                grant_types=("client_credentials",),
                scopes=scopes,
                metadata=ClientMetadata(jwks={"keys": [key.registered]} if client_id == BY_KEY else None),
            )
            await clients.put(tx, client, clock.now())
    await directory.dispose()
