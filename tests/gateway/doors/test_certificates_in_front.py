"""A client's certificate, seen by nginx or HAProxy: the token that is bound to it (RFC 8705) passes with it alone."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from pathlib import Path

import pytest

from idp.protocol.confirmation import certificate_thumbprint
from tests.gateway.doors.real import KINDS, Command
from tests.gateway.doors.test_in_front import Front, standing
from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import Client
from tests.gateway.rig import Rig
from tests.idp.keys import der


async def asked(front: Front, context: ssl.SSLContext, token: str, *, claimed: str = "") -> int:
    """The status of one request; `claimed`: what the client itself says of its certificate."""
    streams = await asyncio.open_connection("127.0.0.1", front.port, ssl=context, server_hostname="localhost")
    client = Client(*streams)
    own = f"Client-Cert: {claimed}\r\n" if claimed else ""
    head = f"GET /products HTTP/1.1\r\nHost: shop.localhost:8080\r\n{own}Authorization: Bearer {token}\r\n\r\n"
    answer = await client.ask(head.encode())
    client.writer.close()
    return answer.status


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bound_token_passes_with_its_certificate_alone(rig: Rig, folder: Path, kind: Command) -> None:
    authority = Authority(folder, "authority")
    own = authority.issue("CN=till-7,O=Example")
    seen, nobody = authority.trusting(own), authority.trusting()
    other = authority.trusting(authority.issue("CN=till-7,O=Example"))
    async with standing(rig, folder, kind, authority=authority, believed=True) as front:
        token = rig.token(cnf={"x5t#S256": certificate_thumbprint(der(own[1]))})
        assert await asked(front, seen, token) == 200
        assert await asked(front, other, token) == 401
        assert await asked(front, nobody, token) == 401
        assert await asked(front, nobody, rig.token()) == 200, "a certificate is nothing that must be"
        forged = f":{b64encode(der(own[1])).decode()}:"
        assert await asked(front, nobody, token, claimed=forged) == 401, "what a client says of itself is replaced"


@pytest.mark.parametrize("kind", KINDS)
async def test_unless_it_is_believed_no_proxy_tells_of_one(rig: Rig, folder: Path, kind: Command) -> None:
    authority = Authority(folder, "authority")
    own = authority.issue("CN=till-7,O=Example")
    async with standing(rig, folder, kind, authority=authority) as front:
        token = rig.token(cnf={"x5t#S256": certificate_thumbprint(der(own[1]))})
        assert await asked(front, authority.trusting(own), token) == 401
