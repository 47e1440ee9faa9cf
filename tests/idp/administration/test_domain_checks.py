"""An organisation proves its domain by a file on the domain's own web site; the operator's word stands above it."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from config.connections import Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.outbound import Outbound
from config.settings import Settings
from idp.administration.app import SERVICE, application
from idp.federation import domain_proof
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from tests.config.test_outbound import HERE, certificate_of, listening
from tests.idp.administration.conftest import House
from tests.idp.administration.test_providers import PATH, add, leads, operate, word

DOMAIN = "acme.example"


def test_a_line_is_of_one_provider_one_domain_and_one_house() -> None:
    one, other = UUID(int=1), UUID(int=2)
    lines = {
        domain_proof.line_of(secret, provider, domain)
        for secret in (b"a", b"b")
        for provider in (one, other)
        for domain in (DOMAIN, "acme.test")
    }
    assert len(lines) == 8
    line = domain_proof.line_of(b"a", one, DOMAIN)
    assert domain_proof.says(f"another\r\n  {line} \n".encode(), line)
    for document in (line[:-1], f"x{line}", "", line.upper()):
        assert not domain_proof.says(document.encode(), line), document


class Site:
    """The web site of a domain on this machine: what its name leads to, and how the house looks at it."""

    def __init__(self, folder: Path) -> None:
        path = certificate_of(DOMAIN, folder)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(path)
        self._outbound = Outbound(HERE, resolve=self._resolve, tls=ssl.create_default_context(cafile=str(path)))
        self.port = 0

    async def _resolve(self, _host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def fetch(self, uri: str, *, most: int) -> bytes:
        """The port that https has by itself is not ours to listen at."""
        assert uri == f"https://{DOMAIN}/.well-known/munjigi-domain.txt"
        return await self._outbound.fetch(uri.replace(DOMAIN, f"{DOMAIN}:{self.port}", 1), most=most)


@pytest.fixture
async def acme(house: House, settings: Settings, valkey: Valkey, tmp_path: Path) -> tuple[House, Site]:
    site, envelope = Site(tmp_path), Envelope.load(settings)
    entrance = await Entrance.open(SERVICE, house.database("idp"), SigningKeys(envelope).assertion_keys, house.clock)
    database, clock = house.database("idp"), house.clock
    api = application(settings, database, valkey, envelope, clock, SystemEntropy(), fetch=site.fetch)
    transport = httpx2.ASGITransport(entrance.around(api))
    client = httpx2.AsyncClient(transport=transport, base_url="http://console.localhost:8080")
    return replace(house, client=client), site


def page(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


async def check(house: House, made: dict[str, Any], domain: str = DOMAIN) -> httpx2.Response:
    body = {"why": "we own it", "domain": domain}
    return await house("POST", f"{PATH}/{made['id']}/domains/check", body)


async def test_a_domain_leads_to_whoever_puts_the_line_there(acme: tuple[House, Site], settings: Settings) -> None:
    house, site = acme
    made = await add(house)
    told = (await house.got(f"{PATH}/{made['id']}/domains"))["domains"]
    [(domain, proven, line)] = [(one["domain"], one["proven"], one["line"]) for one in told]
    assert (domain, proven) == (DOMAIN, False)
    for answer in (page("munjigi-domain=of-another"), page(line, "404 Not Found"), page(line, "302 Found")):
        async with listening(answer, site.tls) as (site.port, _):
            refused = await check(house, made)
        assert (refused.status_code, refused.json()["code"]) == (409, "MJ-IDENTITY-033"), refused.text
        assert await leads(house, DOMAIN) is None
    assert (await check(house, made, "other.example")).status_code == 404, "it names it not"

    async with listening(page(f"# ours\n{line}\n"), site.tls) as (site.port, _):
        taken = await check(house, made, "Acme.example")
        assert (taken.status_code, taken.json()["by_file"]) == (200, True), taken.text
        assert await leads(house, DOMAIN) == made["id"]
        # what the operator takes back no file proves again, also for a provider that names it anew
        await operate(house, settings)
        assert (await word(house, "withdraw", made)).status_code == 200
        again = await add(house, client_id="another")
        for one in (made, again):
            assert (await check(house, one)).json()["code"] == "MJ-IDENTITY-033"
        assert await leads(house, DOMAIN) is None
        # until they give their word; then it leads to one alone
        assert (await word(house, "prove", made)).json()["by_file"] is False
    [of_again] = (await house.got(f"{PATH}/{again['id']}/domains"))["domains"]
    async with listening(page(of_again["line"]), site.tls) as (site.port, _):
        assert (await check(house, again)).json()["code"] == "MJ-IDENTITY-031"
    records = [one.details for one in await house.audited("organisation_changed") if "domain" in one.details]
    assert [(one["act"], one.get("by")) for one in records] == [
        ("domain_proven", "file"),
        ("domain_withdrawn", None),
        ("domain_proven", None),
    ]
