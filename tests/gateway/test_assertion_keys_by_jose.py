"""npm's `jose` verifies the upstream assertion by its published keys, as docs/how-to has it; rotation is no failure."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.clock import SystemClock
from config.serving import serve_application
from gateway.assertion_keys import PATH, AssertionKeys
from jose.assertion import AssertionSigner, Subject
from jose.keys import KeyRing, SigningKey
from tests.clients.app import LIBRARIES
from tests.docs.test_examples import PROJECT, blocks
from tests.house import free_port

PAGE = PROJECT / "docs" / "how-to" / "put-a-service-behind-the-gateway.md"
OLDER_NODE = """
import { webcrypto } from "node:crypto";
globalThis.crypto ??= webcrypto; // Debian 12 has Node.js 18
globalThis.CryptoKey ??= webcrypto.CryptoKey;
"""
ASKS = """
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  try { console.log(JSON.stringify(await verified(line))); }
  catch (error) { console.log(JSON.stringify({ refused: error.code })); }
}
"""


@pytest.fixture
async def published() -> AsyncIterator[tuple[AssertionKeys, int]]:
    """The gateway's keys, served."""
    keys, port = AssertionKeys(KeyRing.of(SigningKey.generate())), free_port()

    async def answer(_request: Request) -> Response:
        return Response(keys.document, media_type="application/jwk-set+json")

    ready, stop = asyncio.Event(), asyncio.Event()
    app = Starlette(routes=[Route(PATH.decode(), answer)])
    serving = asyncio.create_task(serve_application(app, f"127.0.0.1:{port}", ready=ready.set, stop=stop))
    await asyncio.wait_for(ready.wait(), 20)
    yield keys, port
    stop.set()
    await serving


async def test_it_verifies_and_follows_a_rotation(published: tuple[AssertionKeys, int], tmp_path: Path) -> None:
    keys, port = published
    ((_, shown),) = blocks(PAGE, "js")
    (tmp_path / "node_modules").symlink_to(LIBRARIES)
    program = tmp_path / "verify.mjs"
    # what it knows is kept for 30 seconds at least before an unknown name makes it ask again: here for none
    source = shown.replace("ledger.localhost:8080", f"127.0.0.1:{port}").replace(
        '"));', '"), { cooldownDuration: 0 });'
    )
    program.write_text(OLDER_NODE + source + ASKS)
    former, following = SigningKey.generate(), SigningKey.generate()
    ring = KeyRing.of(former)
    keys.replace(ring)
    node = await asyncio.create_subprocess_exec(
        shutil.which("node") or "node", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert node.stdin is not None
    assert node.stdout is not None

    async def asked(signer: AssertionSigner, upstream: str = "ledger") -> dict[str, object]:
        assert node.stdin is not None
        assert node.stdout is not None
        token = signer.sign(upstream, Subject(sub="u-1", name="미나"), zone="ledger", now=SystemClock().timestamp())
        node.stdin.write(token.encode() + b"\n")
        answer: dict[str, object] = json.loads(await asyncio.wait_for(node.stdout.readline(), 30))
        return answer

    signer = AssertionSigner(ring)
    told = await asked(signer)
    assert (told["sub"], told["name"], told["iss"]) == ("u-1", "미나", "urn:munjigi:gateway")
    assert await asked(signer, "commerce") == {"refused": "ERR_JWT_CLAIM_VALIDATION_FAILED"}
    rotated = KeyRing({following.algorithm: following}, {**ring.public, following.kid: following.public})
    keys.replace(rotated)
    assert (await asked(AssertionSigner(rotated)))["sub"] == "u-1", "it asked again for the name it did not know"
    assert (await asked(signer))["sub"] == "u-1", "what the former key signed is good until it is over"
    stranger = AssertionSigner(KeyRing.of(SigningKey.generate()))
    assert await asked(stranger) == {"refused": "ERR_JWKS_NO_MATCHING_KEY"}
    node.stdin.close()
    await node.wait()
