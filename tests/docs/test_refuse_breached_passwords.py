"""The commands and settings of `docs/how-to/refuse-breached-passwords.md` are taken."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from config.settings import load_settings
from idp.credentials.breached import UNREADABLE, BreachedPasswords, OrderedFile
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.credentials.leaks import write_file

PAGE = PROJECT / "docs" / "how-to" / "refuse-breached-passwords.md"


async def test_what_it_shows_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_file(tmp_path / "pwnedpasswords.txt", ["a leaked sentence of words"])
    commands, settings = (block for _, block in blocks(PAGE, "sh"))
    program, *arguments = shlex.split(commands)
    assert program == "munjigi"
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 1, "a part of a copy is told from a whole one"
    assert "faults: 0" in told.stdout
    for name, value in re.findall(r"^export (\w+)=(.+)$", settings, re.MULTILINE):
        monkeypatch.setenv(name, value.replace("$PWD", os.getcwd()))  # noqa: PTH109 - as a shell does
    read = load_settings().idp
    assert read.breached_password_grace == 7
    breached = BreachedPasswords.open(read.breached_passwords)
    assert await breached.is_known("a leaked sentence of words")
    assert not await breached.is_known("another sentence of words")


def test_it_names_what_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    source = (PROJECT / "idp" / "credentials" / "breached.py").read_text(encoding="utf-8")
    assert UNREADABLE.code in text
    for name in ("breached_passwords_unreadable", "munjigi_breached_passwords_total", '"unreadable"'):
        assert name in text
        assert name in source


def test_a_lookup_takes_as_few_reads_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file of 40 GB: twice as many steps as it has bits of size, at most."""
    path = write_file(tmp_path / "pwned.txt", [], among=10_000)
    reads, pread = [0], os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        reads[0] += 1
        return pread(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    OrderedFile(path).count("8" * 40)
    assert reads[0] <= 2 * path.stat().st_size.bit_length()
