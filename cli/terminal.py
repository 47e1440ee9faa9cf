"""What the person at the terminal sees while everything starts, and once it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.demo_accounts import DemoAccount, demo_accounts
from config.settings import Settings

_LOOKS = {"starting": "yellow", "migrating": "yellow", "loading": "yellow", "ready": "green", "loaded": "green"}


class Terminal:
    """One display that grows while everything starts; then plain lines. No thread of its own: the supervisor forks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._console = Console(highlight=False)
        self._steps: dict[str, str] = {}
        self._live: Live | None = None
        self._ended = False

    def step(self, name: str, state: str) -> None:
        """Say how far one part is."""
        self._steps[name] = state
        if not self._console.is_terminal:
            if state in ("ready", "loaded"):
                self._say(f"{name}: {state}")
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._progress(), refresh=True)

    def _progress(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, state in self._steps.items():
            table.add_row(name, Text(state, style=_LOOKS.get(state, "")))
        return table

    def close(self) -> None:
        """Take the display away; what was written beside it stays."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def announce(self, seconds: float, extra: Sequence[tuple[str, str]] = ()) -> None:
        """Everything answers: say where, who can sign in, and what to try. `extra`: more addresses."""
        self.close()
        port = self._settings.gateway.port
        shop, console = f"http://shop.localhost:{port}", f"http://console.localhost:{port}"
        addresses = [
            (f"{shop}/", "the shop, behind the gateway"),
            (f"{shop}/reservations", "reservations, behind the gateway"),
            (f"{console}/", "the console, for administrators"),
            (self._settings.idp.issuer, "the identity provider"),
            *extra,
        ]
        self._console.print(f"\n[bold]Munjigi is up[/] after {seconds:.1f} s.\n")
        self._print_table("Addresses", ("address", "what is there"), addresses)
        accounts = demo_accounts()
        self._print_table("Demo accounts", ("name", "password", "who it is"), [_cells(account) for account in accounts])
        name = accounts[0].name if accounts else "a demo account"
        self._console.print(
            f"[bold]Try[/]  1. Open {shop}/ and sign in as {name}.\n"
            "     2. Reserve something: the answer comes back over a websocket.\n"
            f"     3. Open {shop}/ in a second browser and sign in as {name} again: take the session over, and\n"
            "        watch the first browser being told and shut out.\n"
            "     4. `munjigi audit verify` checks the record of all that; `munjigi doctor` checks the set-up.\n",
            soft_wrap=True,
        )
        self._say(f"Records: {self._settings.var.absolute() / 'log'}   Ctrl-C stops everything.")

    def _print_table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if not rows:
            return
        table = Table(title=title, title_justify="left", title_style="bold", expand=False)
        for index, column in enumerate(columns):
            table.add_column(column, no_wrap=index == 0, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)
        self._console.print()

    def tell(self, line: str) -> None:
        """One line about something that happened."""
        self.close()
        sys.stderr.write(f"munjigi: {line}\n")

    def stopping(self) -> None:
        """Everything is being stopped."""
        self.close()
        self._say("munjigi: stopping")

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)
        self._console.file.flush()  # whoever reads through a pipe sees it now


def _cells(account: DemoAccount) -> tuple[Any, ...]:
    return account.name, account.password, account.description
