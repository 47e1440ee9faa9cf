"""The sandbox as the process that it is, and a person at its page."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2

from config.engines.folders import make_var
from config.sections.services import PaymentSettings
from config.settings import Settings
from tests.commands import forked
from tests.house import PROJECT, free_port
from upstreams.trade.payments.sandbox.cards import CARDS
from upstreams.trade.payments.sandbox.toss_api import SCRIPT
from upstreams.trade.payments.sandbox_keys import sandbox_keys, sandbox_origin
from upstreams.trade.payments.sandbox_provider import SandboxProvider
from upstreams.trade.payments.toss import TossPayments

GOOD = "4242424242424242"
PATIENCE = 10.0
"""Seconds that a provider of the tests waits for an answer."""
IMPATIENCE = 0.5
"""Seconds that it waits where the card lets no answer come."""
SILENT = {card.number for card in CARDS.values() if {card.capture, card.refund, card.void} & {"lost", "dropped"}}
"""Cards whose calls are not answered."""


@dataclass
class Sandbox:
    """A running sandbox."""

    settings: Settings
    process: ForkServerProcess | None = None

    @property
    def origin(self) -> str:
        return sandbox_origin(self.settings)

    def provider(self, patience: float = PATIENCE) -> SandboxProvider:
        return SandboxProvider(self.origin, sandbox_keys(self.settings), patience)

    def toss(self, patience: float = PATIENCE) -> TossPayments:
        return TossPayments(self.origin, "test_ck", sandbox_keys(self.settings).api, patience, f"{self.origin}{SCRIPT}")

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")}
        own = {"MUNJIGI_VAR": str(self.settings.var), "MUNJIGI_PAYMENTS__LISTEN": self.settings.payments.listen}
        nowhere = Path(os.devnull)
        self.process = forked(["payments"], PROJECT, {**environment, **own}, nowhere, nowhere)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx2.get(f"{self.origin}/pay/none", trust_env=False)
            except httpx2.HTTPError:
                assert self.process.is_alive(), "the sandbox ended"
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the sandbox does not answer")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.join(10)


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """A sandbox in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="mj-") as folder:
        payments = PaymentSettings(listen=f"127.0.0.1:{free_port()}")
        sandbox = Sandbox(Settings(var=Path(folder) / "v", payments=payments))
        make_var(sandbox.settings)
        sandbox.start()
        try:
            yield sandbox
        finally:
            assert sandbox.process is not None
            sandbox.process.terminate()
            sandbox.process.join(10)


async def pay(page: str, card: str = GOOD, **form: str) -> dict[str, str]:
    """Type a card at the sandbox's page; answers with where it led to, as `at` and the words of its query."""
    async with httpx2.AsyncClient(trust_env=False) as browser:
        answer = await browser.post(page, data=form or {"card": card})
    assert answer.status_code == 303, answer.text
    address = urlsplit(answer.headers["location"])
    return {"at": f"{address.scheme}://{address.netloc}{address.path}", **dict(parse_qsl(address.query))}
