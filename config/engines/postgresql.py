"""PostgreSQL, embedded: peer authentication over a unix socket, no password and no trust.

The server runs inside its data folder and knows it as `/proc/self/cwd`, so it works below folders that its account
may not enter.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

from config.engines.account import Account, own_name
from config.engines.engine import Engine, EngineFailed
from config.engines.folders import make_engine_folder, put_link
from config.engines.programs import postgresql_programs

_HERE = "/proc/self/cwd"
_SOCKET = ".s.PGSQL.5432"
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class PostgreSQL(Engine):
    """The relational store. Its superuser is `munjigi_owner`, its database `munjigi`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: clients are cut off, everything is written

    @property
    def data(self) -> Path:
        """The data folder; it appears when it is whole."""
        return self.folder / "data"

    def _working_folder(self) -> Path:
        return self.data

    def _prepare(self, account: Account) -> list[str]:
        programs = postgresql_programs(self.settings, account)
        if not self.data.exists():
            self._initialise(programs, account)
        make_engine_folder(self.folder / "socket", account)
        for leftover in (self.data / "postmaster.pid", *(self.folder / "socket").iterdir()):
            leftover.unlink(missing_ok=True)
        self._write_access_rules(account)
        put_link(self.settings.runtime / _SOCKET, self.folder / "socket" / _SOCKET)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": "../socket",
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "io_method": "sync",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "max_wal_size": "2GB",
            "wal_compression": "pglz",
            **({} if self.durable else _NOT_DURABLE),
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(programs / "postgres"), "-D", _HERE, *arguments]

    def _initialise(self, programs: Path, account: Account) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)  # of one that was interrupted
        make_engine_folder(fresh, account)
        sync = [] if self.durable else ["--no-sync"]
        self._run(
            [
                str(programs / "initdb"), "-D", _HERE, "--username=munjigi_owner", "--auth=peer", "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions", *sync,
            ],
            account,
            fresh,
        )  # fmt: skip
        self._run(
            [str(programs / "postgres"), "--single", "-D", _HERE, "postgres"],
            account,
            fresh,
            b"CREATE DATABASE munjigi\n",
        )
        fresh.rename(self.data)

    def _run(self, command: list[str], account: Account, folder: Path, statement: bytes = b"") -> None:
        process = self._spawn(command, account, folder, stdin=subprocess.PIPE)
        process.communicate(statement)
        if process.returncode != 0:
            raise EngineFailed(f"{Path(command[0]).name} failed. {self._last_words()}")

    def _write_access_rules(self, account: Account) -> None:
        """Only the account of this process comes in, as any role of ours; the roles' rights part the services."""
        rules = {
            "pg_hba.conf": "local all all peer map=munjigi\n",
            "pg_ident.conf": f'munjigi "{own_name()}" "/^munjigi_[a-z]+$"\n',
        }
        for name, text in rules.items():
            path = self.data / name
            path.write_text(text)
            path.chmod(0o600)
            if account.changes:
                shutil.chown(path, account.uid, account.gid)

    def is_ready(self) -> bool:
        self._check_alive()
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"  # line 8: the postmaster's own word (miscadmin.h)
