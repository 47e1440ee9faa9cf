"""A password is found among leaked ones in either form of the data, by seeking; what is wrong with a copy is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from config.health import health_application, tell_of
from config.problem import Problem
from config.settings import WrongSettings
from idp.credentials.breach_survey import size_of, survey
from idp.credentials.breached import (
    HASH,
    UNREADABLE,
    BreachedPasswords,
    OrderedFile,
    RangeFolder,
    Unusable,
    copy_at,
    digest_of,
)
from tests.idp.browser import Browser
from tests.idp.credentials.leaks import lines_of, write_file, write_folder

KNOWN = ("correct horse battery staple", "hunter2hunter2", "비밀번호는 비밀번호")
UNKNOWN = "three boats left before the rain"


@pytest.fixture(params=["file", "folder"])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> OrderedFile | RangeFolder:
    made = write_file if request.param == "file" else write_folder
    return copy_at(made(tmp_path / "pwned", KNOWN))


def test_the_digest_is_that_of_the_service() -> None:
    assert digest_of(b"P@ssw0rd") == "21BD12DC183F740EE76F27B78EB39C8AD972A757", "the example of its documentation"


def test_every_line_is_found_and_nothing_else(copy: OrderedFile | RangeFolder) -> None:
    for line in lines_of(KNOWN, among=500):
        digest, _, count = line.partition(":")
        assert copy.count(digest) == int(count)
    if isinstance(copy, OrderedFile):
        for digest in ("0" * HASH, "F" * HASH, digest_of(UNKNOWN.encode())):
            assert copy.count(digest) == 0
    copy.check()


@pytest.mark.parametrize("number", [1, 2, 3, 5])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_of_few_lines(tmp_path: Path, number: int, end: str) -> None:
    path = tmp_path / "few.txt"
    lines = lines_of([f"password {one}" for one in range(number)])
    for content in (end.join(lines) + end, end.join(lines), end.join(lines).lower()):
        path.write_text(content, newline="")
        assert [OrderedFile(path).count(line[:HASH]) for line in lines] == [int(line[41:]) for line in lines]
        assert OrderedFile(path).count("8" * HASH) == 0


def test_little_of_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file(tmp_path / "pwned.txt", KNOWN, among=20_000)
    read, pread = [0], os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        read[0] += size
        return pread(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    assert OrderedFile(path).count(digest_of(KNOWN[0].encode())) > 0
    assert read[0] < 4096 < path.stat().st_size


async def test_passwords_are_known_as_typed_and_as_composed(tmp_path: Path) -> None:
    breached = BreachedPasswords.open(write_file(tmp_path / "pwned.txt", ["café is my password"]))
    assert await breached.is_known("café is my password")
    assert await breached.is_known("café is my password"), "the accent is a character of its own"
    assert not await breached.is_known("Café is my password")
    assert not await BreachedPasswords.open(None).is_known(KNOWN[0]), "where there is no list"


async def test_padding_is_no_leak(tmp_path: Path) -> None:
    """Ranges are padded by lines of a count of 0 where that was asked for."""
    path = tmp_path / "pwned.txt"
    path.write_text(f"{digest_of(UNKNOWN.encode())}:0\n")
    assert not await BreachedPasswords.open(path).is_known(UNKNOWN)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"<html>not found</html>\n" * 40, "no hash and count"),
        (b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:3\n0000000000000000000000000000000000000000:1\n", "stands after"),
        (b"21BD12DC183F740EE76F27B78EB39C8AD972A757:1\n5BAA61E4C9B93F3F06822", "no hash and count"),
        (b"8846F7EAEE8FB117AD06BDD830B7586C:1\n", "no hash and count"),  # NTLM, which the downloader gives as well
    ],
)
def test_what_is_no_copy_is_told_at_the_start(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "pwned.txt"
    path.write_bytes(content)
    with pytest.raises(WrongSettings, match="MUNJIGI_IDP__BREACHED_PASSWORDS") as raised:
        BreachedPasswords.open(path)
    assert told in str(raised.value)


def test_a_folder_without_a_range_is_told_of(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "ranges", KNOWN)
    (folder / "80000.txt").unlink()
    with pytest.raises(WrongSettings, match="80000"):
        BreachedPasswords.open(folder)
    with pytest.raises(WrongSettings, match="No such file"):
        BreachedPasswords.open(tmp_path / "nowhere")


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[BreachedPasswords]:
    path = write_file(tmp_path / "pwned.txt", KNOWN)
    breached = BreachedPasswords.open(path)
    path.unlink()
    withdraw = tell_of("breached_passwords", breached.check)
    yield breached
    withdraw()


async def test_while_it_is_away_no_password_is_chosen_and_nobody_is_kept_out(lost: BreachedPasswords) -> None:
    with pytest.raises(Problem) as raised:
        await lost.is_known(KNOWN[0])
    assert raised.value.kind is UNREADABLE
    assert not await lost.is_known_of(KNOWN[0])


async def test_readiness_tells_of_it_and_does_not_hang_on_it(lost: BreachedPasswords) -> None:
    async def answers() -> None:
        """An engine that is well."""

    browser = Browser(httpx2.ASGITransport(health_application("idp", {"postgresql": answers})))
    answer = await browser.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"service": "idp", "ready": True, "postgresql": True, "breached_passwords": False}
    with pytest.raises(Unusable):
        await lost.check()


def test_both_forms_of_one_download_have_one_checksum(tmp_path: Path) -> None:
    lines = lines_of(KNOWN, among=300)
    (tmp_path / "pwned.txt").write_text("".join(f"{line}\r\n" for line in lines), newline="")
    folder = tmp_path / "ranges"
    folder.mkdir()
    for prefix in {line[:5] for line in lines}:
        own = [line[5:] for line in lines if line[:5] == prefix]
        (folder / f"{prefix}.txt").write_text("\r\n".join(own), newline="")
    heard: list[tuple[int, int]] = []
    file = survey(tmp_path / "pwned.txt", lambda read, hashes: heard.append((read, hashes)))
    ranges = survey(folder, lambda _read, _hashes: None)
    assert (file.form, ranges.form) == ("file", "folder")
    assert (file.hashes, file.ranges, file.checksum) == (ranges.hashes, ranges.ranges, ranges.checksum)
    assert heard[-1] == (size_of(tmp_path / "pwned.txt"), len(lines))
    assert file.faults == ranges.faults == ()
    assert not file.sound, "most ranges are missing"
    assert file.missing[0] == "00000"


def test_each_fault_is_told_with_its_line(tmp_path: Path) -> None:
    lines = lines_of(KNOWN, among=20)
    lines[3], lines[7] = lines[7], lines[3]
    lines.insert(12, "x" * 45)
    lines.append(lines[-1])
    path = tmp_path / "pwned.txt"
    path.write_text("\n".join(lines) + "\n")
    found = survey(path, lambda _read, _hashes: None)
    assert {fault.partition(":")[0] for fault in found.faults} >= {
        "pwned.txt, line 5",
        "pwned.txt, line 13",
        f"pwned.txt, line {len(lines)}",
    }
    assert found.faulty == len(found.faults)
    assert found.hashes == len(lines) - 1
