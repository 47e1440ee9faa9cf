"""What `munjigi policy` asks of the API: drafts, differences, approvals, shadows, publications."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from cli.policies import at_desk
from cli.policies import folder as folders
from cli.policies.connection import Connection
from cli.policies.exits import NotFit, TooLong
from cli.policies.reach import wait_for
from policy import files
from policy.admin.import_messages import ImportRequest
from policy.admin.messages import DraftAnswer, DraftRequest, ShadowRequest, VersionDocument, VersionEntry
from policy.artefact import Policy
from policy.casbin_files.reading import Setting
from policy.client import PolicyClient, Tagged
from policy.difference import Difference
from policy.shadow import Report


def test(connection: Connection, version: int, *, as_json: bool) -> None:
    with connection.open() as client:
        report = client.versions.test_version(version)
    at_desk.tell_tests(report, as_json=as_json)


def diff(connection: Connection, what: str, against: str, *, exit_code: bool, as_json: bool) -> None:
    """Folders are compared here, versions there. Raises `NotFit` for a difference, if `exit_code`."""
    numbers = [int(side) if _is_number(side) else None for side in (what, against)]
    if numbers[0] is not None and (numbers[1] is not None or not against):
        with connection.open() as client:
            found = client.versions.difference(numbers[0], numbers[1])
    else:
        found = _compared(connection, what, against)
    if as_json:
        typer.echo(msgspec.json.encode(found))
    else:
        typer.echo(found.text, nl=False)
    if exit_code and found.text:
        raise NotFit


def _compared(connection: Connection, what: str, against: str) -> Difference:
    if against and not _is_number(what) and not _is_number(against):
        return folders.compare(folders.read(Path(against))[0], folders.read(Path(what))[0])
    with connection.open() as client:
        return folders.compare(_side(client, against), _side(client, what))


def _side(client: PolicyClient, side: str) -> Policy:
    if side and not _is_number(side):
        return folders.read(Path(side))[0]
    number = int(side) if side else client.versions.current().value.version.number
    return files.read(client.contents.export(number))[0]


def _is_number(side: str) -> bool:
    return side.isascii() and side.isdigit()


def export(connection: Connection, folder: Path, version: int | None, *, as_json: bool) -> None:
    with connection.open() as client:
        number = client.versions.current().value.version.number if version is None else version
        written = folders.write(folder, client.contents.export(number))
    if as_json:
        typer.echo(msgspec.json.encode({"version": number, "files": [str(path) for path in written]}))
    else:
        typer.echo(f"version {number}: {', '.join(map(str, written))}")


def import_(connection: Connection, folder: Path, why: str, into: int | None, *, as_json: bool) -> None:
    """Send what the folder holds; nothing of it is taken from what is published."""
    policy, _ = folders.read(folder)
    given = {name: getattr(policy, name) for name in DraftRequest.__struct_fields__ if name not in ("why", "rules")}
    asked = DraftRequest(rules=files.write(policy)[files.RULES], why=why, **given)
    with connection.open() as client:
        if into is None:
            made = client.versions.draft(asked)
        else:
            made = client.versions.edit(into, asked, match=client.versions.show(into).tag)
    _tell_draft(made.value, as_json=as_json)


def take_over(connection: Connection, casbin: tuple[Path, Path], zone: str, why: str, *, as_json: bool) -> None:
    """Send Casbin's own files, to stand beside what is published."""
    model, lines = (path.read_text(encoding="utf-8") for path in casbin)
    with connection.open() as client:
        made = client.contents.take_over(ImportRequest(why, model, lines, Setting(zone)))
    _tell_draft(made.value, as_json=as_json)


def _tell_draft(made: DraftAnswer, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(made))
        return
    for warning in made.warnings:
        typer.echo(f"{files.RULES}:{warning.line or ''}: {warning.message} [{warning.fault}]", err=True)
    typer.echo(f"version {made.version.number} is a draft, {made.version.sha256}")


def list_versions(connection: Connection, limit: int, *, as_json: bool) -> None:
    with connection.open() as client:
        for version, _ in zip(client.versions.list(), range(limit), strict=False):
            _tell_version(version, as_json=as_json)


def show(connection: Connection, version: int | None, *, as_json: bool) -> None:
    with connection.open() as client:
        found = _found(client, version).value
    if as_json:
        typer.echo(msgspec.json.encode(found))
        return
    _tell_version(found.version, as_json=False)
    typer.echo(f"sha256 {found.version.sha256}")
    for approval in found.approvals.approvals:
        typer.echo(f"approved by {approval.who}: {approval.why}")
    typer.echo(found.rules, nl=False)


def _found(client: PolicyClient, version: int | None) -> Tagged[VersionDocument]:
    return client.versions.current() if version is None else client.versions.show(version)


def _tell_version(version: VersionEntry, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(version))
        return
    who, at = version.publisher or version.author, version.published_at or version.created_at
    typer.echo(f"version {version.number}  {version.state}  {at:%Y-%m-%d %H:%M}Z  {who}: {version.why}")


def _looked_at(client: PolicyClient, version: int, sha256: str) -> str:
    """The tag of a draft as it is now, which is what was looked at. Raises `TooLong` where it is another."""
    found = client.versions.show(version)
    if sha256 and found.value.version.sha256 != sha256:
        raise TooLong(f"version {version} was changed: it is {found.value.version.sha256} now")
    return found.tag


def approve(connection: Connection, version: int, why: str, sha256: str, *, as_json: bool) -> None:
    with connection.open() as client:
        state = client.versions.approve(version, why, match=_looked_at(client, version, sha256))
    if as_json:
        typer.echo(msgspec.json.encode(state))
    else:
        typer.echo(f"version {version}: {len(state.approvals)} approvals, {state.needed} needed")


def publish(
    connection: Connection,
    version: int,
    why: str,
    sha256: str,
    confirm: Sequence[str],
    wait: float,
    *,
    as_json: bool,
) -> None:
    with connection.open() as client:
        match = _looked_at(client, version, sha256) if sha256 else ""
        made = client.versions.publish(version, why, match=match, confirm=confirm)
        _tell_version(made, as_json=as_json)
        wait_for(client, made.number, wait)


def roll_back(connection: Connection, to: int, why: str, confirm: Sequence[str], wait: float, *, as_json: bool) -> None:
    with connection.open() as client:
        made = client.versions.roll_back(to, why, confirm=confirm)
        _tell_version(made, as_json=as_json)
        wait_for(client, made.number, wait)


def begin_shadow(connection: Connection, version: int, why: str, share: float, seconds: int, *, as_json: bool) -> None:
    with connection.open() as client:
        _tell_shadow(client.versions.shadow(version, ShadowRequest(why, share, seconds)), as_json=as_json)


def end_shadow(connection: Connection, version: int, why: str, *, as_json: bool) -> None:
    with connection.open() as client:
        _tell_shadow(client.versions.end_shadow(version, why), as_json=as_json)


def shadow_report(connection: Connection, version: int, most: int | None, *, as_json: bool) -> None:
    """Raises `NotFit` where more than `most` decisions would be others."""
    with connection.open() as client:
        report = client.versions.shadow_report(version)
    _tell_shadow(report, as_json=as_json)
    if most is not None and report.decided - report.same > most:
        raise NotFit(f"{report.decided - report.same} decisions would be others, more than {most}")


def _tell_shadow(report: Report, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(report))
        return
    typer.echo(f"version {report.version}: {report.decided} decided since {report.since}, {report.same} the same")
    for each in report.differing:
        typer.echo(
            f"{each.count:>8}  {each.was} -> {each.would_be}  zone {each.zone}, rule {each.rule}, "
            f"e.g. {each.example_decision_id}"
        )
