"""The blocks of `docs/how-to/end-tls-at-the-gateway.md` do what the page says."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.client_address import ClientAddresses
from config.sections.gateway import GatewaySettings
from policy.artefact import Policy, Zone
from policy.casbin_lines import WrongLines
from policy.lint import Fault, lint
from tests.docs.test_examples import PROJECT, blocks, defined_by
from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import free_port, rigged

PAGE = PROJECT / "docs" / "how-to" / "end-tls-at-the-gateway.md"
NGINX, CURL = shutil.which("nginx") or "/usr/sbin/nginx", shutil.which("curl")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: unix sockets have no room for pytest's own."""
    with tempfile.TemporaryDirectory(prefix="mj-") as path:
        yield Path(path)


def test_its_settings_are_settings() -> None:
    together: dict[str, Any] = {}
    for _, block in blocks(PAGE, "toml")[:-1]:
        together |= tomllib.loads(block)["gateway"]
    settings = GatewaySettings.model_validate(together)
    assert (settings.origin_scheme, settings.client_certificates) == ("https", "optional")
    assert set(together) == {
        "listen", "tls_certificate", "tls_key", "tls_others", "client_ca", "client_certificates",
    }  # fmt: skip


def test_its_rules_are_sound() -> None:
    lines = defined_by(PAGE)["lines"]
    findings = lint(Policy(("customer",), (Zone("shop"),), lines.rules, lines.inheritance))
    assert [finding for finding in findings if finding.fault is not Fault.ADMINISTRATOR_LOCKED_OUT] == []


@pytest.mark.parametrize("wrong", ["till.example", "till 7!"])
def test_what_a_condition_cannot_write_is_said(wrong: str) -> None:
    line = f'p, 10, a, customer, *, shop, /**, *, client_certificate_name == "{wrong}", allow,'
    with pytest.raises(WrongLines, match="client_certificate_name is compared with a short text"):
        defined_by(PAGE)["read"](line)


@pytest.mark.skipif(not os.access(NGINX, os.X_OK) or CURL is None, reason="nginx or curl is not installed here")
async def test_http_2_by_nginx_in_front(folder: Path) -> None:
    authority, tls_port, port = Authority(folder), free_port(), free_port()
    authority.server("localhost")
    ((_, shown),) = blocks(PAGE, "nginx")
    for there, here in (
        ("443 ssl", f"127.0.0.1:{tls_port} ssl"),
        ("/etc/nginx/server.pem", f"{folder}/server.pem"),
        ("/etc/nginx/server.key", f"{folder}/server.key"),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{port}"),
    ):
        assert there in shown
        shown = shown.replace(there, here)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
        f"fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n{shown}\n}}\n"
    )
    told = tomllib.loads(blocks(PAGE, "toml")[-1][1])["gateway"]
    addresses = ClientAddresses(told["trusted_proxies"])
    async with rigged(
        folder, listen=f"127.0.0.1:{port}", addresses=addresses, scheme=told["origin_scheme"], patience=60
    ) as rig:
        nginx = await asyncio.create_subprocess_exec(
            NGINX, "-e", f"{folder}/error.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"
        )
        try:
            asked = await _curl(
                "--http2", "--retry", "50", "--retry-connrefused", "--retry-delay", "1",
                "--cacert", str(authority.file),
                "-H", "Client-Cert: :QQ==:", "-H", "X-Forwarded-For: 192.0.2.9", "-d", "body",
                f"https://localhost:{tls_port}/a", "--resolve", f"localhost:{tls_port}:127.0.0.1",
                "-w", " %{http_version} %{http_code}",
            )  # fmt: skip
        finally:
            nginx.terminate()
            await nginx.wait()
        assert asked == b"ok 2 200"
        (head,) = rig.heads
        assert (head.method, head.client, head.scheme, head.host) == (b"POST", "127.0.0.1", "https", b"localhost")
        assert head.certificate is None
        assert rig.origin.asked[0].body == b"body"


async def _curl(*arguments: str) -> bytes:
    assert CURL is not None
    process = await asyncio.create_subprocess_exec(CURL, "-sS", *arguments, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return said
