"""What administrators see and change of how their people prove who they are, each act with its record."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from msgspec.structs import replace

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entity_tags import Match, tag
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.authentication_documents import (
    AuthenticationDocument,
    AuthenticationRequest,
    ModelEntry,
    ModelList,
    Reach,
    ReachRequest,
    SuspectKey,
    SuspectKeyList,
    asked,
    told,
)
from idp.administration.page import Page
from idp.administration.record import record
from idp.administration.scope import Administrator
from idp.factors.authentication_rules import AuthenticationRules
from idp.factors.metadata_file import MetadataFile

_KEY: Final = re.compile(r"([0-9a-f]{2}){1,1023}")


class Rules(Protocol):
    """Where rules of organisations are kept."""

    async def authentication_rules(
        self, tx: Transaction, organisation_id: UUID, *, claim: bool = False
    ) -> AuthenticationRules | None:
        """Those of an organisation; None: it never said anything. With `claim`, nobody else changes them meanwhile."""

    async def put_authentication_rules(
        self, tx: Transaction, organisation_id: UUID, rules: AuthenticationRules, now: datetime
    ) -> bool:
        """Keep rules of a version, and tell whoever has them in memory. False: others of this version were first."""

    async def suspect_keys(
        self, tx: Transaction, organisation_id: UUID, refused: Collection[str], *, after: bytes | None, limit: int
    ) -> Sequence[SuspectKey]:
        """Passkeys of its people that may have been copied, or are of a `refused` model (AAGUID), by their ids."""


class HitPeople(Protocol):
    """Where it is known what people have."""

    async def reach(self, tx: Transaction, organisation_id: UUID, rules: AuthenticationRules) -> Reach:
        """An organisation's people who have nothing but what these rules forbid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationActs:
    """Shows and changes rules; lists models, and keys to be replaced."""

    database: Database
    valkey: Valkey
    clock: Clock
    rules: Rules
    people: HitPeople
    models: MetadataFile

    async def show(self, who: Administrator, organisation_id: UUID) -> tuple[AuthenticationDocument, str]:
        """Those of one organisation, with their tag."""
        _within(who, organisation_id)
        async with self.database.connect() as tx:
            found = await self.rules.authentication_rules(tx, organisation_id)
        return self._told(organisation_id, found or AuthenticationRules())

    async def change(
        self, who: Administrator, organisation_id: UUID, wanted: AuthenticationRequest, matches: Callable[[str], Match]
    ) -> tuple[AuthenticationDocument, str]:
        """Make them what is asked; `matches` tells whether the caller has read those of a tag."""
        _within(who, organisation_id)
        async with self.database.begin() as tx:
            before = await self.rules.authentication_rules(tx, organisation_id, claim=True) or AuthenticationRules()
            current = _tag(organisation_id, before)
            said = matches(current)
            if said != "same":
                kind = problems.PRECONDITION_REQUIRED if said == "unsaid" else problems.PRECONDITION_FAILED
                raise Problem(kind, headers={"ETag": current})
            after = asked(wanted, before.version)
            if (fault := after.fault(models_known=self.models.current is not None)) is not None:
                raise Problem(problems.RULES_REFUSED, fault)
            if not wanted.anyway and (more := await self._strands(tx, organisation_id, before, after)):
                raise Problem(problems.PEOPLE_STUCK, f"forbidden: {more} people would have no way left to sign in")
            if not await self.rules.put_authentication_rules(tx, organisation_id, after, self.clock.now()):
                raise Problem(problems.PRECONDITION_FAILED)
            details = {"why": wanted.why, "changed": before.differences(after), "version": after.version}
            await record(tx, who, Kind.ORGANISATION_CHANGED, str(organisation_id), details)
        await outbox.poke(self.valkey)
        return self._told(organisation_id, after)

    async def reach(self, who: Administrator, organisation_id: UUID, thought: ReachRequest) -> Reach:
        """Whom it would hit if that were forbidden; nothing is changed."""
        _within(who, organisation_id)
        wanted = AuthenticationRules(
            forbidden=frozenset(thought.forbidden), verified_approvals=thought.verified_approvals
        )
        async with self.database.connect() as tx:
            return await self.people.reach(tx, organisation_id, wanted)

    async def _strands(
        self, tx: Transaction, organisation_id: UUID, before: AuthenticationRules, after: AuthenticationRules
    ) -> int:
        """How many people would be stuck, where the change forbids more than before."""
        if after.forbidden <= before.forbidden and after.verified_approvals <= before.verified_approvals:
            return 0
        return (await self.people.reach(tx, organisation_id, after)).stuck

    async def list_models(self, name: str, page: Page) -> ModelList:
        """Models whose name or AAGUID holds `name`, by AAGUID."""
        metadata, today = self.models.current, self.clock.now().astimezone(UTC).date()
        models = sorted(metadata.models.values(), key=lambda one: one.aaguid) if metadata is not None else []
        wanted = name.casefold()
        found = [
            ModelEntry(aaguid=one.aaguid, name=one.name, certified=one.certified(today), refused=one.refused(today))
            for one in models
            if one.aaguid > page.after and (wanted in one.name.casefold() or wanted in one.aaguid)
        ]
        shown, following = page.cut(found, lambda one: one.aaguid)
        return ModelList(
            models=tuple(shown),
            number=metadata.number if metadata is not None else None,
            next_update=metadata.next_update if metadata is not None else None,
            problem=self.models.refused,
            next=following,
        )

    async def list_suspect_keys(self, who: Administrator, organisation_id: UUID, page: Page) -> SuspectKeyList:
        """Passkeys of an organisation's people that somebody should replace."""
        _within(who, organisation_id)
        if page.after and not _KEY.fullmatch(page.after):
            raise Problem(problems.NOT_UNDERSTOOD, "after: the `next` of the page before is expected")
        metadata, today = self.models.current, self.clock.now().astimezone(UTC).date()
        models = metadata.models.values() if metadata is not None else ()
        refused = {one.aaguid: one for one in models if one.refused(today)}
        async with self.database.connect() as tx:
            found = await self.rules.suspect_keys(
                tx,
                organisation_id,
                list(refused),
                after=bytes.fromhex(page.after) if page.after else None,
                limit=page.limit + 1,
            )
        shown, following = page.cut(found, lambda one: one.cursor)
        named = (self._named(one, today_status=self.models.refused_model(one.aaguid)) for one in shown)
        return SuspectKeyList(tuple(named), following)

    def _named(self, key: SuspectKey, *, today_status: str) -> SuspectKey:
        return replace(key, model=self.models.name_of(key.aaguid), status=today_status)

    def _told(self, organisation_id: UUID, rules: AuthenticationRules) -> tuple[AuthenticationDocument, str]:
        document = told(organisation_id, rules, models_known=self.models.current is not None)
        return document, _tag(organisation_id, rules)


def _tag(organisation_id: UUID, rules: AuthenticationRules) -> str:
    return tag("authentication", organisation_id, rules.version)


def _within(who: Administrator, organisation_id: UUID) -> None:
    if organisation_id not in who.organisations:
        raise Problem(problems.NOT_FOUND)
