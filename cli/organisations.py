"""`munjigi organisations`: what organisations say of how their people prove who they are."""

from __future__ import annotations

from uuid import UUID

import msgspec
import typer

from cli.documents import read_file, tell_document
from config.settings import Settings
from idp.administration.authentication_documents import CountingDocument, Ways, asked, told
from idp.every_organisation import every_organisation
from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules

_SHOWN = ("organisation_id", "models_known")
"""Members that `show` adds: a file may have them, and they are not read."""


class RulesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file of `change`: what the admin API takes, without why."""

    attestation: AttestationPolicy = AttestationPolicy()
    methods: CountingDocument = CountingDocument()
    forbidden: Ways = ()
    verified_approvals: bool = False
    version: int | None = None


def read_rules(name: str) -> RulesFile:
    """What a file says. Raises `typer.BadParameter`."""
    members = {member: value for member, value in read_file(name).items() if member not in _SHOWN}
    try:
        return msgspec.convert(members, RulesFile)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{name}: {error}", param_hint="--file") from error


async def shown(settings: Settings, organisation_id: UUID) -> dict[str, object]:
    async with every_organisation(settings) as every:
        return _document(organisation_id, await every.rules(organisation_id), models_known=every.models_known)


async def changed(settings: Settings, organisation_id: UUID, file: RulesFile, why: str) -> dict[str, object]:
    async with every_organisation(settings) as every:
        wanted = asked(file, 0)
        rules = await every.change(organisation_id, wanted, why, version=file.version)
        return _document(organisation_id, rules, models_known=every.models_known)


def tell(document: dict[str, object], *, as_json: bool) -> None:
    """A line for each member, or JSON."""
    tell_document(document, as_json=as_json)


def _document(organisation_id: UUID, rules: AuthenticationRules, *, models_known: bool) -> dict[str, object]:
    document = told(organisation_id, rules, models_known=models_known)
    return {**msgspec.to_builtins(document), "version": rules.version}
