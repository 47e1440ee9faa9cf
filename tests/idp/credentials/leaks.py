"""Copies of Pwned Passwords of some passwords, as the service's own downloader writes them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from idp.credentials.breached import digest_of


def lines_of(passwords: Collection[str], *, among: int = 0) -> list[str]:
    """`HASH:COUNT` of these passwords, and of as many others, in order."""
    known = [*passwords, *(f"somebody else's {number}" for number in range(among))]
    return sorted(f"{digest_of(one.encode())}:{number + 1}" for number, one in enumerate(known))


def write_file(path: Path, passwords: Collection[str], *, among: int = 500, end: str = "\r\n") -> Path:
    """The one big file."""
    path.write_bytes("".join(line + end for line in lines_of(passwords, among=among)).encode())
    return path


def write_folder(folder: Path, passwords: Collection[str], *, among: int = 500) -> Path:
    """A folder of ranges: those that are looked at first, and those of these passwords."""
    folder.mkdir(exist_ok=True)
    ranges: dict[str, list[str]] = {}
    for number in [*range(0, 16**5, 16**5 // 64), 16**5 - 1]:
        ranges[f"{number:05X}"] = ["0018A45C4D1DEF81644B54AB7F969B88D65:3"]
    for line in lines_of(passwords, among=among):
        ranges.setdefault(line[:5], []).append(line[5:])
    for prefix, lines in ranges.items():
        (folder / f"{prefix}.txt").write_bytes("\r\n".join(sorted(lines)).encode())
    return folder
