"""Certificates over real sockets: nginx ends TLS and says which certificate it saw; nobody else is believed."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc import jws

from config.connections import Database, Valkey
from config.public_http import PublicHttpProtocol
from config.sections.engines import Role
from config.serving import serve_application
from config.settings import Settings
from idp.protocol.confirmation import certificate_thumbprint
from tests.clock import FakeClock
from tests.docs.test_examples import blocks
from tests.house import free_port
from tests.idp.keyed import changed, code, redemption, register, renewal
from tests.idp.keys import Key, certificate, client_cert, der
from tests.idp.provider import App, Provider, running_provider

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "bind-tokens-to-a-key.md"

pytestmark = pytest.mark.skipif(not os.access(NGINX, os.X_OK), reason="nginx is not installed here")


@dataclass
class Front:
    """A provider behind nginx: `tls` with a certificate of a client's, `plain` past nginx."""

    provider: Provider
    folder: Path
    authority: x509.Certificate
    authority_key: Key
    tls_port: int
    port: int

    @asynccontextmanager
    async def tls(
        self, key: Key | None = None, found: x509.Certificate | None = None
    ) -> AsyncIterator[httpx2.AsyncClient]:
        context = ssl.create_default_context(cafile=str(self.folder / "server.pem"))
        context.check_hostname = False
        if key is not None and found is not None:
            chain = self.folder / "client.pem"
            chain.write_bytes(found.public_bytes(Encoding.PEM) + key.pem())
            context.load_cert_chain(chain)
        async with httpx2.AsyncClient(verify=context, base_url=f"https://127.0.0.1:{self.tls_port}") as client:
            yield client

    @asynccontextmanager
    async def plain(self, address: str = "127.0.0.1") -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.AsyncHTTPTransport(local_address=address)
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{self.port}") as client:
            yield client


@pytest.fixture
async def front(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Front]:
    clock.advance(time.time() - clock.timestamp())  # TLS reads the real clock
    authority_key, server_key = Key(), Key()
    authority = certificate(authority_key, clock.now(), subject="CN=an authority", authority=True, days=30)
    server = certificate(server_key, clock.now(), subject="CN=localhost", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    (tmp_path / "authority.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    (tmp_path / "server.pem").write_bytes(server.public_bytes(Encoding.PEM))
    (tmp_path / "server.key").write_bytes(server_key.pem())
    port, tls_port = free_port(), free_port()
    here = changed(
        settings,
        client_certificate_header=True,
        client_certificate_authorities=tmp_path / "authority.pem",
        trusted_proxies=("127.0.0.1/32",),
    )
    stop, listening = asyncio.Event(), asyncio.Event()
    async with running_provider(here, database("idp"), valkey, clock) as provider:
        serving = asyncio.create_task(
            serve_application(
                provider.app,
                f"127.0.0.1:{port}",
                ready=listening.set,
                stop=stop,
                http=PublicHttpProtocol,
                ws="none",
            )
        )
        await listening.wait()
        nginx = _nginx(tmp_path, tls_port, port)
        try:
            await _until_it_listens(tls_port)
            yield Front(provider, tmp_path, authority, authority_key, tls_port, port)
        finally:
            nginx.terminate()
            nginx.wait()
            stop.set()
            await serving


def _nginx(folder: Path, tls_port: int, port: int) -> subprocess.Popen[bytes]:
    """nginx, with the very block that the page shows."""
    ((_, shown),) = blocks(PAGE, "nginx")
    shown = (
        shown.replace("443 ssl", f"127.0.0.1:{tls_port} ssl")
        .replace("/etc/nginx/server.pem", str(folder / "server.pem"))
        .replace("/etc/nginx/server.key", str(folder / "server.key"))
        .replace("http://10.0.0.5:9000", f"http://127.0.0.1:{port}")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
        f"fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n{shown}\n}}\n"
    )
    return subprocess.Popen([NGINX, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(file)])


async def _until_it_listens(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise AssertionError("nginx does not listen")


def claims(token: str) -> dict[str, Any]:
    return msgspec.json.decode(jws.extract_compact(token.encode()).payload, type=dict[str, Any])


def named(app: App, form: dict[str, str]) -> dict[str, str]:
    return {"client_id": app.client_id, **form}


async def test_a_client_proves_itself_by_its_certificate_and_its_tokens_are_bound_to_it(front: Front) -> None:
    provider, key, now = front.provider, Key(), front.provider.parts.clock.now()
    app = await register(
        provider,
        "app",
        "self_signed_tls_client_auth",
        jwks={"keys": [key.jwk]},
        tls_client_certificate_bound_access_tokens=True,
    )
    found, strange_key = certificate(key, now), Key()
    form = named(app, redemption(app, await code(provider, app)))
    async with front.tls() as nobody:
        assert (await nobody.post("/token", data=form)).json()["error"] == "invalid_client"
    async with front.tls(strange_key, certificate(strange_key, now)) as stranger:
        assert (await stranger.post("/token", data=form)).json()["error"] == "invalid_client"
        forged = {"Client-Cert": client_cert(found)}
        assert (await stranger.post("/token", data=form, headers=forged)).json()["error"] == "invalid_client"
    async with front.plain("127.0.0.2") as past:  # not a trusted proxy
        assert (await past.post("/token", data=form, headers=forged)).json()["error"] == "invalid_client"
    async with front.tls(key, found) as client:
        tokens = (await client.post("/token", data=form)).json()
        token = tokens["access_token"]
        assert tokens["token_type"] == "Bearer"
        assert claims(token)["cnf"] == {"x5t#S256": certificate_thumbprint(der(found))}
        shown = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/userinfo", headers=shown)).status_code == 200
        said = (await client.post("/introspect", data=named(app, {"token": token}))).json()
        assert (said["active"], said["cnf"]) == (True, claims(token)["cnf"])
        assert (await client.post("/token", data=named(app, renewal(tokens)))).status_code == 200
    for visit in (front.tls(), front.tls(strange_key, certificate(strange_key, now)), front.plain("127.0.0.2")):
        async with visit as thief:
            stolen = await thief.get("/userinfo", headers={**shown, **forged})
            assert stolen.status_code == 401
            assert 'error="invalid_token"' in stolen.headers["www-authenticate"]


async def test_an_authority_vouches_for_a_client_by_name(front: Front) -> None:
    provider, key, now = front.provider, Key(), front.provider.parts.clock.now()
    app = await register(provider, "app", "tls_client_auth", tls_client_auth_subject_dn="CN=app,O=Example")
    form = named(app, redemption(app, await code(provider, app)))
    issued = {"issuer": (front.authority, front.authority_key)}
    for wrong in (certificate(key, now), certificate(key, now, subject="CN=another", **issued)):
        async with front.tls(key, wrong) as stranger:
            assert (await stranger.post("/token", data=form)).json()["error"] == "invalid_client"
    async with front.tls(key, certificate(key, now, **issued)) as client:
        tokens = (await client.post("/token", data=form)).json()
    assert "cnf" not in claims(tokens["access_token"])


async def test_what_must_be_bound_is_not_given_without_a_certificate(front: Front) -> None:
    provider, key, now = front.provider, Key(), front.provider.parts.clock.now()
    app = await register(provider, "app", "none", tls_client_certificate_bound_access_tokens=True)
    form = named(app, redemption(app, await code(provider, app)))
    async with front.tls() as nobody:
        assert (await nobody.post("/token", data=form)).json()["error"] == "invalid_request"
    async with front.tls(key, certificate(key, now)) as client:
        tokens = (await client.post("/token", data=form)).json()
    other = Key()
    async with front.tls(other, certificate(other, now)) as thief:
        assert (await thief.post("/token", data=named(app, renewal(tokens)))).json()["error"] == "invalid_grant"
