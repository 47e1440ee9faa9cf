"""A device that approves, without a browser: it keeps a key, and reads pages as a script does."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from hashlib import sha256

import httpx2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.idp.account.conftest import hidden
from tests.idp.browser import Browser
from tests.notifications.web_push.browser import PushBrowser, b64

ORIGIN = "http://localhost:9000"
_FORM = re.compile(
    r'<form[^>]*data-approval data-id="([^"]*)" data-nonce="([^"]*)" data-app="([^"]*)" '
    r'data-message="([^"]*)" data-key="([^"]*)"'
)


@dataclass(frozen=True)
class Question:
    """What a page asks."""

    id: str
    nonce: str
    app: str
    message: str
    key: str
    choices: tuple[str, ...]


@dataclass
class SoftDevice:
    """The key of one browser."""

    browser: Browser
    push: PushBrowser | None = None
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def name(self) -> str:
        return sha256(self.public).hexdigest()

    def sign(self, *lines: str) -> str:
        r, s = decode_dss_signature(self.private.sign("\n".join(lines).encode(), ec.ECDSA(hashes.SHA256())))
        return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    async def enrol(self, label: str = "Phone", **changed: str) -> httpx2.Response:
        """Set it up in the account of whoever is signed in here."""
        hop = hidden(await self.browser.get("/account/session"))
        form = {
            "hop": hop,
            "label": label,
            "public_key": b64(self.public),
            "signature": self.sign("munjigi-approval-device", ORIGIN, hop, self.name),
            "subscription": self.push.subscription() if self.push else "",
            **changed,
        }
        return await self.browser.follow(await self.browser.post("/account/approvals", form))

    async def questions(self, path: str = "/approvals") -> list[Question]:
        """What the page asks."""
        return questions((await self.browser.get(path)).text)

    async def answer(self, question: Question, decision: str, picked: str = "", /, **changed: str) -> str:
        """Sign and send. Returns what became of it, as the page is led to."""
        message = sha256(question.message.encode()).hexdigest()
        lines = ("munjigi-approval", ORIGIN, question.id, question.nonce, decision, picked, question.app, message)
        form = {"decision": decision, "picked": picked, "signature": self.sign(*lines, question.key), **changed}
        response = await self.browser.post(f"/approvals/{question.id}", form)
        assert response.status_code == 303, response.text
        return response.headers["location"].removeprefix("/approvals?done=")


def questions(page: str) -> list[Question]:
    """What a page asks."""
    found = []
    for card in page.split("<li class=")[1:]:
        if form := _FORM.search(card):
            values = [html.unescape(value) for value in form.groups()]
            found.append(Question(*values, choices=tuple(re.findall(r'data-pick="([^"]+)"', card))))
    return found


def number(page: httpx2.Response) -> str:
    """The number that a page which waits shows."""
    found = re.search(r"data-number>(\d\d)<", page.text)
    assert found, page.text
    return found[1]


def as_json(response: httpx2.Response) -> dict[str, str]:
    told: dict[str, str] = json.loads(response.text)
    return told
