"""What people would read of a programme, before anybody is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem
from idp.administration import problems
from idp.administration.programme_documents import NoticePreview, NoticePreviewRequest, NoticePreviews, NoticeWords
from idp.administration.scope import Administrator
from idp.rollout.programme import Programmes
from idp.rollout.reminders import OCCASIONS, Addressee, UnusableText, check_texts, words_for, words_of

_NOBODY: Final = UUID(int=0)
_READERS: Final[Mapping[Literal["ko", "en"], Addressee]] = {
    "ko": Addressee(user_id=_NOBODY, name="김하늘", email="", locale="ko"),
    "en": Addressee(user_id=_NOBODY, name="Haneul Kim", email="", locale="en"),
}
"""Whom a preview is addressed to."""


class NoticeFacts(Protocol):
    """Where it is known what notices say of an organisation."""

    async def organisation(self, tx: Transaction, organisation_id: UUID) -> tuple[str, str]:
        """What it is called, and the clock that it goes by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeActs:
    """Shows notices as they would be."""

    database: Database
    clock: Clock
    programmes: Programmes
    facts: NoticeFacts

    async def preview(self, who: Administrator, programme_id: UUID, asked: NoticePreviewRequest) -> NoticePreviews:
        """On each occasion, in both languages, by words that nobody has kept yet."""
        async with self.database.connect() as tx:
            found = await self.programmes.find(tx, programme_id)
            if found is None or found.organisation_id not in who.organisations:
                raise Problem(problems.NOT_FOUND)
            phases = await self.programmes.phases(tx, programme_id)
            name, zone = await self.facts.organisation(tx, found.organisation_id)
        phase = next((one for one in phases if one.id == asked.phase_id), None)
        if phase is None:
            raise Problem(problems.NOT_FOUND)
        try:
            check_texts(asked.texts)
        except UnusableText as error:
            raise Problem(problems.PROGRAMME_REFUSED, str(error)) from error
        programme, now = replace(found, texts=asked.texts), self.clock.now()
        return NoticePreviews(
            tuple(
                NoticePreview(
                    occasion=occasion,
                    own=occasion in asked.texts,
                    said={one: NoticeWords(*words_of(programme, occasion, one)) for one in _READERS},
                    filled={
                        one: NoticeWords(*words_for(programme, phase, occasion, reader, name, ZoneInfo(zone), now))
                        for one, reader in _READERS.items()
                    },
                )
                for occasion in OCCASIONS
            )
        )
