"""`munjigi passwords breached` says what a copy of leaked passwords is worth, by its exit status too."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.main import app
from tests.idp.credentials.leaks import lines_of, write_file


def test_a_part_of_a_copy_is_told_from_a_whole_one(tmp_path: Path) -> None:
    path = write_file(tmp_path / "pwned.txt", ["an old password"], among=40)
    told = CliRunner().invoke(app, ["passwords", "breached", str(path), "--json"])
    assert told.exit_code == 1, "only some ranges are there"
    document = json.loads(told.stdout)
    assert (document["sound"], document["form"], document["hashes"], document["faults"]) == (False, "file", 41, 0)
    assert len(document["checksum"]) == 64
    assert "no hashes of 1048535 ranges: 00000, 00001" in told.stderr


def test_what_is_wrong_is_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "pwned.txt"
    path.write_text("\n".join(reversed(lines_of([], among=30))))
    told = CliRunner().invoke(app, ["passwords", "breached", str(path)])
    assert told.exit_code == 1
    assert "pwned.txt, line 2: " in told.stderr
    assert "… and 9 more" in told.stderr
    assert "hashes: 30" in told.stdout
    assert CliRunner().invoke(app, ["passwords", "breached", str(tmp_path / "nowhere")]).exit_code == 2
